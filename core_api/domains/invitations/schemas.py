"""Invitations, as the API takes and shows them."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core_api.domains.users.schemas import PersonRead
from core_api.http.fields import Email
from core_api.models import SpaceRole, SystemRole


class InvitationCreate(BaseModel):
    """Whom to invite: to the company, and with `space_id` into a space that you own.

    `role` is the system role of whoever is new here (default: guest); a person who has an account keeps theirs.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "email": "lee@example.com",
                "role": "member",
                "space_id": "019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5a",
                "space_role": "editor",
            }
        }
    )

    email: Email
    role: Literal["member", "guest"] = "guest"
    space_id: str | None = Field(default=None, max_length=36)
    space_role: SpaceRole | None = Field(default=None, description="Default: viewer. Only with `space_id`.")

    @model_validator(mode="after")
    def _a_role_needs_its_space(self) -> "InvitationCreate":
        if self.space_role is not None and self.space_id is None:
            raise ValueError("`space_role` says what somebody is in a space: name it in `space_id`.")
        return self


class InvitationState(StrEnum):
    """What has become of an invitation."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


class InvitationRead(BaseModel):
    """An invitation; `space_name` is empty where you may not read the space."""

    id: str
    email: str
    role: SystemRole
    space_id: str | None
    space_name: str | None
    space_role: SpaceRole | None
    invited_by: PersonRead
    state: InvitationState
    created_at: datetime
    expires_at: datetime


class InvitationToken(BaseModel):
    """The secret in the link of an invitation."""

    token: str = Field(min_length=1, max_length=200)


class InvitationPreview(BaseModel):
    """What somebody who opens the link needs to know."""

    email: str
    inviter: str
    space_name: str | None
    account_exists: bool


class InvitationAccepted(BaseModel):
    """The space that the person is in now, if the invitation named one."""

    space_id: str | None
