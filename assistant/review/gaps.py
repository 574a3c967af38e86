"""Questions that nothing answered. Whoever asked may file one, and thereby shows it, with their name, to the reviewers,
who see like questions together and the person who is most likely to know.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from assistant.answers.questions import understand
from assistant.conversations.service import access_message
from assistant.conversations.showing import ASSISTANT, USER
from assistant.recommending.schemas import ExpertRead
from assistant.recommending.service import people_who_know
from assistant.review.clustering import Asked, cluster, telling_words
from assistant.review.schemas import GapCluster, GapRead, GapsChanged, GapStatus
from core_api import audit
from core_api.audit import Actor
from core_api.auth.subject import Subject
from core_api.domains.users.schemas import PersonRead
from core_api.http.pagination import Page
from core_api.infra.database import Database
from core_api.infra.errors import Conflict, Invalid, NotFound
from core_api.models import ConversationMessage, KnowledgeGap, User, utcnow
from retrieval.analyzer import language
from retrieval.engine import RetrievalEngine

# The latest of a status; more are closed before they are looked at.
_MOST_GAPS = 1_000
_MOST_EXAMPLES = 5
_CURSOR = re.compile(r"(\d{1,6})\.([0-9a-f-]{36})", re.ASCII)


class WasAnswered(Conflict):
    """The question has an answer."""

    code, title = "was_answered", "The question was answered"


@dataclass(frozen=True, slots=True)
class _Gap:
    """A filed question, with the name of who filed it."""

    row: KnowledgeGap
    filed_by: str


def file_gap(database: Database, engine: RetrievalEngine, subject: Subject, message_id: str) -> GapRead:
    """File a question of the subject's that was not answered; again gives the same. No transaction is open while the
    question is embedded. Raises NotFound, and WasAnswered."""
    with database.reading() as session:
        answer_id, question = unanswered(session, subject, message_id)
    fingerprint, vector = _embedded(engine, question)
    with database.transaction() as session:
        # Locked, and looked for again: two that file it at once take turns, and it may be gone.
        locked = select(ConversationMessage.id).where(ConversationMessage.id == answer_id).with_for_update()
        if session.scalar(locked) is None:
            raise NotFound(f"You have no message {message_id!r} that was not answered.")
        gap = session.scalar(select(KnowledgeGap).where(KnowledgeGap.message_id == answer_id))
        if gap is None:
            gap = KnowledgeGap(
                message_id=answer_id,
                user_id=subject.user_id,
                question=question,
                fingerprint=fingerprint,
                vector=vector,
                status="open",
            )
            session.add(gap)
            session.flush()
            audit.record(session, Actor.of(subject), "gap.filed", "gap", gap.id)
        return _read(_Gap(gap, subject.name))


def list_clusters(
    session: Session, subject: Subject, engine: RetrievalEngine, status: GapStatus, cursor: str | None, limit: int
) -> Page[GapCluster]:
    """Filed questions, like ones together, most asked first."""
    clusters = [(len(members), members) for members in _clusters(engine, _gaps(session, status))]
    clusters.sort(key=lambda one: (-one[0], one[1][0].row.id))
    after = _decode(cursor)
    if after is not None:
        clusters = [one for one in clusters if (-one[0], one[1][0].row.id) > after]
    page = clusters[:limit]
    more = len(clusters) > limit
    return Page(
        items=[_cluster(session, subject, engine, members, status) for _, members in page],
        next_cursor=f"{page[-1][0]}.{page[-1][1][0].row.id}" if more else None,
    )


def change_cluster(
    database: Database, engine: RetrievalEngine, subject: Subject, gap_id: str, status: GapStatus
) -> GapsChanged:
    """Close the cluster that a filed question is in, or open it again. Raises NotFound."""
    with database.reading() as session:
        gap = session.get(KnowledgeGap, gap_id)
        if gap is None:
            raise NotFound(f"There is no filed question {gap_id!r}.")
        if gap.status == status:
            return GapsChanged(status=status, count=0)
        found = _clusters(engine, _gaps(session, gap.status))
        # One that is older than all that are looked at stands by itself.
        ids = next((of for of in ([one.row.id for one in members] for members in found) if gap_id in of), [gap_id])
    closed = status == "closed"
    with database.transaction() as session:
        changed = session.scalars(
            update(KnowledgeGap)
            .where(KnowledgeGap.id.in_(ids), KnowledgeGap.status != status)
            .values(
                status=status,
                closed_by=subject.user_id if closed else None,
                closed_at=utcnow() if closed else None,
            )
            .returning(KnowledgeGap.id),
            execution_options={"synchronize_session": False},
        ).all()
        if changed:
            action = "gap.closed" if closed else "gap.reopened"
            audit.record(session, Actor.of(subject), action, "gap", gap_id, questions=len(changed))
        return GapsChanged(status=status, count=len(changed))


def export_gaps(session: Session, subject: Subject) -> list[dict[str, Any]]:
    """What the subject has filed, oldest first, for an export of their data."""
    rows = session.scalars(
        select(KnowledgeGap).where(KnowledgeGap.user_id == subject.user_id).order_by(KnowledgeGap.id)
    )
    return [_read(_Gap(row, subject.name)).model_dump(mode="json") for row in rows]


def unanswered(session: Session, subject: Subject, message_id: str) -> tuple[str, str]:
    """(the answer's id, the question) of a message of the subject's own conversations that nothing answered. Raises
    NotFound, WasAnswered."""
    messages = select(ConversationMessage)
    role = session.scalar(select(ConversationMessage.role).where(ConversationMessage.id == message_id))
    if role == USER:
        question = access_message(session, subject, message_id, USER)
        answer = session.scalar(
            messages.where(
                ConversationMessage.conversation_id == question.conversation_id, ConversationMessage.id > question.id
            )
            .order_by(ConversationMessage.id)
            .limit(1)
        )
    else:
        answer = access_message(session, subject, message_id, ASSISTANT)
        found = session.scalar(
            messages.where(
                ConversationMessage.conversation_id == answer.conversation_id,
                ConversationMessage.id < answer.id,
                ConversationMessage.role == USER,
            )
            .order_by(ConversationMessage.id.desc())
            .limit(1)
        )
        if found is None:
            raise NotFound(f"The message {message_id!r} answers no question.")
        question = found
    if answer is None or answer.role != ASSISTANT:
        raise NotFound(f"The question {message_id!r} has no answer yet.")
    if not answer.answer.get("abstained"):
        raise WasAnswered("Sources were found for it. If the answer is wrong, say so with feedback.")
    return answer.id, question.content


def _gaps(session: Session, status: str) -> list[_Gap]:
    """The latest of a status, the first filed first."""
    rows = session.execute(
        select(KnowledgeGap, User.name)
        .join(User, User.id == KnowledgeGap.user_id)
        .where(KnowledgeGap.status == status)
        .order_by(KnowledgeGap.id.desc())
        .limit(_MOST_GAPS)
    )
    return [_Gap(row, name) for row, name in rows][::-1]


def _clusters(engine: RetrievalEngine, gaps: Sequence[_Gap]) -> list[list[_Gap]]:
    asked = [Asked(telling_words(gap.row.question), _vector(engine, gap.row)) for gap in gaps]
    rarity = engine.keywords.rarity(sorted({word for one in asked for word in one.words}))
    return [[gaps[place] for place in places] for places in cluster(asked, rarity)]


def _embedded(engine: RetrievalEngine, question: str) -> tuple[str | None, bytes | None]:
    """(fingerprint, vector) of a question, Nones where the model does not know its language."""
    embedder = engine.embedder
    if not embedder.covers(language(question)):
        return None, None
    return embedder.fingerprint, engine.embed_query(question, embedder).astype("<f4").tobytes()


def _vector(engine: RetrievalEngine, gap: KnowledgeGap) -> "np.ndarray[tuple[int], np.dtype[np.float32]] | None":
    if gap.vector is not None and gap.fingerprint == engine.embedder.fingerprint:
        return np.frombuffer(gap.vector, "<f4").astype(np.float32)
    # Filed when another model was in use.
    _, vector = _embedded(engine, gap.question)
    return None if vector is None else np.frombuffer(vector, "<f4").astype(np.float32)


def _cluster(
    session: Session, subject: Subject, engine: RetrievalEngine, members: Sequence[_Gap], status: GapStatus
) -> GapCluster:
    question = members[0].row.question
    # Whoever asks does not know.
    experts = people_who_know(
        session, subject, engine, understand(question), 1, but=[gap.row.user_id for gap in members]
    )
    return GapCluster(
        id=members[0].row.id,
        question=question,
        count=len(members),
        examples=[_read(gap) for gap in members[:_MOST_EXAMPLES]],
        expert=ExpertRead.of(experts[0]) if experts else None,
        status=status,
        last_filed_at=max(gap.row.created_at for gap in members),
    )


def _read(gap: _Gap) -> GapRead:
    row = gap.row
    return GapRead(
        id=row.id,
        question=row.question,
        filed_by=PersonRead(id=row.user_id, name=gap.filed_by),
        filed_at=row.created_at,
        status="open" if row.status == "open" else "closed",
    )


def _decode(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise Invalid("`cursor` is not one that this server gave out. Start again without it.", field="cursor")
    return -int(match.group(1)), match.group(2)
