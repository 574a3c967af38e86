"""Projects: as core_api.domains.groups has them, and each may belong to a team."""

from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.domains.groups import service as groups
from core_api.domains.groups.service import Kind
from core_api.domains.projects.schemas import ProjectCreate, ProjectRead, ProjectUpdate
from core_api.domains.teams.service import TEAM
from core_api.infra.errors import Conflict
from core_api.models import Project, SpaceKind, SpaceRole

PROJECT = Kind(Project, SpaceKind.PROJECT, ProjectRead)


def create_project(session: Session, subject: Subject, new: ProjectCreate) -> Project:
    """A new project with its space, owned by the subject; its team is one that they are in."""
    _check_team(session, subject, new.team_id)
    return groups.create_group(session, subject, PROJECT, new.name, description=new.description, team_id=new.team_id)


def change_project(session: Session, subject: Subject, project_id: str, changes: ProjectUpdate) -> None:
    """Change what is given; needs ownership."""
    project, _ = groups.access_group(session, subject, PROJECT, project_id, SpaceRole.OWNER)
    columns = changes.model_dump(exclude_none=True)
    if "team_id" in changes.model_fields_set and changes.team_id != project.team_id:
        _check_team(session, subject, changes.team_id)
        columns["team_id"] = changes.team_id
    groups.change_group(session, subject, PROJECT, project_id, **columns)


def _check_team(session: Session, subject: Subject, team_id: str | None) -> None:
    if team_id is None:
        return
    team, _ = groups.access_group(session, subject, TEAM, team_id)
    if team.archived_at is not None:
        raise Conflict(f"The team “{team.name}” is archived: nothing new belongs to it. Restore it first.")
