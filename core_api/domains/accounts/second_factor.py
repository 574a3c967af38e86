"""Turning the second factor on and off."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth import second_factor
from core_api.auth.failed_proofs import record_failed_proof
from core_api.auth.subject import Subject
from core_api.domains.accounts.choosing_passwords import prove_password
from core_api.domains.accounts.desk import Desk
from core_api.domains.accounts.schemas import MfaSetupRead
from core_api.infra.errors import Conflict, Invalid
from core_api.models import TotpDevice, User

T = TypeVar("T")


class CodeInvalid(Invalid):
    """The code is wrong, too old, or used. (Unlike at sign-in: who is signed in stays so.)"""

    code, title = "mfa_invalid", "The code does not work"


def set_up(desk: Desk, subject: Subject, password: str | None) -> MfaSetupRead:
    """A secret for the authenticator app, which counts once a code of it was given back. Raises WrongPassword, and
    Conflict where there is a second factor."""
    prove_password(desk, subject, password, "password", "mfa_setup")
    with desk.database.transaction() as session:
        if second_factor.is_enabled(session, subject.user_id):
            raise Conflict("You have a second factor. Turn it off first.")
        secret = second_factor.start_setup(session, desk.vault, subject.user_id)
        person = session.get_one(User, subject.user_id)
    url = second_factor.otpauth_url(secret, person.email or person.name)
    return MfaSetupRead(secret=secret, otpauth_url=url, qr_svg=second_factor.qr_svg(url))


def confirm(desk: Desk, subject: Subject, code: str) -> list[str]:
    """Put the second factor into force; its recovery codes. Raises CodeInvalid, and Conflict without a setup."""

    def enable(session: Session) -> list[str]:
        device = session.get(TotpDevice, subject.user_id)
        if device is None or device.confirmed_at is not None:
            raise Conflict("There is no second factor to confirm. Begin with the setup.")
        if not second_factor.confirm_setup(session, desk.vault, subject.user_id, code):
            raise _invalid()
        codes = second_factor.new_recovery_codes(session, subject.user_id)
        audit.record(session, Actor.of(subject), "auth.mfa_enabled", "user", subject.user_id)
        return codes

    return _guarded(desk, subject, "mfa_confirm", enable)


def renew_recovery_codes(desk: Desk, subject: Subject, code: str) -> list[str]:
    """New recovery codes in place of the old ones. Raises CodeInvalid."""

    def renew(session: Session) -> list[str]:
        _use(desk, session, subject, code)
        codes = second_factor.new_recovery_codes(session, subject.user_id)
        audit.record(session, Actor.of(subject), "auth.mfa_enabled", "user", subject.user_id, recovery_codes="new")
        return codes

    return _guarded(desk, subject, "recovery_codes", renew)


def turn_off(desk: Desk, subject: Subject, code: str) -> None:
    """Ask for no code any more. Raises CodeInvalid."""

    def disable(session: Session) -> None:
        _use(desk, session, subject, code)
        second_factor.disable(session, subject.user_id)
        audit.record(session, Actor.of(subject), "auth.mfa_disabled", "user", subject.user_id)

    _guarded(desk, subject, "mfa_disable", disable)


def _guarded(desk: Desk, subject: Subject, purpose: str, work: Callable[[Session], T]) -> T:
    """Do work that uses a code, in a transaction; a wrong one is counted, and recorded with the `purpose`."""
    guesses = desk.guesses("code", subject.user_id)
    guesses.begin()
    try:
        with desk.database.transaction() as session:
            done = work(session)
    except CodeInvalid:
        record_failed_proof(desk.database, subject, purpose, "code")
        guesses.failed()
        raise
    guesses.succeeded()
    return done


def _use(desk: Desk, session: Session, subject: Subject, code: str) -> None:
    if not second_factor.is_enabled(session, subject.user_id):
        raise Conflict("You have no second factor.")
    factor = second_factor.use_code(session, desk.vault, subject.user_id, code)
    if factor is None:
        raise _invalid()
    if factor == "recovery_code":
        left = second_factor.recovery_codes_left(session, subject.user_id)
        audit.record(session, Actor.of(subject), "auth.recovery_code_used", "user", subject.user_id, left=left)


def _invalid() -> CodeInvalid:
    return CodeInvalid("The code does not work. Each works once: wait for the next one.", field="code")
