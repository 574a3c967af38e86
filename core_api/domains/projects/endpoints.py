"""HTTP for projects; what they have in common with teams is in core_api.domains.groups.endpoints."""

from fastapi import status

from core_api.auth.dependencies import GroupMaker, Reader, ReadSession, Writer, WriteSession
from core_api.domains.groups import service as groups
from core_api.domains.groups.endpoints import Archived, SearchText, group_router
from core_api.domains.projects import service
from core_api.domains.projects.schemas import ProjectCreate, ProjectRead, ProjectUpdate
from core_api.domains.projects.service import PROJECT
from core_api.http.pagination import Cursor, Limit, Page
from core_api.http.quick import quick

router = group_router(PROJECT)


@router.get("")
@quick
def list_projects(
    subject: Reader,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Limit = 50,
    text: SearchText = None,
    archived: Archived = None,
) -> Page[ProjectRead]:
    """The projects that you are in, newest first."""
    return groups.list_groups(session, subject, PROJECT, cursor, limit, text=text, archived=archived)


@router.post("", status_code=status.HTTP_201_CREATED)
def create_project(body: ProjectCreate, subject: GroupMaker, session: WriteSession) -> ProjectRead:
    """A new project with a space, owned by you."""
    project = service.create_project(session, subject, body)
    return groups.read_group(session, subject, PROJECT, project.id)


@router.patch("/{group_id}")
def update_project(group_id: str, body: ProjectUpdate, subject: Writer, session: WriteSession) -> ProjectRead:
    """Change a project's name, description or team. Only an owner may."""
    service.change_project(session, subject, group_id, body)
    return groups.read_group(session, subject, PROJECT, group_id)
