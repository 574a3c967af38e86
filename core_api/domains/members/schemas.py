"""Who is in a space, as the API takes and shows it."""

from pydantic import BaseModel, ConfigDict, Field

from core_api.models import SpaceRole


class MemberUpdate(BaseModel):
    """A member's role."""

    model_config = ConfigDict(json_schema_extra={"example": {"role": "editor"}})

    role: SpaceRole


class MemberRead(BaseModel):
    """A person in a space."""

    user_id: str
    name: str
    role: SpaceRole
    avatar_url: str | None = None


class TransferCreate(BaseModel):
    """Who is to own it; whoever hands it over stays as an editor."""

    user_id: str = Field(max_length=36)
