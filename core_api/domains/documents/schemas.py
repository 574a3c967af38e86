"""Documents, as the API takes and shows them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from core_api.domains.spaces.schemas import SpaceBrief
from core_api.domains.users.schemas import PersonRead
from core_api.models import IndexStatus
from core_api.models.documents import MAX_LABEL_CHARS, MAX_TAGS

MAX_TEXT_CHARS = 5_000_000

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Path = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1024)]
# A line: PostgreSQL takes no NUL, and nobody sees what else there is of these.
_NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LABEL_CHARS, pattern=_NO_CONTROLS)
]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS)]
Category = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_LABEL_CHARS, pattern=_NO_CONTROLS)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)]


class DocumentCreate(BaseModel):
    """A document written in the product, in Markdown."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "space_id": "019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5a",
                "title": "Leave policy",
                "text": "# Leave policy\n\nTwo weeks’ notice for planned leave.",
                "tags": ["hr"],
                "category": "Policies",
            }
        }
    )

    space_id: str
    title: Title
    text: Text
    path: Path | None = None
    tags: Tags | None = Field(default=None, description="Default: those that its front matter names.")
    category: Category | None = Field(default=None, description="Default: the one that its front matter names.")


class DocumentUpdate(BaseModel):
    """What changes; what is absent stays. With `version`, the change is refused if the document has moved on."""

    title: Title | None = None
    text: Text | None = None
    tags: Tags | None = None
    category: Category | None = Field(default=None, description="Empty: none.")
    space_id: str | None = None
    version: int | None = Field(default=None, ge=1)


class IndexRead(BaseModel):
    """How far the document has come on its way into the indexes."""

    status: IndexStatus
    chunk_count: int
    error_code: str | None
    error: str | None
    indexed_at: datetime | None


class DocumentMay(BaseModel):
    """What the asker may do with a document: change its words, title and labels."""

    write: bool


class DocumentRead(BaseModel):
    """A document's metadata."""

    id: str
    title: str
    space: SpaceBrief
    path: str | None
    tags: list[str]
    category: str | None
    version: int
    author: PersonRead
    media_type: str
    filename: str
    size: int
    created_at: datetime
    updated_at: datetime
    index: IndexRead
    url: str
    may: DocumentMay


class Outcome(StrEnum):
    """What an upload did."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class UploadRead(BaseModel):
    """The document that an upload created, updated, or found unchanged."""

    document: DocumentRead
    outcome: Outcome


class VersionRead(BaseModel):
    """One state of a document's content."""

    number: int
    sha256: str
    size: int
    filename: str
    media_type: str
    author: PersonRead
    created_at: datetime


class BlockRead(BaseModel):
    """A piece of the text: its kind (heading, paragraph, list_item, table, code) and character span."""

    kind: str
    start: int
    end: int
    level: int = 0
    page: int | None = None


class OutlineEntry(BaseModel):
    """A heading and where it starts in the text."""

    heading: str
    level: int
    start: int


class TextRead(BaseModel):
    """A span of the text extracted from a version; offsets count characters of the whole text."""

    version: int
    current: bool
    text: str
    start: int
    end: int
    length: int
    blocks: list[BlockRead]
    outline: list[OutlineEntry]
