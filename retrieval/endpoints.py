"""HTTP for search."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from core_api.auth.dependencies import Reader, ReadSession
from retrieval import service
from retrieval.engine import RetrievalEngine
from retrieval.sources import SOURCE_KINDS
from retrieval.types import Filters, Hit, Mode, Query

router = APIRouter(tags=["search"])

MAX_QUERY_CHARS = 2_000

_Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Tag = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class SearchFilters(BaseModel):
    """Conditions that every hit meets; values of one filter are alternatives, filters add up. An id that you may not
    see finds nothing, as one that does not exist."""

    model_config = ConfigDict(extra="forbid")

    space_ids: list[_Id] = Field(default=[], max_length=200)
    kinds: list[_Id] = Field(default=[], max_length=20, description=f"Of: {', '.join(SOURCE_KINDS)}.")
    tags: list[_Tag] = Field(default=[], max_length=50)
    author_ids: list[_Id] = Field(default=[], max_length=200)
    source_ids: list[_Id] = Field(default=[], max_length=200)
    updated_after: AwareDatetime | None = Field(default=None, description="Inclusive, with a time zone.")
    updated_before: AwareDatetime | None = Field(default=None, description="Exclusive, with a time zone.")


class SearchRequest(BaseModel):
    """What to search for."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"query": "How long is parental leave?", "k": 5},
                {"query": "육아휴직 신청 방법", "mode": "keyword", "filters": {"tags": ["hr"]}},
            ]
        },
    )

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY_CHARS)] = Field(
        description="Words or a question in any language; it has no syntax."
    )
    k: int = Field(default=10, ge=1, le=100, description="Hits at most.")
    mode: Mode = Field(
        default=Mode.HYBRID,
        description="A hybrid query in a language that the embedding model does not know is searched by keywords.",
    )
    filters: SearchFilters = SearchFilters()
    per_source: int = Field(default=3, ge=0, le=100, description="Hits at most of one source; 0: no limit.")


class HitSource(BaseModel):
    """Where a hit comes from; `url` is its page here."""

    kind: str
    id: str
    title: str
    version: int
    url: str


class HitSpace(BaseModel):
    """The space of a hit."""

    id: str
    name: str


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

    @classmethod
    def of(cls, hit: Hit) -> "HitRead":
        """A hit as the API shows it."""
        source = hit.source
        return cls(
            chunk_id=hit.chunk_id,
            source=HitSource(
                kind=source.kind, id=source.id, title=source.title, version=source.version, url=source.url
            ),
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
        )


class SearchResponse(BaseModel):
    """Hits, best first; `mode` is what was really done; `took_ms` is wall time by step."""

    hits: list[HitRead]
    facets: dict[str, Any] = {}
    mode: Mode
    took_ms: dict[str, float]


@router.post(
    "/search",
    responses={
        401: {"description": "Not signed in."},
        422: {"description": f"An empty query, one of over {MAX_QUERY_CHARS} characters, or another bad value."},
        503: {"description": "The indexes are still loading; `Retry-After` says when to try again."},
    },
)
def search(body: SearchRequest, request: Request, subject: Reader, session: ReadSession) -> SearchResponse:
    """Passages of everything that you may read that answer the query, best first."""
    engine: RetrievalEngine = request.app.state.engine
    chosen = body.filters
    filters = Filters(
        space_ids=tuple(chosen.space_ids),
        kinds=tuple(chosen.kinds),
        tags=tuple(chosen.tags),
        author_ids=tuple(chosen.author_ids),
        source_ids=tuple(chosen.source_ids),
        updated_after=chosen.updated_after,
        updated_before=chosen.updated_before,
    )
    result = service.search(session, subject, engine, Query(body.query, body.k, body.mode, filters, body.per_source))
    return SearchResponse(hits=[HitRead.of(hit) for hit in result.hits], mode=result.mode, took_ms=result.took_ms)
