"""Login sessions: started by signing in, seen in a list, ended by signing out or by their owner from elsewhere."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from core_api.auth.callers import Caller, Executor, active_people, session_caller
from core_api.auth.secret_tokens import digest, new_secret
from core_api.models import LoginSession, User, utcnow

# Ended sessions stay for so long after: a refresh token that comes again is known as such. Later nobody can use it.
_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Device:
    """Where somebody signs in from, for them to recognise."""

    user_agent: str = ""
    address: str = ""


def start_browser_session(session: Session, user_id: str, lifetime: timedelta, device: Device) -> str:
    """A session for a browser; gives the secret for its cookie."""
    secret = new_secret()
    _start(session, user_id, lifetime, device, digest(secret))
    return secret


def start_client_session(session: Session, user_id: str, lifetime: timedelta, device: Device) -> str:
    """A session for a program, which holds tokens; gives its id."""
    return _start(session, user_id, lifetime, device, None).id


def _start(
    session: Session, user_id: str, lifetime: timedelta, device: Device, secret_sha256: str | None
) -> LoginSession:
    now = utcnow()
    over = or_(LoginSession.expires_at < now - _KEPT, LoginSession.revoked_at < now - _KEPT)
    session.execute(
        delete(LoginSession).where(LoginSession.user_id == user_id, over),
        execution_options={"synchronize_session": False},
    )
    started = LoginSession(
        user_id=user_id,
        secret_sha256=secret_sha256,
        user_agent=device.user_agent[:400],
        address=device.address[:64],
        last_used_at=now,
        expires_at=now + lifetime,
    )
    session.add(started)
    session.flush()
    return started


# Made once: every request of a browser asks it.
_BY_COOKIE = (
    active_people()
    .join(LoginSession, LoginSession.user_id == User.id)
    .add_columns(LoginSession.id, LoginSession.last_used_at)
    .where(
        LoginSession.secret_sha256 == bindparam("sha256"),
        LoginSession.revoked_at.is_(None),
        LoginSession.expires_at > bindparam("now"),
    )
)


def caller_of_cookie(session: Executor, secret: str) -> Caller | None:
    """The person behind a session cookie, None when it is not valid (any more)."""
    row = session.execute(_BY_COOKIE, {"sha256": digest(secret), "now": utcnow()}).first()
    return None if row is None else session_caller(row, "browser")


def live_sessions(user_id: str) -> Select[LoginSession]:
    """A person's sessions that have not ended."""
    return select(LoginSession).where(
        LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None), LoginSession.expires_at > utcnow()
    )


def revoke_session(session: Session, session_id: str) -> bool:
    """End a session; says whether it had not ended before."""
    ended = session.scalar(
        update(LoginSession)
        .where(LoginSession.id == session_id, LoginSession.revoked_at.is_(None))
        .values(revoked_at=utcnow())
        .returning(LoginSession.id)
    )
    return ended is not None


def revoke_sessions(session: Session, user_id: str, *, keep: str | None = None) -> int:
    """End all sessions of a person but `keep`; how many had not ended before."""
    others = update(LoginSession).where(LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
    if keep is not None:
        others = others.where(LoginSession.id != keep)
    ended = others.values(revoked_at=utcnow()).returning(LoginSession.id)
    return len(session.scalars(ended, execution_options={"synchronize_session": False}).all())


def extend_session(session: Session, session_id: str, lifetime: timedelta) -> None:
    """Let a session that is in use live so long from now."""
    now = utcnow()
    session.execute(
        update(LoginSession).where(LoginSession.id == session_id).values(last_used_at=now, expires_at=now + lifetime)
    )
