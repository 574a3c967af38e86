"""HTTP for search."""

from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi import Query as Parameter
from sqlalchemy.orm import Session
from starlette.datastructures import State

from core_api.auth.dependencies import Reader, ReadSession
from core_api.auth.subject import Subject
from core_api.domains.saved_searches.schemas import MAX_QUERY_CHARS
from core_api.domains.search_log import service as search_log
from core_api.infra.errors import Invalid
from core_api.infra.machine import available_cores
from core_api.infra.settings import Settings
from retrieval import service, similar, suggest
from retrieval.engine import RetrievalEngine
from retrieval.query_language import parse
from retrieval.schemas import (
    HitRead,
    SearchRequest,
    SearchResponse,
    SimilarList,
    SimilarRead,
    SuggestionList,
    SuggestionRead,
)
from retrieval.types import Query

__all__ = ["HitRead", "router"]

router = APIRouter(tags=["search"])


@router.post(
    "/search",
    responses={
        401: {"description": "Not signed in."},
        422: {
            "description": f"Neither words nor filters, over {MAX_QUERY_CHARS} characters, another query's cursor, or "
            "another bad value."
        },
        503: {"description": "The indexes are still loading; `Retry-After` says when to try again."},
    },
)
async def search(body: SearchRequest, request: Request, subject: Reader, session: ReadSession) -> SearchResponse:
    """Passages of everything that you may read that answer the query, best first."""
    return await to_thread.run_sync(_search, body, request, subject, session, limiter=_turns(request.app.state))


def _turns(state: State) -> CapacityLimiter | None:
    """Searches are done few at a time, first come first served: more of them would keep each other, and answers, from
    Python's lock, and all would be late. A few more where they wait for PostgreSQL or Chroma between; None, as many as
    there are threads, where they wait for an embedding endpoint, which may take its time."""
    settings: Settings = state.settings
    if settings.embedding_base_url is not None:
        return None
    if not hasattr(state, "search_turns"):
        waits = settings.chroma_url is not None or not state.database.is_local
        state.search_turns = CapacityLimiter(available_cores() * (3 if waits else 1) + 1)
    turns: CapacityLimiter = state.search_turns
    return turns


def _search(body: SearchRequest, request: Request, subject: Subject, session: Session) -> SearchResponse:
    filters = body.filters.as_filters()
    if not filters.any and not _asks(body.query):
        raise Invalid("Write what to search for, or choose a filter.", field="query")
    result = service.search(
        session,
        subject,
        request.app.state.engine,
        Query(
            body.query,
            body.k,
            body.mode,
            filters,
            body.per_source,
            explain=body.explain,
            paged=True,
            sort=body.sort,
            group=body.group,
            facets=body.facets,
            cursor=body.cursor,
            correct=body.correct,
        ),
    )
    search_id = None
    if body.log and body.cursor is None:
        search_id = search_log.record(
            request.app.state.search_recorder,
            subject,
            query=body.query,
            mode=result.mode,
            hits=result.total,
            took_ms=result.took_ms["total"],
        )
    return SearchResponse.of(result, search_id)


def _asks(text: str) -> bool:
    parsed = parse(text)
    return bool(parsed.text or parsed.fields or parsed.excluded)


@router.get("/search/suggest")
def suggest_for(
    request: Request,
    subject: Reader,
    session: ReadSession,
    q: Annotated[str, Parameter(max_length=200, description="What is typed so far.")] = "",
    limit: Annotated[int, Parameter(ge=1, le=20)] = 8,
) -> SuggestionList:
    """What you may be about to type: titles, spaces, categories, tags, people and your own past queries."""
    engine: RetrievalEngine = request.app.state.engine
    found = suggest.suggest(session, subject, engine.titles, q, limit)
    return SuggestionList(items=[SuggestionRead.of(one) for one in found])


@router.get("/documents/{document_id}/similar")
def similar_documents(
    document_id: str,
    request: Request,
    subject: Reader,
    session: ReadSession,
    k: Annotated[int, Parameter(ge=1, le=20)] = 5,
) -> SimilarList:
    """Documents that you may read that are about the same, best first."""
    found = similar.similar_documents(session, subject, request.app.state.engine, document_id, k)
    return SimilarList(items=[SimilarRead.of(one) for one in found])
