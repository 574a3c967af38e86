"""Spaces, as the API takes and shows them."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from core_api.http.fields import Name
from core_api.models import SpaceKind, SpaceRole


class SpaceCreate(BaseModel):
    """A new team or project, which a space belongs to; whoever creates it owns it."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Handbook"}})

    name: Name
    kind: Literal["team", "project"] = "team"


class SpaceBrief(BaseModel):
    """A space's name."""

    id: str
    name: str


class SpaceMay(BaseModel):
    """What the asker may do in a space: write documents there, change who is in it."""

    write: bool
    manage: bool


class SpaceRead(SpaceBrief):
    """A space, and the asker's role in it."""

    kind: SpaceKind
    role: SpaceRole
    document_count: int
    archived_at: datetime | None
    may: SpaceMay
