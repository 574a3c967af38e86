"""HTTP that teams and projects have in common."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from core_api.auth.dependencies import Reader, ReadSession, Writer, WriteSession
from core_api.domains.groups import service
from core_api.domains.groups.schemas import GroupRead
from core_api.domains.groups.service import G, Kind, R
from core_api.domains.members import service as members
from core_api.domains.members.schemas import MemberRead, MemberUpdate, TransferCreate
from core_api.http.pagination import Cursor, Limit, Page
from core_api.http.quick import quick
from core_api.models import SpaceRole

SearchText = Annotated[str | None, Query(alias="q", max_length=200, description="A part of the name or description.")]
Archived = Annotated[bool | None, Query(description="Only archived ones, or only others; default: both.")]


def group_router(kind: Kind[G, R]) -> APIRouter:
    """A router with the routes of one kind, but for those that take or list its own schemas."""
    router = APIRouter(prefix=f"/{kind.name}s", tags=["people"])
    read = kind.read

    @router.get("/{group_id}", response_model=read, name=f"read_{kind.name}")
    @quick
    def read_group(group_id: str, subject: Reader, session: ReadSession) -> GroupRead:
        """One that you are in."""
        return service.read_group(session, subject, kind, group_id)

    @router.delete("/{group_id}", status_code=status.HTTP_204_NO_CONTENT, name=f"delete_{kind.name}")
    def delete_group(group_id: str, subject: Writer, session: WriteSession) -> None:
        """Delete it with its space, which holds no documents. Only an owner may."""
        service.delete_group(session, subject, kind, group_id)

    @router.post("/{group_id}/archive", response_model=read, name=f"archive_{kind.name}")
    def archive_group(group_id: str, subject: Writer, session: WriteSession) -> GroupRead:
        """Keep it as it is: it can be read and found, and nothing in it changes. Only an owner may."""
        service.set_archived(session, subject, kind, group_id, True)
        return service.read_group(session, subject, kind, group_id)

    @router.post("/{group_id}/restore", response_model=read, name=f"restore_{kind.name}")
    def restore_group(group_id: str, subject: Writer, session: WriteSession) -> GroupRead:
        """Take it out of the archive. Only an owner may."""
        service.set_archived(session, subject, kind, group_id, False)
        return service.read_group(session, subject, kind, group_id)

    @router.post("/{group_id}/transfer", response_model=read, name=f"transfer_{kind.name}")
    def transfer_group(group_id: str, body: TransferCreate, subject: Writer, session: WriteSession) -> GroupRead:
        """Make somebody else the owner in your place; you stay as an editor."""
        service.transfer_group(session, subject, kind, group_id, body.user_id)
        return service.read_group(session, subject, kind, group_id)

    @router.get("/{group_id}/members", name=f"list_{kind.name}_members")
    @quick
    def list_members(
        group_id: str, subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
    ) -> Page[MemberRead]:
        """Who is in it, by name."""
        _, space = service.access_group(session, subject, kind, group_id)
        return members.list_members(session, space, cursor, limit)

    @router.put("/{group_id}/members/{user_id}", name=f"set_{kind.name}_member")
    def set_member(
        group_id: str, user_id: str, body: MemberUpdate, subject: Writer, session: WriteSession
    ) -> MemberRead:
        """Add a person, or change their role. Only an owner may."""
        group, _ = service.access_group(session, subject, kind, group_id, SpaceRole.OWNER)
        return members.set_member(session, subject, group.space_id, user_id, body.role)

    @router.delete(
        "/{group_id}/members/{user_id}",
        status_code=status.HTTP_204_NO_CONTENT,
        name=f"remove_{kind.name}_member",
    )
    def remove_member(group_id: str, user_id: str, subject: Writer, session: WriteSession) -> None:
        """Take a person out: an owner anyone, everyone themselves."""
        group, _ = service.access_group(session, subject, kind, group_id)
        members.remove_member(session, subject, group.space_id, user_id)

    return router
