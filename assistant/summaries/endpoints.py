"""HTTP for summaries and recommendations."""

from datetime import UTC, datetime, time

from fastapi import APIRouter, Request

from assistant.citations import verify_all
from assistant.recommending import service as recommending
from assistant.recommending.schemas import (
    ExpertRead,
    PastQuestionRead,
    RecommendRead,
    RecommendRequest,
    RelatedRead,
)
from assistant.summaries import service as summaries
from assistant.summaries.schemas import SummarizeRequest, SummaryRead
from core_api.auth.dependencies import Reader, ReadSession
from retrieval.engine import RetrievalEngine
from retrieval.types import Filters

router = APIRouter(prefix="/assistant", tags=["assistant"])


@router.post(
    "/summarize",
    responses={
        404: {"description": "There is no such document or space that you can see."},
        422: {"description": "Not one of document, space with a time, and query."},
        503: {"description": "The indexes are still loading."},
    },
)
def summarize(body: SummarizeRequest, request: Request, subject: Reader, session: ReadSession) -> SummaryRead:
    """Sum up a document, what is new in a space, or what is found for a query, in the sources' own sentences."""
    engine: RetrievalEngine = request.app.state.engine
    if body.document_id is not None:
        summary = summaries.summarize_document(session, subject, engine, body.document_id, body.length)
    elif body.space_id is not None:
        assert body.since is not None
        since = body.since if isinstance(body.since, datetime) else datetime.combine(body.since, time.min)
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        summary = summaries.summarize_changes(session, subject, engine, body.space_id, since, body.length)
    else:
        filters = Filters(space_ids=tuple(body.space_ids))
        summary = summaries.summarize_search(session, subject, engine, body.query or "", filters, body.length)
    read = SummaryRead.of(summary)
    # What a marker stands for is decided now, as for an answer.
    return read.model_copy(update={"citations": verify_all(session, subject, read.citations)})


@router.post(
    "/recommend",
    responses={
        404: {"description": "There is no such document that you can see."},
        422: {"description": "Not one of document and question."},
        503: {"description": "The indexes are still loading."},
    },
)
def recommend(body: RecommendRequest, request: Request, subject: Reader, session: ReadSession) -> RecommendRead:
    """What else to read, whom to ask (with the documents that show it), and what you have asked before."""
    engine: RetrievalEngine = request.app.state.engine
    if body.document_id is not None:
        found = recommending.recommend_for_document(session, subject, engine, body.document_id, body.k)
    else:
        found = recommending.recommend_for_question(session, subject, engine, body.question or "", body.k)
    return RecommendRead(
        documents=[RelatedRead.of(one) for one in found.documents],
        people=[ExpertRead.of(one) for one in found.people],
        questions=[PastQuestionRead.of(one) for one in found.questions],
    )
