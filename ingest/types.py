"""What crosses the boundary between parsers, chunking and the pipeline."""

from dataclasses import dataclass, field
from enum import StrEnum

from core_api.infra.errors import NexusError


class BlockKind(StrEnum):
    """What a piece of a document is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list_item"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document in reading order. `level` (1..6) counts for headings; `page` starts at 1."""

    kind: BlockKind
    text: str
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a parser made of a file. `title` is the document's own, when it has one, and so are `tags` and `category`,
    as the file has them (ingest.labels); `notes` are things that the user should know ("2 images were not read:
    tesseract is not installed")."""

    blocks: tuple[Block, ...]
    title: str | None = None
    parser: str = ""
    notes: tuple[str, ...] = field(default=())
    tags: tuple[str, ...] = ()
    category: str | None = None


class ParseFailed(NexusError):
    """The file cannot be read; `reason` is a stable code, the detail is for a person.

    Reasons: `password_protected`, `no_text`, `empty`, `malformed`, `unsupported`, `too_large`, `timeout`,
    `out_of_memory`, `needs_program` (names what to install).
    """

    status, code, title = 422, "parse_failed", "The file could not be read"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)
        self.reason = reason
