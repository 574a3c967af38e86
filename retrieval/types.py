"""What crosses the boundary of retrieval."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from retrieval.explanation import Explanation


class Mode(StrEnum):
    """How a query is matched."""

    HYBRID = "hybrid"
    SEMANTIC = "semantic"
    KEYWORD = "keyword"


class Sort(StrEnum):
    """The order of a result."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions that every hit meets; an empty one allows all. None of them can widen what the asker may read.

    The values of one filter are alternatives; `not_…` are those that no hit may have.
    """

    space_ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    author_ids: tuple[str, ...] = ()
    source_ids: tuple[str, ...] = ()
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    not_space_ids: tuple[str, ...] = ()
    not_kinds: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    not_categories: tuple[str, ...] = ()
    not_author_ids: tuple[str, ...] = ()
    not_source_ids: tuple[str, ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether there is a condition besides the spaces to search."""
        return any(
            (
                self.kinds,
                self.tags,
                self.categories,
                self.author_ids,
                self.source_ids,
                self.updated_after is not None,
                self.updated_before is not None,
                self.not_space_ids,
                self.not_kinds,
                self.not_tags,
                self.not_categories,
                self.not_author_ids,
                self.not_source_ids,
            )
        )

    @property
    def any(self) -> bool:
        """Whether there is a condition at all."""
        return bool(self.space_ids) or self.narrow


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the index, in the language of the search box (retrieval.query_language): at most `k` hits, at most
    `per_source` of them from one source (0: no limit).

    `paged` asks for a page of all that is found, with its `total` and a cursor; `sort`, `group`, `cursor`, `facets`
    and `correct` work on that, and without it cost nothing. `browse`: without words, what meets the filters is found.
    """

    text: str
    k: int = 10
    mode: Mode = Mode.HYBRID
    filters: Filters = field(default_factory=Filters)
    per_source: int = 3
    explain: bool = False
    paged: bool = False
    sort: Sort = Sort.RELEVANCE
    group: bool = False
    facets: bool = False
    cursor: str | None = None
    correct: bool = False


@dataclass(frozen=True, slots=True)
class SourceRef:
    """Where a hit comes from."""

    kind: str
    id: str
    title: str
    version: int
    url: str
    category: str | None = None


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
    where a leg did not return the passage. `score` is in 0..1, comparable within one result only. `explain` says how
    it came about, where that was asked for.
    """

    score: float
    scores: dict[str, float]
    highlights: tuple[tuple[int, int], ...] = ()
    excerpt: tuple[int, int] = (0, 0)
    explain: Explanation | None = None


@dataclass(frozen=True, slots=True)
class FacetValue:
    """How many of the sources found have a value. `label` is empty for the space of a document that was shared with
    the asker, who may not read the space."""

    value: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Facets:
    """What the sources found have in common, each by its own values, most frequent first (months: newest first). Each
    is counted without its own filter, so that what else could be chosen is seen."""

    kinds: tuple[FacetValue, ...] = ()
    spaces: tuple[FacetValue, ...] = ()
    authors: tuple[FacetValue, ...] = ()
    categories: tuple[FacetValue, ...] = ()
    tags: tuple[FacetValue, ...] = ()
    months: tuple[FacetValue, ...] = ()


@dataclass(frozen=True, slots=True)
class AppliedField:
    """A field of the query's text (`in:Handbook`) and what came of it; `problem` says why it was not applied."""

    field: str
    value: str
    negated: bool = False
    applied: bool = True
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Understood:
    """How a query was read: the words that were searched, phrases, what was excluded, and the fields."""

    text: str = ""
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    filters: tuple[AppliedField, ...] = ()


@dataclass(frozen=True, slots=True)
class Correction:
    """A query that finds more than what was typed; `applied`: nothing matched that, so this was searched."""

    query: str
    applied: bool


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first. `mode` is what was really done (a language that the model does not know is searched by
    keywords); `took_ms` is wall time by step, with `total`.

    Of a paged query also: `total`, the sources that are found; `groups`, where asked for, the hits by their sources
    (`hits` has them all, group by group); the cursor of the next page; `by_meaning_alone`, that nothing found has any
    word of the query.
    """

    hits: tuple[Hit, ...]
    mode: Mode
    took_ms: dict[str, float]
    total: int = 0
    groups: tuple[tuple[Hit, ...], ...] | None = None
    facets: Facets | None = None
    next_cursor: str | None = None
    did_you_mean: Correction | None = None
    by_meaning_alone: bool = False
    understood: Understood = field(default_factory=Understood)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that a person may be about to type. `kind`: document, space, category, tag, person or query;
    `matches` are (start, end) offsets in `text` of what was typed."""

    kind: str
    text: str
    id: str | None = None
    url: str | None = None
    matches: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Similar:
    """A source that is like another, by the passage that is nearest to it; `score` is a cosine or, by words, 0..1.
    `duplicate`: it says nearly the same."""

    passage: Passage
    score: float
    duplicate: bool
