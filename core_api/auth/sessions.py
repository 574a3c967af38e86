"""Login sessions: started by signing in, seen in a list, ended by signing out or by their owner from elsewhere."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core_api.auth.secret_tokens import digest, new_secret
from core_api.auth.subject import Subject
from core_api.models import LoginSession, SystemRole, User, utcnow

# The time of last use is kept to this precision, so that most requests write nothing.
_SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Device:
    """Where somebody signs in from, for them to recognise."""

    user_agent: str = ""
    address: str = ""


def start_browser_session(session: Session, user_id: str, lifetime: timedelta, device: Device) -> str:
    """A session for a browser; gives the secret for its cookie."""
    secret, now = new_secret(), utcnow()
    session.add(
        LoginSession(
            user_id=user_id,
            secret_sha256=digest(secret),
            user_agent=device.user_agent[:400],
            address=device.address[:64],
            last_used_at=now,
            expires_at=now + lifetime,
        )
    )
    session.flush()
    return secret


def subject_of_cookie(session: Session, secret: str) -> Subject | None:
    """The person behind a session cookie, None when it is not valid (any more)."""
    row = session.execute(
        select(User.id, User.name, User.role, LoginSession.id)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(
            LoginSession.secret_sha256 == digest(secret),
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > utcnow(),
            User.disabled_at.is_(None),
            User.deleted_at.is_(None),
        )
    ).first()
    return None if row is None else Subject(row[0], row[1], SystemRole(row[2]), session_id=row[3])


def end_browser_session(session: Session, secret: str) -> None:
    """Make a session cookie worthless."""
    session.execute(
        update(LoginSession).where(LoginSession.secret_sha256 == digest(secret)).values(revoked_at=utcnow())
    )
