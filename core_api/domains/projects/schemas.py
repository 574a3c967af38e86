"""Projects, as the API takes and shows them."""

from pydantic import Field

from core_api.domains.groups.schemas import GroupCreate, GroupRead, GroupUpdate


class ProjectCreate(GroupCreate):
    """A new project, in a team or in none; whoever makes it owns it."""

    team_id: str | None = Field(default=None, max_length=36)


class ProjectUpdate(GroupUpdate):
    """What changes of a project; what is absent stays. `team_id` null takes it out of its team."""

    team_id: str | None = Field(default=None, max_length=36)


class ProjectRead(GroupRead):
    """A project, and the asker's role in it. Its team is for order only: its members are its own."""

    team_id: str | None
