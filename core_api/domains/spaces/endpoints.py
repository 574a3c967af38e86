"""HTTP for spaces."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from core_api.auth.access import access_space
from core_api.auth.dependencies import GroupMaker, Reader, ReadSession, Writer, WriteSession
from core_api.domains.members import service as members
from core_api.domains.members.schemas import MemberRead, MemberUpdate
from core_api.domains.spaces import service
from core_api.domains.spaces.schemas import SpaceCreate, SpaceRead
from core_api.http.pagination import Cursor, Limit, Page
from core_api.http.quick import quick
from core_api.models import SpaceKind

router = APIRouter(prefix="/spaces", tags=["people"])


@router.get("")
@quick
def list_spaces(
    subject: Reader,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Limit = 50,
    name: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[SpaceRead]:
    """The spaces that you may read."""
    return service.list_spaces(session, subject, cursor, limit, name)


@router.post("", status_code=status.HTTP_201_CREATED)
def create_space(body: SpaceCreate, subject: GroupMaker, session: WriteSession) -> SpaceRead:
    """A new team or project with its space, owned by you."""
    return service.create_space(session, subject, body.name, SpaceKind(body.kind))


@router.get("/{space_id}")
@quick
def read_space(space_id: str, subject: Reader, session: ReadSession) -> SpaceRead:
    """One space."""
    return service.get_space(session, subject, space_id)


@router.get("/{space_id}/members")
@quick
def list_members(
    space_id: str, subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[MemberRead]:
    """Who is in a space, by name."""
    return members.list_members(session, access_space(session, subject, space_id), cursor, limit)


@router.put("/{space_id}/members/{user_id}")
def set_member(space_id: str, user_id: str, body: MemberUpdate, subject: Writer, session: WriteSession) -> MemberRead:
    """Add a person to a space, or change their role. Only an owner may."""
    return members.set_member(session, subject, space_id, user_id, body.role)


@router.delete("/{space_id}/members/{user_id}", status_code=status.HTTP_204_NO_CONTENT)
def remove_member(space_id: str, user_id: str, subject: Writer, session: WriteSession) -> None:
    """Take a person out of a space."""
    members.remove_member(session, subject, space_id, user_id)
