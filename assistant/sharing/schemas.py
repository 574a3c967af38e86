"""Shares of conversations, as the API takes and shows them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator

_NO_NUL = r"^[^\x00]*$"


class ShareCreate(BaseModel):
    """Whom to show a conversation to: a person, or a team that you are in."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"user_id": "019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5a"}}
    )

    user_id: str | None = Field(default=None, max_length=36, pattern=_NO_NUL)
    team_id: str | None = Field(default=None, max_length=36, pattern=_NO_NUL)

    @model_validator(mode="after")
    def _one_of_them(self) -> "ShareCreate":
        if (self.user_id is None) == (self.team_id is None):
            raise ValueError("name a person (`user_id`) or a team (`team_id`), one of the two")
        return self


class ShareRead(BaseModel):
    """A person or a team that may read a conversation; `name` is theirs."""

    id: str
    user_id: str | None
    team_id: str | None
    name: str
    created_at: datetime
