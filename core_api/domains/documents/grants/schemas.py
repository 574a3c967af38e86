"""Single documents shared with people and teams, as the API takes and shows it."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core_api.domains.users.schemas import PersonRead


class GrantRole(StrEnum):
    """What a grant lets one do: read the document, or change it too."""

    VIEWER = "viewer"
    EDITOR = "editor"


class GrantUpdate(BaseModel):
    """Whom to share a document with, a person or a team, and as what."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"user_id": "019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5a", "role": "viewer"}}
    )

    user_id: str | None = Field(default=None, max_length=36)
    team_id: str | None = Field(default=None, max_length=36)
    role: GrantRole

    @model_validator(mode="after")
    def _one_of_them(self) -> "GrantUpdate":
        if (self.user_id is None) == (self.team_id is None):
            raise ValueError("name a person (`user_id`) or a team (`team_id`), one of the two")
        return self


class GrantRead(BaseModel):
    """A document shared with a person or a team; `name` is theirs."""

    id: str
    user_id: str | None
    team_id: str | None
    name: str
    role: GrantRole
    granted_by: PersonRead
    created_at: datetime
