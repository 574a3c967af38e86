"""Refresh tokens: each is good for one new pair of tokens. One that comes a second time has been copied, and nobody can
tell which of the two is the thief: the whole session ends."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core_api.auth.secret_tokens import digest, new_secret
from core_api.infra.errors import Unauthenticated
from core_api.models import LoginSession, RefreshToken, User, utcnow

PREFIX = "nxr_"


class TokenReused(Unauthenticated):
    """A refresh token came a second time."""

    code, title = "token_reused", "This session was ended for safety"


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a refresh token stood for. `reused`: it had been used before, and opens nothing."""

    user_id: str
    user_name: str
    session_id: str
    reused: bool


def issue_refresh_token(session: Session, session_id: str, lifetime: timedelta) -> str:
    """A new token of a session."""
    secret = new_secret(PREFIX)
    session.add(RefreshToken(session_id=session_id, token_sha256=digest(secret), expires_at=utcnow() + lifetime))
    session.flush()
    return secret


def redeem_refresh_token(session: Session, secret: str) -> Redeemed | None:
    """Use a token up; None where it is unknown or too old, or its session has ended."""
    now = utcnow()
    # One statement, so that of two requests with the same token only one succeeds.
    used_now = session.scalar(
        update(RefreshToken)
        .where(
            RefreshToken.token_sha256 == digest(secret), RefreshToken.used_at.is_(None), RefreshToken.expires_at > now
        )
        .values(used_at=now)
        .returning(RefreshToken.id),
        execution_options={"synchronize_session": False},
    )
    row = session.execute(
        select(User.id, User.name, LoginSession.id, RefreshToken.used_at, LoginSession.revoked_at, User.disabled_at)
        .join(LoginSession, LoginSession.user_id == User.id)
        .join(RefreshToken, RefreshToken.session_id == LoginSession.id)
        .where(RefreshToken.token_sha256 == digest(secret), User.deleted_at.is_(None))
    ).first()
    if row is None:
        return None
    user_id, name, session_id, used_at, revoked_at, disabled_at = row
    if used_now is None and used_at is not None:
        return Redeemed(user_id, name, session_id, reused=True)
    if used_now is None or revoked_at is not None or disabled_at is not None:
        return None
    return Redeemed(user_id, name, session_id, reused=False)
