"""HTTP for what the assistant proposes to do, and for reminders."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from assistant.actions import reminders
from assistant.actions import service as proposals
from assistant.proposals import proposing
from assistant.proposals.schemas import ProposalRead, ReminderRead
from core_api.auth.dependencies import DatabaseDep, FilesDep, Reader, ReadSession, SettingsDep, Writer, WriteSession
from core_api.http.pagination import Cursor, Limit, Page

router = APIRouter(prefix="/assistant", tags=["assistant"])


@router.get("/proposals")
def list_proposals(
    subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[ProposalRead]:
    """What the assistant would do for you once you confirm it, newest first."""
    return proposing.list_proposals(session, subject, cursor, limit)


@router.post(
    "/proposals/{proposal_id}/confirm",
    responses={
        403: {"description": "You may not write there."},
        404: {"description": "You have no such proposal, or what it is about is gone or not yours to see."},
        409: {"description": "It was done, dismissed or has expired; or what it would change has changed meanwhile."},
    },
)
def confirm_proposal(
    proposal_id: str, subject: Writer, database: DatabaseDep, files: FilesDep, settings: SettingsDep
) -> ProposalRead:
    """Have it done. It is done once, with your rights as they are now."""
    return proposals.confirm(database, files, settings, subject, proposal_id)


@router.delete("/proposals/{proposal_id}", status_code=204)
def dismiss_proposal(proposal_id: str, subject: Reader, session: WriteSession) -> Response:
    """Turn it down."""
    proposals.dismiss(session, subject, proposal_id)
    return Response(status_code=204)


@router.get("/reminders")
def list_reminders(
    subject: Reader,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Limit = 50,
    due: Annotated[
        bool | None,
        Query(description="Only those whose time has come and that you have not seen; or only those to come."),
    ] = None,
) -> Page[ReminderRead]:
    """Your reminders, the latest time first."""
    return reminders.list_reminders(session, subject, cursor, limit, due=due)


@router.post("/reminders/{reminder_id}/seen")
def mark_reminder_seen(reminder_id: str, subject: Reader, session: WriteSession) -> ReminderRead:
    """Note that you have seen it."""
    return reminders.mark_seen(session, subject, reminder_id)


@router.delete("/reminders/{reminder_id}", status_code=204)
def delete_reminder(reminder_id: str, subject: Reader, session: WriteSession) -> Response:
    """Delete a reminder; you are not told of it any more."""
    reminders.delete_reminder(session, subject, reminder_id)
    return Response(status_code=204)
