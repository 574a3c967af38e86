"""People, as the API takes and shows them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from core_api.auth.permissions import Permission
from core_api.http.fields import Email, Name
from core_api.models import SystemRole

Locale = Literal["en", "ko"]


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is no time zone; give one like `Europe/Berlin` or `Asia/Seoul`")
    return name


TimeZone = Annotated[str, Field(max_length=64), AfterValidator(_time_zone)]


class Attribution(StrEnum):
    """Under which name stays what a deleted person wrote."""

    KEEP = "keep"
    FORMER_MEMBER = "former member"
    OTHER_NAME = "other name"


class UserState(StrEnum):
    """Whether a person can sign in."""

    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


class PersonRead(BaseModel):
    """Somebody's name."""

    id: str
    name: str


class UserRead(PersonRead):
    """A person; what is null besides their picture, only those who manage people see."""

    avatar_url: str | None
    email: str | None = None
    role: SystemRole | None = None
    state: UserState | None = None
    last_seen_at: datetime | None = None


class MeRead(PersonRead):
    """The signed-in person."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5a",
                "name": "Kim Minji",
                "email": "minji@example.com",
                "email_verified": True,
                "role": "member",
                "locale": "ko",
                "time_zone": "Asia/Seoul",
                "avatar_url": None,
                "has_password": True,
                "mfa_enabled": False,
                "permissions": ["content:read", "content:write"],
            }
        }
    )

    email: str | None
    email_verified: bool
    role: SystemRole
    locale: Locale | None
    time_zone: str | None
    avatar_url: str | None
    has_password: bool
    mfa_enabled: bool
    permissions: list[Permission] = Field(description="What you may do; with an API key, what its scopes leave of it.")


class MeUpdate(BaseModel):
    """What to change. A new address counts once the link that is mailed there has been opened."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"locale": "ko"}})

    name: Name | None = None
    email: Email | None = None
    locale: Locale | None = None
    time_zone: TimeZone | None = None


class UserCreate(BaseModel):
    """A new person, who gets a link by mail to choose a password."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "Kim Minji", "email": "minji@example.com"}}
    )

    name: Name
    email: Email
    role: SystemRole = SystemRole.MEMBER


class UserUpdate(BaseModel):
    """What to change."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    role: SystemRole | None = None
    disabled: bool | None = None


class UserDelete(BaseModel):
    """The name over what the person wrote: theirs, “Former member”, or `name` (with the attribution `other name`)."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"attribution": "other name", "name": "The handbook team"}}
    )

    attribution: Attribution = Attribution.FORMER_MEMBER
    name: Annotated[Name | None, Field(validate_default=True, description="For the attribution `other name` only.")] = (
        None
    )

    @field_validator("name")
    @classmethod
    def _a_name_where_one_is_asked_for(cls, name: str | None, info: ValidationInfo) -> str | None:
        wanted = info.data.get("attribution") is Attribution.OTHER_NAME
        if "attribution" in info.data and wanted != (name is not None):
            raise ValueError(
                "give the name that what was written stays under"
                if wanted
                else "is for the attribution `other name` only; leave it out"
            )
        return name


class MeDelete(UserDelete):
    """The proof that it is you (your password, or a code where you have none), and the name over what you wrote."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"password": "…", "attribution": "other name", "name": "The handbook team"}},
    )

    password: str | None = Field(default=None, max_length=1000)
    code: str | None = Field(default=None, max_length=64)
