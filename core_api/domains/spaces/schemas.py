"""Spaces, as the API takes and shows them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from core_api.models import SpaceKind, SpaceRole

SpaceName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class SpaceCreate(BaseModel):
    """A new space; whoever creates it owns it."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Handbook"}})

    name: SpaceName
    kind: Literal["team", "project", "channel"] = "team"


class SpaceBrief(BaseModel):
    """A space's name."""

    id: str
    name: str


class SpaceRead(SpaceBrief):
    """A space, and the asker's role in it."""

    kind: SpaceKind
    role: SpaceRole
    document_count: int


class MemberUpdate(BaseModel):
    """A member's role."""

    role: SpaceRole


class MemberRead(BaseModel):
    """A person in a space."""

    user_id: str
    name: str
    role: SpaceRole
