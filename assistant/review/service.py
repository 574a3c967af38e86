"""What reviewers make of the answers that people have said something about: tests of search, or nothing.

A reviewer sees the question, the comment and, of the answer, what they may read the sources of; not who asked, and
nothing else of the conversation.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ScalarSelect, Select, select
from sqlalchemy.orm import Session, aliased

from assistant.conversations.service import USER
from assistant.conversations.showing import feedback_read, show
from assistant.review.schemas import Reason, ReviewedAnswer, ReviewState, ReviewVerdict
from core_api import audit
from core_api.audit import Actor
from core_api.auth.access import readable_documents
from core_api.auth.subject import Subject
from core_api.domains.users.schemas import PersonRead
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Invalid, NotFound
from core_api.models import AnswerFeedback, ConversationMessage, Document, GoldenQuestion, User, utcnow

_MOST_QUESTION_CHARS = 300
_STATES: dict[str, ReviewState] = {"new": "new", "golden": "golden", "dismissed": "dismissed"}


def list_answers(
    session: Session,
    subject: Subject,
    cursor: str | None,
    limit: int,
    *,
    helpful: bool | None = None,
    reason: Reason | None = None,
    state: ReviewState | None = None,
) -> Page[ReviewedAnswer]:
    """The answers with feedback, the latest first."""
    statement = _described()
    if helpful is not None:
        statement = statement.where(AnswerFeedback.helpful == helpful)
    if reason is not None:
        statement = statement.where(AnswerFeedback.reason == reason)
    if state is not None:
        statement = statement.where(AnswerFeedback.state == state)
    rows, next_cursor = page_rows(session, statement, [AnswerFeedback.id], cursor, limit)
    return Page(items=_read(session, subject, rows), next_cursor=next_cursor)


def review(session: Session, subject: Subject, message_id: str, given: ReviewVerdict) -> ReviewedAnswer:
    """Make something of an answer, or something else than before.

    Raises NotFound where there is no feedback on it, and for documents that the subject may not read; Invalid where no
    document is named for a golden one and the answer cites none.
    """
    row = session.scalar(select(AnswerFeedback).where(AnswerFeedback.message_id == message_id).with_for_update())
    if row is None:
        raise NotFound(f"There is no answer {message_id!r} with feedback.")
    golden = session.scalar(select(GoldenQuestion).where(GoldenQuestion.message_id == message_id))
    if given.verdict == "golden":
        asking = select(ConversationMessage, _question()).where(ConversationMessage.id == message_id)
        answer, question = session.execute(asking).one()
        asked = given.question or " ".join((question or "").split())
        if not 0 < len(asked) <= _MOST_QUESTION_CHARS:
            raise Invalid(
                f"Give the `question` in at most {_MOST_QUESTION_CHARS} characters: this one is longer.",
                field="question",
            )
        document_ids = _right_documents(session, subject, answer, given)
        if golden is None:
            golden = GoldenQuestion(message_id=message_id)
            session.add(golden)
        golden.question, golden.document_ids, golden.reviewed_by = asked, document_ids, subject.user_id
    elif golden is not None:
        session.delete(golden)
    row.state, row.reviewed_by, row.reviewed_at = given.verdict, subject.user_id, utcnow()
    session.flush()
    audit.record(session, Actor.of(subject), "answer.reviewed", "answer", message_id, verdict=given.verdict)
    rows = session.execute(_described().where(AnswerFeedback.message_id == message_id)).all()
    return _read(session, subject, rows)[0]


def _right_documents(
    session: Session, subject: Subject, answer: ConversationMessage, given: ReviewVerdict
) -> list[str]:
    """The ids of the documents named, or else cited, that the subject may read."""
    cited = [one["source"]["id"] for one in answer.citations if one["source"]["kind"] == Document.__source_kind__]
    wanted = list(dict.fromkeys(given.document_ids or cited))
    readable = _readable(session, subject, wanted)
    if given.document_ids and (missing := [id_ for id_ in wanted if id_ not in readable]):
        raise NotFound(f"There is no document {missing[0]!r} that you can see.")
    right = [id_ for id_ in wanted if id_ in readable]
    if not right:
        raise Invalid(
            "The answer cites nothing that you can see. Name the documents that are right (`document_ids`).",
            field="document_ids",
        )
    return right


def _readable(session: Session, subject: Subject, ids: Sequence[str]) -> set[str]:
    alive = select(Document.id).where(Document.id.in_(ids), Document.deleted_at.is_(None), readable_documents(subject))
    return set(session.scalars(alive))


def _question() -> ScalarSelect[str]:
    """The text of the question before a ConversationMessage, as a column."""
    asking = aliased(ConversationMessage)
    return (
        select(asking.content)
        .where(
            asking.conversation_id == ConversationMessage.conversation_id,
            asking.id < ConversationMessage.id,
            asking.role == USER,
        )
        .order_by(asking.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _described() -> Select[*tuple[Any, ...]]:
    return (
        select(AnswerFeedback, ConversationMessage, _question(), User.name, GoldenQuestion.document_ids)
        .join(ConversationMessage, ConversationMessage.id == AnswerFeedback.message_id)
        .outerjoin(User, User.id == AnswerFeedback.reviewed_by)
        .outerjoin(GoldenQuestion, GoldenQuestion.message_id == AnswerFeedback.message_id)
    )


def _read(session: Session, subject: Subject, rows: Sequence[Any]) -> list[ReviewedAnswer]:
    answers = show(session, subject, [row[1] for row in rows], mine=False)
    readable = _readable(session, subject, sorted({id_ for row in rows for id_ in row[4] or ()}))
    return [
        ReviewedAnswer(
            id=answer.id,
            question=question or "",
            answer=answer,
            feedback=feedback_read(said),
            state=_STATES[said.state],
            document_ids=[id_ for id_ in right or () if id_ in readable],
            reviewed_by=PersonRead(id=said.reviewed_by, name=reviewer) if said.reviewed_by and reviewer else None,
            reviewed_at=said.reviewed_at,
        )
        for answer, (said, _, question, reviewer, right) in zip(answers, rows, strict=True)
    ]
