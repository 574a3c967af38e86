"""HTTP for what people say about answers, for questions without one, and for those who review both."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, status

from assistant.review import asking, feedback, gaps
from assistant.review import service as review
from assistant.review.schemas import (
    AskedRead,
    AskedUpdate,
    FeedbackUpdate,
    GapCluster,
    GapCreate,
    GapRead,
    GapsChanged,
    GapStatus,
    GapUpdate,
    Reason,
    ReviewedAnswer,
    ReviewState,
    ReviewVerdict,
)
from assistant.schemas import FeedbackRead
from core_api.auth.dependencies import (
    AnswerReviewer,
    DatabaseDep,
    LimiterDep,
    Reader,
    ReadSession,
    SettingsDep,
    VaultDep,
    Writer,
    WriteSession,
)
from core_api.http.pagination import Cursor, Limit, Page
from retrieval.engine import RetrievalEngine

router = APIRouter()


@router.put("/messages/{message_id}/feedback")
def put_feedback(message_id: str, body: FeedbackUpdate, subject: Reader, session: WriteSession) -> FeedbackRead:
    """Say whether an answer helped you. The reviewers see then the answer, your question and your comment, without your
    name; take it back, and they do not."""
    return feedback.put_feedback(session, subject, message_id, body)


@router.delete("/messages/{message_id}/feedback", status_code=status.HTTP_204_NO_CONTENT)
def delete_feedback(message_id: str, subject: Reader, session: WriteSession) -> None:
    """Take back what you said about an answer."""
    feedback.delete_feedback(session, subject, message_id)


@router.post("/gaps", status_code=status.HTTP_201_CREATED)
def file_gap(
    body: GapCreate,
    request: Request,
    subject: Reader,
    database: DatabaseDep,
    vault: VaultDep,
    settings: SettingsDep,
    limiter: LimiterDep,
) -> GapRead:
    """File a question of yours that was not answered. The reviewers see then the question and your name, so that
    whoever knows can write it down and tell you; and so does the person whom you ask (`user_id`), who is told."""
    engine = _engine(request)
    if body.user_id is None:
        return gaps.file_gap(database, engine, subject, body.message_id)
    return asking.ask_person(database, engine, vault, settings, limiter, subject, body.message_id, body.user_id)


@router.get("/gaps")
def list_asked(subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50) -> Page[AskedRead]:
    """Questions that nothing answered and that people ask you, the latest first."""
    return asking.list_asked(session, subject, cursor, limit)


@router.patch("/gaps/{gap_id}")
def answer_asked(gap_id: str, body: AskedUpdate, subject: Writer, session: WriteSession) -> AskedRead:
    """Say of a question that you were asked that it is written down, which closes it for the reviewers too, or that
    you do not know."""
    return asking.answer_asked(session, subject, gap_id, body.status)


@router.get("/review/answers")
def list_answers(
    subject: AnswerReviewer,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Limit = 50,
    helpful: Annotated[bool | None, Query(description="Only those that helped, or did not.")] = None,
    reason: Annotated[Reason | None, Query(description="Only those with this reason.")] = None,
    state: Annotated[ReviewState | None, Query(description="Only those of this state.")] = None,
) -> Page[ReviewedAnswer]:
    """Answers that their askers have said something about, the latest first: of each, what you may read the sources
    of."""
    return review.list_answers(session, subject, cursor, limit, helpful=helpful, reason=reason, state=state)


@router.post("/review/answers/{answer_id}")
def review_answer(
    answer_id: str, body: ReviewVerdict, subject: AnswerReviewer, session: WriteSession
) -> ReviewedAnswer:
    """Make an answer's question a test of search (`golden`), or lay the answer aside (`dismissed`)."""
    return review.review(session, subject, answer_id, body)


@router.get("/review/gaps")
def list_gaps(
    subject: AnswerReviewer,
    request: Request,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=50, description="How many items at most.")] = 20,
    status: Annotated[GapStatus, Query(description="Open or closed ones.")] = "open",
) -> Page[GapCluster]:
    """Questions that nothing answered, as people filed them, like ones together, most asked first; for each the best
    person to ask, by the nearest documents that you may read."""
    return gaps.list_clusters(session, subject, _engine(request), status, cursor, limit)


@router.patch("/review/gaps/{gap_id}")
def change_gap(
    gap_id: str, body: GapUpdate, request: Request, subject: AnswerReviewer, database: DatabaseDep
) -> GapsChanged:
    """Close the questions that are together with this one, or open them again."""
    return gaps.change_cluster(database, _engine(request), subject, gap_id, body.status)


def _engine(request: Request) -> RetrievalEngine:
    engine: RetrievalEngine = request.app.state.engine
    return engine
