"""What crosses the boundary of retrieval."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Mode(StrEnum):
    """How a query is matched."""

    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    KEYWORD = "keyword"


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions that every hit meets; an empty one allows all. None of them can widen what the asker may read."""

    space_ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    author_ids: tuple[str, ...] = ()
    source_ids: tuple[str, ...] = ()
    updated_after: datetime | None = None
    updated_before: datetime | None = None

    @property
    def narrow(self) -> bool:
        """Whether there is a condition besides the spaces."""
        return any(
            (
                self.kinds,
                self.tags,
                self.author_ids,
                self.source_ids,
                self.updated_after is not None,
                self.updated_before is not None,
            )
        )


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the index: at most `k` hits, at most `per_source` of them from one source (0: no limit)."""

    text: str
    k: int = 10
    mode: Mode = Mode.HYBRID
    filters: Filters = field(default_factory=Filters)
    per_source: int = 3


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Where a hit comes from."""

    kind: str
    id: str
    title: str
    version: int
    url: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as the database has it. `start` and `end` are character offsets in the text extracted from the source's
    version; `text` is exactly that span."""

    chunk_id: str
    source: SourceRef
    space_id: str
    space_name: str
    text: str
    start: int
    end: int
    heading: str
    page: int | None
    author: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Hit(Passage):
    """A passage that answers a query.

    `highlights` are (start, end) offsets within `text` of the words that match the query; `excerpt` is the part of
    `text` that shows most of them. `scores` holds the legs' own scores: `keyword` (BM25), `semantic` (cosine), absent
    where a leg did not return the passage. `score` is in 0..1, comparable within one result only.
    """

    score: float
    scores: dict[str, float]
    highlights: tuple[tuple[int, int], ...] = ()
    excerpt: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first. `mode` is what was really done (a language that the model does not know is searched by
    keywords); `took_ms` is wall time by step, with `total`."""

    hits: tuple[Hit, ...]
    mode: Mode
    took_ms: dict[str, float]
