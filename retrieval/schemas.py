"""Search, as the API takes and shows it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core_api.domains.saved_searches.schemas import Id, QueryText, SavedFilters
from retrieval.explanation import Explanation
from retrieval.sources import SOURCE_KINDS
from retrieval.types import (
    AppliedField,
    Facets,
    Filters,
    Hit,
    Mode,
    Passage,
    SearchResult,
    Similar,
    Sort,
    Suggestion,
)

MAX_CURSOR_CHARS = 200_000


class SearchFilters(SavedFilters):
    """Conditions that every hit meets; values of one filter are alternatives, filters add up. An id that you may not
    see finds nothing, as one that does not exist."""

    kinds: list[Id] = Field(default=[], max_length=20, description=f"Of: {', '.join(SOURCE_KINDS)}.")

    def as_filters(self) -> Filters:
        """The same, as retrieval takes it."""
        return Filters(
            space_ids=tuple(self.space_ids),
            kinds=tuple(self.kinds),
            tags=tuple(self.tags),
            categories=tuple(self.categories),
            author_ids=tuple(self.author_ids),
            source_ids=tuple(self.source_ids),
            updated_after=self.updated_after,
            updated_before=self.updated_before,
        )


class SearchRequest(BaseModel):
    """What to search for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"query": "How long is parental leave?", "k": 5},
                {"query": '"parental leave" in:Handbook -draft after:2026', "facets": True, "group": True},
                {"query": "육아휴직 신청 방법", "mode": "keyword", "filters": {"tags": ["hr"]}},
            ]
        },
    )

    query: QueryText = Field(
        description='Words or a question in any language, `"exact phrase"`, `-word`, `in:space`, `by:person`, `by:me`, '
        "`category:…`, `tag:…`, `kind:…`, `before:2026-11-01`, `after:2026-11`; a minus before a field negates it. "
        "Without words, all that meets the filters is found, newest first."
    )
    k: int = Field(default=10, ge=1, le=100, description="Hits at most; groups, where `group` is set.")
    mode: Mode = Field(
        default=Mode.HYBRID,
        description="A hybrid query in a language that the embedding model does not know is searched by keywords.",
    )
    filters: SearchFilters = SearchFilters()
    per_source: int = Field(default=3, ge=0, le=100, description="Hits at most of one source; 0: no limit.")
    sort: Sort = Sort.RELEVANCE
    group: bool = Field(default=False, description="By source, with its best passages.")
    facets: bool = Field(default=False, description="Count kinds, spaces, authors, categories, tags and months.")
    explain: bool = Field(default=False, description="Say of each hit how its score came about.")
    cursor: str | None = Field(
        default=None, max_length=MAX_CURSOR_CHARS, description="`next_cursor` of the page before, of the same query."
    )
    correct: bool = Field(default=True, description="Look for words that were meant; false: search what is typed.")
    log: bool = Field(default=True, description="Count this search; false for results while somebody types.")


class HitSource(BaseModel):
    """Where a hit comes from; `url` is its page here."""

    kind: str
    id: str
    title: str
    version: int
    url: str
    category: str | None


class HitSpace(BaseModel):
    """The space of a hit."""

    id: str
    name: str


class LegRead(BaseModel):
    """What a leg says of a hit: its rank there, its own score, that scaled to 0..1, and the leg's weight."""

    rank: int
    score: float
    scaled: float
    weight: float


class StepRead(BaseModel):
    """A change of the score, and why."""

    name: str
    change: float
    says: str


class ExplanationRead(BaseModel):
    """How a score came about: the legs, joined, and every step from there."""

    legs: dict[str, LegRead]
    fused: float
    steps: list[StepRead]
    final: float

    @classmethod
    def of(cls, why: Explanation) -> "ExplanationRead":
        """An explanation as the API shows it."""
        return cls(
            legs={
                name: LegRead(rank=leg.rank, score=leg.score, scaled=leg.scaled, weight=leg.weight)
                for name, leg in why.legs.items()
            },
            fused=why.fused,
            steps=[StepRead(name=step.name, change=step.change, says=step.says) for step in why.steps],
            final=why.final,
        )


class HitRead(BaseModel):
    """A passage. `text` is the span `start`..`end` of the text of that version; `highlights` and `excerpt` are offsets
    in `text`; `scores` are the legs' own (BM25, cosine), `score` their fusion, 0..1, comparable within one result."""

    chunk_id: str
    source: HitSource
    space: HitSpace
    text: str
    start: int
    end: int
    highlights: list[tuple[int, int]]
    excerpt: tuple[int, int]
    score: float
    scores: dict[str, float]
    heading: str
    page: int | None
    author: str
    updated_at: datetime
    explain: ExplanationRead | None = None

    @classmethod
    def of(cls, hit: Hit) -> "HitRead":
        """A hit as the API shows it."""
        return cls(
            chunk_id=hit.chunk_id,
            source=source_read(hit),
            space=HitSpace(id=hit.space_id, name=hit.space_name),
            text=hit.text,
            start=hit.start,
            end=hit.end,
            highlights=list(hit.highlights),
            excerpt=hit.excerpt,
            score=round(hit.score, 6),
            scores={name: round(value, 6) for name, value in hit.scores.items()},
            heading=hit.heading,
            page=hit.page,
            author=hit.author,
            updated_at=hit.updated_at,
            explain=ExplanationRead.of(hit.explain) if hit.explain is not None else None,
        )


def source_read(hit: Passage) -> HitSource:
    """A hit's source as the API shows it."""
    source = hit.source
    return HitSource(
        kind=source.kind,
        id=source.id,
        title=source.title,
        version=source.version,
        url=source.url,
        category=source.category,
    )


