"""What teams and projects have in common, as the API takes and shows it."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from core_api.http.fields import Name
from core_api.models import SpaceRole

Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=5_000)]


class GroupCreate(BaseModel):
    """A new team or project; whoever makes it owns it."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Support", "description": "Answers customers."}})

    name: Name
    description: Description = ""


class GroupUpdate(BaseModel):
    """What changes; what is absent stays."""

    name: Name | None = None
    description: Description | None = None


class GroupRead(BaseModel):
    """A team or project, and the asker's role in it."""

    id: str
    name: str
    description: str
    space_id: str
    role: SpaceRole
    member_count: int
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime
