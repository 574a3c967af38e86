"""HTTP for teams; what they have in common with projects is in core_api.domains.groups.endpoints."""

from fastapi import status

from core_api.auth.dependencies import GroupMaker, Reader, ReadSession, Writer, WriteSession
from core_api.domains.groups import service
from core_api.domains.groups.endpoints import Archived, SearchText, group_router
from core_api.domains.teams.schemas import TeamCreate, TeamRead, TeamUpdate
from core_api.domains.teams.service import TEAM
from core_api.http.pagination import Cursor, Limit, Page
from core_api.http.quick import quick

router = group_router(TEAM)


@router.get("")
@quick
def list_teams(
    subject: Reader,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Limit = 50,
    text: SearchText = None,
    archived: Archived = None,
) -> Page[TeamRead]:
    """The teams that you are in, newest first."""
    return service.list_groups(session, subject, TEAM, cursor, limit, text=text, archived=archived)


@router.post("", status_code=status.HTTP_201_CREATED)
def create_team(body: TeamCreate, subject: GroupMaker, session: WriteSession) -> TeamRead:
    """A new team with a space, owned by you."""
    team = service.create_group(session, subject, TEAM, body.name, description=body.description)
    return service.read_group(session, subject, TEAM, team.id)


@router.patch("/{group_id}")
def update_team(group_id: str, body: TeamUpdate, subject: Writer, session: WriteSession) -> TeamRead:
    """Change a team's name or description. Only an owner may."""
    service.change_group(session, subject, TEAM, group_id, **body.model_dump(exclude_none=True))
    return service.read_group(session, subject, TEAM, group_id)