class GroupRead(BaseModel):
    """A source with its best passages."""

    source: HitSource
    space: HitSpace
    author: str
    updated_at: datetime
    score: float
    hits: list[HitRead]

    @classmethod
    def of(cls, hits: tuple[Hit, ...]) -> "GroupRead":
        """The hits of one source, best first, as the API shows them."""
        best = hits[0]
        return cls(
            source=source_read(best),
            space=HitSpace(id=best.space_id, name=best.space_name),
            author=best.author,
            updated_at=best.updated_at,
            score=round(best.score, 6),
            hits=[HitRead.of(hit) for hit in hits],
        )


class FacetValueRead(BaseModel):
    """A value and how many sources have it."""

    value: str
    label: str
    count: int


class FacetsRead(BaseModel):
    """The sources found by what they have in common; each facet is counted without its own filter."""

    kinds: list[FacetValueRead]
    spaces: list[FacetValueRead]
    authors: list[FacetValueRead]
    categories: list[FacetValueRead]
    tags: list[FacetValueRead]
    months: list[FacetValueRead] = Field(description="`2026-11`, newest first.")

    @classmethod
    def of(cls, facets: Facets) -> "FacetsRead":
        """Facets as the API shows them."""

        def read(name: str) -> list[FacetValueRead]:
            values = getattr(facets, name)
            return [FacetValueRead(value=one.value, label=one.label, count=one.count) for one in values]

        names = ("kinds", "spaces", "authors", "categories", "tags", "months")
        return cls(**{name: read(name) for name in names})


class CorrectionRead(BaseModel):
    """What was probably meant; `applied`: nothing matched what was typed, so this was searched."""

    query: str
    applied: bool


class QueryFieldRead(BaseModel):
    """A field of the query's language, and what came of it."""

    field: Literal["in", "by", "category", "tag", "kind", "before", "after"]
    value: str
    negated: bool
    applied: bool
    problem: str | None

    @classmethod
    def of(cls, one: AppliedField) -> "QueryFieldRead":
        """A field as the API shows it."""
        return cls.model_validate(
            {
                "field": one.field,
                "value": one.value,
                "negated": one.negated,
                "applied": one.applied,
                "problem": one.problem,
            }
        )


class QueryRead(BaseModel):
    """How the query was read."""

    text: str
    phrases: list[str]
    excluded: list[str]
    filters: list[QueryFieldRead]


class SearchResponse(BaseModel):
    """Hits, best first; `mode` is what was really done; `took_ms` is wall time by step. `total` is the number of
    sources that are found."""

    hits: list[HitRead]
    groups: list[GroupRead] | None
    facets: FacetsRead | None
    total: int
    next_cursor: str | None
    did_you_mean: CorrectionRead | None
    by_meaning_alone: bool = Field(description="Nothing found has any word of the query; it may not be what was meant.")
    mode: Mode
    took_ms: dict[str, float]
    query: QueryRead
    search_id: str | None = Field(description="Names this search when a hit of it is opened; null: not counted.")

    @classmethod
    def of(cls, result: SearchResult, search_id: str | None) -> "SearchResponse":
        """A result as the API shows it."""
        grouped, meant, understood = result.groups, result.did_you_mean, result.understood
        return cls(
            hits=[HitRead.of(hit) for hit in result.hits] if grouped is None else [],
            groups=[GroupRead.of(hits) for hits in grouped] if grouped is not None else None,
            facets=FacetsRead.of(result.facets) if result.facets is not None else None,
            total=result.total,
            next_cursor=result.next_cursor,
            did_you_mean=CorrectionRead(query=meant.query, applied=meant.applied) if meant is not None else None,
            by_meaning_alone=result.by_meaning_alone,
            mode=result.mode,
            took_ms=result.took_ms,
            query=QueryRead(
                text=understood.text,
                phrases=list(understood.phrases),
                excluded=list(understood.excluded),
                filters=[QueryFieldRead.of(one) for one in understood.filters],
            ),
            search_id=search_id,
        )


class SuggestionRead(BaseModel):
    """Something to search for or go to. `matches` are the parts of `text` that were typed."""

    kind: Literal["document", "space", "category", "tag", "person", "query"]
    text: str
    id: str | None
    url: str | None
    matches: list[tuple[int, int]]

    @classmethod
    def of(cls, one: Suggestion) -> "SuggestionRead":
        """A suggestion as the API shows it."""
        return cls.model_validate(
            {"kind": one.kind, "text": one.text, "id": one.id, "url": one.url, "matches": list(one.matches)}
        )


class SuggestionList(BaseModel):
    """Suggestions, best first."""

    items: list[SuggestionRead]


class SimilarPassage(BaseModel):
    """The passage that is nearest to the document."""

    chunk_id: str
    text: str
    heading: str


class SimilarRead(BaseModel):
    """A document that is like another; `duplicate`: it says nearly the same, word by word or by meaning."""

    source: HitSource
    space: HitSpace
    author: str
    updated_at: datetime
    score: float
    duplicate: bool
    passage: SimilarPassage

    @classmethod
    def of(cls, one: Similar) -> "SimilarRead":
        """A similar document as the API shows it."""
        hit = one.passage
        return cls(
            source=source_read(hit),
            space=HitSpace(id=hit.space_id, name=hit.space_name),
            author=hit.author,
            updated_at=hit.updated_at,
            score=round(one.score, 6),
            duplicate=one.duplicate,
            passage=SimilarPassage(chunk_id=hit.chunk_id, text=hit.text, heading=hit.heading),
        )


class SimilarList(BaseModel):
    """Similar documents, best first."""

    items: list[SimilarRead]
