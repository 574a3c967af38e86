"""Teams, as the API takes and shows them."""

from core_api.domains.groups.schemas import GroupCreate, GroupRead, GroupUpdate


class TeamCreate(GroupCreate):
    """A new team; whoever makes it owns it."""


class TeamUpdate(GroupUpdate):
    """What changes of a team; what is absent stays."""


class TeamRead(GroupRead):
    """A team, and the asker's role in it."""
