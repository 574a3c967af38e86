"""Passwords: changed by whoever knows the old one, or chosen anew with a mailed link."""

from sqlalchemy import select

from core_api import audit
from core_api.audit import Actor
from core_api.auth import mailed_links, one_time, passwords, sessions
from core_api.auth.failed_proofs import record_failed_proof
from core_api.auth.subject import Subject
from core_api.domains.accounts.desk import MAIL_LIMIT, Desk
from core_api.infra.errors import Conflict, Invalid, Unauthenticated
from core_api.models import TokenKind, User, utcnow


class WrongPassword(Invalid):
    """The password that was to prove who it is is not theirs."""

    code, title = "wrong_password", "The password is wrong"


def prove_password(desk: Desk, subject: Subject, password: str | None, field: str, purpose: str) -> str | None:
    """Check that a person who has a password knows it; gives its hash. A wrong one is recorded with the `purpose`.

    Raises WrongPassword, which names `field`, and TooManyRequests.
    """
    with desk.database.reading() as session:
        password_hash = session.scalar(select(User.password_hash).where(User.id == subject.user_id))
    if password_hash is None:
        return None
    if password is None:
        raise _wrong("Give your password.", field)
    guesses = desk.guesses("password", subject.user_id)
    guesses.begin()
    if not passwords.verify_password(password_hash, password):
        record_failed_proof(desk.database, subject, purpose, "password")
        guesses.failed()
        raise _wrong("This is not your password.", field)
    guesses.succeeded()
    return password_hash


def change_password(desk: Desk, subject: Subject, current: str | None, new: str) -> None:
    """Set a new password, and end the person's other sessions. Raises WrongPassword and WeakPassword."""
    before = prove_password(desk, subject, current, "current_password", "password_change")
    with desk.database.reading() as session:
        person = session.get_one(User, subject.user_id)
    passwords.check_strength(new, person.name, person.email)
    password_hash = passwords.hash_password(new)
    with desk.database.transaction() as session:
        person = session.get_one(User, subject.user_id, with_for_update=True)
        if person.password_hash != before:
            raise Conflict("The password was changed from elsewhere meanwhile.")
        person.password_hash = password_hash
        one_time.cancel(session, person.id, TokenKind.PASSWORD_RESET)
        ended = sessions.revoke_sessions(session, person.id, keep=subject.session_id)
        mailed_links.mail_password_changed(session, desk.vault, desk.settings, person)
        audit.record(session, Actor.of(subject), "auth.password_changed", "user", person.id, sessions_ended=ended)


def check_may_ask(desk: Desk, email: str) -> None:
    """Count a request for a link. Raises TooManyRequests, for an unknown address as for a known one."""
    if desk.network:
        desk.limiter.hit(desk.settings.rate_limit_sign_in, "forgot", "address", desk.network)
    desk.limiter.hit(MAIL_LIMIT, "mail", email)


def mail_reset_link(desk: Desk, email: str) -> None:
    """Mail a link to choose a new password, where there is such a person. It is done after the answer, which nobody
    can tell from that to an unknown address."""
    with desk.database.transaction() as session:
        person = session.scalar(select(User).where(User.email == email, User.disabled_at.is_(None)))
        if person is not None:
            mailed_links.mail_password_reset(session, desk.vault, desk.settings, person)
        actor = Actor(None, email)
        audit.record(session, actor, "auth.password_reset_asked", "user", person.id if person is not None else "")


def reset_password(desk: Desk, token: str, new: str) -> None:
    """Set a new password with a mailed link, which also proves the address. All the person's sessions end.

    Raises Unauthenticated for the link, WeakPassword (the link can be used again then).
    """
    with desk.database.reading() as session:
        person = session.get_one(User, one_time.peek(session, token, TokenKind.PASSWORD_RESET).user_id)
    passwords.check_strength(new, person.name, person.email)
    password_hash = passwords.hash_password(new)
    with desk.database.transaction() as session:
        used = one_time.redeem(session, token, TokenKind.PASSWORD_RESET)
        person = session.get_one(User, used.user_id, with_for_update=True)
        # A link to an address that is the person's no longer proves nothing.
        if person.disabled_at is not None or person.email is None or used.email != person.email:
            raise Unauthenticated("This link is not valid any more. Ask for a new one.")
        person.password_hash = password_hash
        person.email_verified_at = person.email_verified_at or utcnow()
        one_time.cancel(session, person.id, TokenKind.PASSWORD_RESET, TokenKind.EMAIL_VERIFICATION)
        ended = sessions.revoke_sessions(session, person.id)
        mailed_links.mail_password_changed(session, desk.vault, desk.settings, person)
        actor = Actor(person.id, person.name)
        audit.record(session, actor, "auth.password_reset", "user", person.id, sessions_ended=ended)


def _wrong(message: str, field: str) -> WrongPassword:
    return WrongPassword(message, field=field)
