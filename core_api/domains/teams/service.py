"""Teams: everything is as in core_api.domains.groups."""

from core_api.domains.groups.service import Kind
from core_api.domains.teams.schemas import TeamRead
from core_api.models import SpaceKind, Team

TEAM = Kind(Team, SpaceKind.TEAM, TeamRead)
