"""HTTP for the devices that are signed in."""

from fastapi import APIRouter, status

from core_api import audit
from core_api.audit import Actor
from core_api.auth import sessions
from core_api.auth.dependencies import AccountOwner, ReadSession, WriteSession
from core_api.domains.accounts.schemas import SessionRead
from core_api.http.pagination import Cursor, Limit, Page, page_rows
from core_api.infra.errors import NotFound
from core_api.models import LoginSession

router = APIRouter(prefix="/sessions")


@router.get("")
def list_sessions(
    subject: AccountOwner, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[SessionRead]:
    """Where you are signed in, last signed in first."""
    statement = sessions.live_sessions(subject.user_id)
    rows, next_cursor = page_rows(session, statement, [LoginSession.id], cursor, limit)
    items = [
        SessionRead(
            id=row.id,
            user_agent=row.user_agent,
            address=row.address,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            current=row.id == subject.session_id,
        )
        for (row,) in rows
    ]
    return Page(items=items, next_cursor=next_cursor)


@router.delete("", status_code=status.HTTP_204_NO_CONTENT)
def end_other_sessions(subject: AccountOwner, session: WriteSession) -> None:
    """Sign out everywhere but here."""
    if ended := sessions.revoke_sessions(session, subject.user_id, keep=subject.session_id):
        audit.record(session, Actor.of(subject), "auth.session_revoked", "user", subject.user_id, sessions=ended)


@router.delete("/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
def end_session(session_id: str, subject: AccountOwner, session: WriteSession) -> None:
    """Sign a device out."""
    live = sessions.live_sessions(subject.user_id).where(LoginSession.id == session_id)
    if session.scalar(live) is None or not sessions.revoke_session(session, session_id):
        raise NotFound(f"You have no session {session_id!r}.")
    audit.record(session, Actor.of(subject), "auth.session_revoked", "session", session_id)
