"""Who stands behind a request, by which credential, and when that was last used."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Select, or_, select, update
from sqlalchemy.orm import Session

from core_api.auth.permissions import Scope
from core_api.auth.subject import Subject
from core_api.models import ApiKey, LoginSession, SystemRole, TotpDevice, User, utcnow

# The time of last use is kept to this precision, so that most requests write nothing.
_SEEN_EVERY = timedelta(minutes=5)


Executor = Session | Connection


@dataclass(frozen=True, slots=True)
class Caller:
    """A subject with what they have shown: a browser's cookie, a client's access token, or an API key."""

    subject: Subject
    credential: Literal["browser", "client", "api_key"]
    credential_id: str
    last_used_at: datetime | None
    has_second_factor: bool

    @property
    def is_due(self) -> bool:
        """Whether `note_use` has something to write."""
        return self.last_used_at is None or self.last_used_at < utcnow() - _SEEN_EVERY

    @property
    def needs_second_factor(self) -> bool:
        """Whether this is an admin without one."""
        return self.subject.role is SystemRole.ADMIN and not self.has_second_factor


def active_people() -> Select[*tuple[Any, ...]]:
    """(id, name, role, when their authenticator app was confirmed) of the people who are here, to be joined with a
    credential; deactivated and deleted people have none that works."""
    return (
        select(User.id, User.name, User.role, TotpDevice.confirmed_at)
        .outerjoin(TotpDevice, TotpDevice.user_id == User.id)
        .where(User.disabled_at.is_(None), User.deleted_at.is_(None))
    )


def session_caller(row: Any, credential: Literal["browser", "client"]) -> Caller:
    """The caller of `active_people` with a session's id and last use."""
    user_id, name, role, confirmed_at, session_id, last_used_at, *_ = row
    subject = Subject(user_id, name, SystemRole(role), session_id=session_id)
    return Caller(subject, credential, session_id, last_used_at, confirmed_at is not None)


def key_caller(row: Any) -> Caller:
    """The caller of `active_people` with an API key's id, last use and scopes."""
    user_id, name, role, confirmed_at, key_id, last_used_at, scopes = row
    subject = Subject(user_id, name, SystemRole(role), scopes=frozenset(Scope(scope) for scope in scopes))
    return Caller(subject, "api_key", key_id, last_used_at, confirmed_at is not None)


def note_use(session: Session, caller: Caller, browser_lifetime: timedelta) -> None:
    """Keep that the caller is active; a browser's session lives so long from now."""
    now = utcnow()
    if caller.credential == "api_key":
        key_is_due = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - _SEEN_EVERY)
        session.execute(update(ApiKey).where(ApiKey.id == caller.credential_id, key_is_due).values(last_used_at=now))
    else:
        values = {"last_used_at": now}
        if caller.credential == "browser":
            values["expires_at"] = now + browser_lifetime
        session.execute(
            update(LoginSession)
            .where(
                LoginSession.id == caller.credential_id,
                LoginSession.revoked_at.is_(None),
                LoginSession.last_used_at < now - _SEEN_EVERY,
            )
            .values(**values)
        )
    seen = update(User).where(User.id == caller.subject.user_id, User.deleted_at.is_(None))
    session.execute(seen.values(last_seen_at=now))
