"""Signing in: by password and second factor, by one-time link, and on by refresh tokens; and signing out."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth import mailed_links, one_time, passwords, refresh_tokens, second_factor, sessions
from core_api.auth.access_tokens import issue_access_token
from core_api.auth.callers import Caller
from core_api.auth.refresh_tokens import TokenReused
from core_api.domains.accounts.desk import MAIL_LIMIT, Desk
from core_api.domains.accounts.schemas import TokensRead
from core_api.infra.errors import Forbidden, Unauthenticated
from core_api.models import TokenKind, User, utcnow

T = TypeVar("T")

_NAME_CHARS = 200


class InvalidCredentials(Unauthenticated):
    """The address or the password is wrong; which of them is not told."""

    code, title = "invalid_credentials", "Address or password is wrong"


class MfaRequired(Unauthenticated):
    """The password is right, and a code is needed besides."""

    code, title = "mfa_required", "A second factor is needed"


class MfaInvalid(Unauthenticated):
    """The code is wrong, too old, or used."""

    code, title = "mfa_invalid", "The code does not work"


class EmailUnverified(Forbidden):
    """The password is right, and nobody has shown yet that the address is theirs."""

    code, title = "email_unverified", "The address is not verified"


def sign_in(desk: Desk, email: str, password: str, code: str | None, begin: Callable[[Session, str], T]) -> T:
    """Check who it is, and `begin` a session for them (given the database session and the person's id).

    Raises InvalidCredentials, in the same time whether there is such an account or not; EmailUnverified, MfaRequired
    or MfaInvalid for somebody who knows the password; TooManyRequests.
    """
    guesses = desk.guesses("sign-in", email)
    guesses.begin()
    with desk.database.reading() as session:
        user = session.scalar(select(User).where(User.email == email))
    password_hash = user.password_hash if user is not None else None
    is_right = passwords.verify_password(password_hash, password)
    if user is None or password_hash is None or not is_right or user.disabled_at is not None:
        _failed(desk, email, user, "password" if user is None or not is_right else "disabled")
        guesses.failed()
        raise InvalidCredentials("The address or the password is wrong. Try again, or ask for a new password.")
    if user.email_verified_at is None:
        _failed(desk, email, user, "unverified")
        _mail_verification_again(desk, user.id)
        raise EmailUnverified("Open the link that was mailed to you first; it has just been sent again.")
    rehashed = passwords.hash_password(password) if passwords.needs_rehash(password_hash) else password_hash
    try:
        with desk.database.transaction() as session:
            factor = _second_factor(desk, session, user.id, code)
            person = _still_there(session, user.id, password_hash)
            person.password_hash = rehashed
            person.last_seen_at = utcnow()
            begun = begin(session, person.id)
            _recovery_code_used(session, person, factor)
            _record_sign_in(session, person, "password", factor)
    except MfaInvalid:
        _failed(desk, email, user, "code")
        guesses.failed()
        raise
    guesses.succeeded()
    return begun


def _mail_verification_again(desk: Desk, user_id: str) -> None:
    with desk.database.transaction() as session:
        person = session.get_one(User, user_id)
        if person.email is not None and person.email_verified_at is None:
            desk.limiter.hit(MAIL_LIMIT, "mail", person.email)
            hashed = person.password_hash
            mailed_links.mail_verification(session, desk.vault, desk.settings, person, person.email, hashed)


def sign_in_by_link(desk: Desk, token: str) -> str:
    """Sign a browser in with a one-time link; the secret for its cookie. Raises Unauthenticated."""
    with desk.database.transaction() as session:
        used = one_time.redeem(session, token, TokenKind.SIGN_IN_LINK)
        person = session.get_one(User, used.user_id)
        if person.disabled_at is not None or person.deleted_at is not None:
            raise Unauthenticated("This account is deactivated. Ask an admin.")
        person.last_seen_at = utcnow()
        secret = begin_browser(desk)(session, person.id)
        _record_sign_in(session, person, "link", None)
    return secret


def begin_browser(desk: Desk) -> Callable[[Session, str], str]:
    """For `sign_in`: a session by cookie; gives its secret."""

    def begin(session: Session, user_id: str) -> str:
        lifetime = timedelta(days=desk.settings.session_days)
        return sessions.start_browser_session(session, user_id, lifetime, desk.device)

    return begin


def begin_client(desk: Desk) -> Callable[[Session, str], TokensRead]:
    """For `sign_in`: a session by tokens; gives them."""

    def begin(session: Session, user_id: str) -> TokensRead:
        session_id = sessions.start_client_session(session, user_id, _refresh_lifetime(desk), desk.device)
        return _tokens(desk, session, user_id, session_id)

    return begin


def refresh(desk: Desk, refresh_token: str) -> TokensRead:
    """A new pair of tokens for a refresh token. Raises Unauthenticated, and TokenReused for one that was used before:
    then its session is over."""
    with desk.database.transaction() as session:
        redeemed = refresh_tokens.redeem_refresh_token(session, refresh_token)
        if redeemed is not None and not redeemed.reused:
            sessions.extend_session(session, redeemed.session_id, _refresh_lifetime(desk))
            return _tokens(desk, session, redeemed.user_id, redeemed.session_id)
        if redeemed is not None and sessions.revoke_session(session, redeemed.session_id):
            actor = Actor(redeemed.user_id, redeemed.user_name)
            audit.record(session, actor, "auth.token_reused", "session", redeemed.session_id)
    if redeemed is not None:
        raise TokenReused("This refresh token was used before: somebody may have copied it. Sign in again.")
    raise Unauthenticated("This refresh token is not valid (any more). Sign in again.")


def sign_out(session: Session, caller: Caller) -> None:
    """End the session that a request came with."""
    if caller.subject.session_id is not None and sessions.revoke_session(session, caller.subject.session_id):
        actor = Actor.of(caller.subject)
        audit.record(session, actor, "auth.signed_out", "session", caller.subject.session_id)


def _second_factor(desk: Desk, session: Session, user_id: str, code: str | None) -> str | None:
    if not second_factor.is_enabled(session, user_id):
        return None
    if code is None:
        raise MfaRequired("Send the request again with `code`: from your authenticator app, or a recovery code.")
    factor = second_factor.use_code(session, desk.vault, user_id, code)
    if factor is None:
        raise MfaInvalid("The code does not work. Each works once: wait for the next one.")
    return factor


def _still_there(session: Session, user_id: str, password_hash: str) -> User:
    """The person, whom something may have happened to while the password was checked."""
    person = session.scalar(
        select(User)
        .where(User.id == user_id, User.password_hash == password_hash)
        .where(User.disabled_at.is_(None), User.deleted_at.is_(None))
        .with_for_update()
    )
    if person is None:
        raise InvalidCredentials("The address or the password is wrong. Try again, or ask for a new password.")
    return person


def _tokens(desk: Desk, session: Session, user_id: str, session_id: str) -> TokensRead:
    return TokensRead(
        access_token=issue_access_token(session, desk.vault, desk.settings, user_id, session_id),
        expires_in=desk.settings.access_token_minutes * 60,
        refresh_token=refresh_tokens.issue_refresh_token(session, session_id, _refresh_lifetime(desk)),
    )


def _refresh_lifetime(desk: Desk) -> timedelta:
    return timedelta(days=desk.settings.refresh_token_days)


def _record_sign_in(session: Session, person: User, method: str, factor: str | None) -> None:
    actor = Actor(person.id, person.name)
    audit.record(session, actor, "auth.signed_in", "user", person.id, method=method, second_factor=factor)


def _recovery_code_used(session: Session, person: User, factor: str | None) -> None:
    if factor == "recovery_code":
        left = second_factor.recovery_codes_left(session, person.id)
        audit.record(session, Actor(person.id, person.name), "auth.recovery_code_used", "user", person.id, left=left)


def _failed(desk: Desk, email: str, user: User | None, reason: str) -> None:
    """Keep that an attempt has failed, for an unknown account in the same way as for a known one."""
    with desk.database.transaction() as session:
        actor = Actor(None, email[:_NAME_CHARS])
        audit.record(session, actor, "auth.sign_in_failed", "user", user.id if user is not None else "", reason=reason)
