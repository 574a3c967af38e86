"""HTTP for invitations."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from core_api.auth.dependencies import (
    AccountOwner,
    Anybody,
    GroupMaker,
    LimiterDep,
    Reader,
    ReadSession,
    SettingsDep,
    VaultDep,
    Writer,
    WriteSession,
)
from core_api.domains.invitations import service
from core_api.domains.invitations.schemas import (
    InvitationAccepted,
    InvitationCreate,
    InvitationPreview,
    InvitationRead,
    InvitationToken,
)
from core_api.http.pagination import Cursor, Limit, Page

router = APIRouter(prefix="/invitations", tags=["people"])

# Each goes to an address that somebody has typed in: nobody is to fill the mailboxes of others with them.
_MAILS = "200/hour"


@router.get("")
def list_invitations(
    subject: Reader,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Limit = 50,
    space_id: Annotated[str | None, Query(max_length=36, description="Only those into this space.")] = None,
) -> Page[InvitationRead]:
    """Invitations, newest first: all if you invite people to the company, else your own, or those into a space that
    you own."""
    return service.list_invitations(session, subject, cursor, limit, space_id)


@router.post("", status_code=status.HTTP_201_CREATED)
def create_invitation(
    body: InvitationCreate,
    subject: GroupMaker,
    session: WriteSession,
    vault: VaultDep,
    settings: SettingsDep,
    limiter: LimiterDep,
) -> InvitationRead:
    """Invite somebody by mail: into a space that you own, or (managers and admins) to the company."""
    limiter.hit(_MAILS, "invitations", subject.user_id)
    return service.create_invitation(session, subject, vault, settings, body)


@router.delete("/{invitation_id}", status_code=status.HTTP_204_NO_CONTENT)
def revoke_invitation(invitation_id: str, subject: Writer, session: WriteSession) -> None:
    """Revoke an invitation that has not been accepted yet."""
    service.revoke_invitation(session, subject, invitation_id)


@router.post("/accept")
def accept_invitation(body: InvitationToken, subject: AccountOwner, session: WriteSession) -> InvitationAccepted:
    """Accept an invitation to your (verified) address."""
    return service.accept_invitation(session, subject, body.token)


@router.post("/preview", dependencies=[Anybody])
def preview_invitation(body: InvitationToken, session: ReadSession) -> InvitationPreview:
    """Who invites whom, and where to; for the page that the link opens."""
    return service.preview_invitation(session, body.token)
