"""Saved searches, as the API takes and shows them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from core_api.domains.spaces.schemas import SpaceBrief
from core_api.http.fields import Name

# PostgreSQL takes no NUL in a text.
_NO_NUL = r"^[^\x00]*$"
MAX_QUERY_CHARS = 2_000

Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_NO_NUL)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_NO_NUL)]
QueryText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_QUERY_CHARS, pattern=_NO_NUL)]
Mode = Literal["hybrid", "semantic", "keyword"]
Alert = Literal["none", "instant", "daily", "weekly"]


class SavedFilters(BaseModel):
    """Conditions that what is found meets; values of one filter are alternatives, filters add up."""

    model_config = ConfigDict(extra="forbid")

    space_ids: list[Id] = Field(default=[], max_length=200)
    kinds: list[Id] = Field(default=[], max_length=20)
    tags: list[Tag] = Field(default=[], max_length=50)
    categories: list[Tag] = Field(default=[], max_length=50)
    author_ids: list[Id] = Field(default=[], max_length=200)
    source_ids: list[Id] = Field(default=[], max_length=200)
    updated_after: AwareDatetime | None = Field(default=None, description="Inclusive, with a time zone.")
    updated_before: AwareDatetime | None = Field(default=None, description="Exclusive, with a time zone.")


class SavedSearchCreate(BaseModel):
    """A search to keep. With an alert you are mailed about what it finds newly."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "Leave", "query": "parental leave", "alert": "daily"}}
    )

    name: Name
    query: QueryText = ""
    mode: Mode = "hybrid"
    filters: SavedFilters = SavedFilters()
    alert: Alert = "none"


class SavedSearchUpdate(BaseModel):
    """What changes; what is absent stays. Another query or other filters begin anew: their news are those from now."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    query: QueryText | None = None
    mode: Mode | None = None
    filters: SavedFilters | None = None
    alert: Alert | None = None


class SavedSearchRead(BaseModel):
    """A saved search of yours. `new` counts what it has found and you have not looked at."""

    id: str
    name: str
    query: str
    mode: Mode
    filters: SavedFilters
    alert: Alert
    new: int
    checked_at: datetime | None
    created_at: datetime
    updated_at: datetime


class NewsSource(BaseModel):
    """What was found; `url` is its page here."""

    kind: str
    id: str
    title: str
    version: int
    url: str


class NewsRead(BaseModel):
    """Something that a saved search has found newly."""

    source: NewsSource
    space: SpaceBrief
    found_at: datetime
    seen_at: datetime | None
