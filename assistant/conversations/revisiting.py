"""What answers said besides their words, as it is when their conversation is opened later."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.proposals import proposing
from assistant.recommending.schemas import AskedStatus
from core_api.auth.access import readable_documents
from core_api.auth.subject import Subject
from core_api.models import ConversationMessage, Document, GapRequest, KnowledgeGap


def as_they_are_now(
    session: Session, subject: Subject, messages: Sequence[ConversationMessage]
) -> list[dict[str, Any]]:
    """What answers kept of experts and proposals, as their asker may see it now: proof that they may not read any more
    is left out; whom they have asked, and proposals, are in the state that they have come to. Three queries, whatever
    the number of messages."""
    answers = [message.answer for message in messages]
    shown = {
        document["id"] for about in answers for expert in about.get("experts", ()) for document in expert["documents"]
    }
    readable: set[str] = set()
    if shown:
        alive = Document.deleted_at.is_(None)
        readable.update(
            session.scalars(select(Document.id).where(Document.id.in_(shown), alive, readable_documents(subject)))
        )
    proposed = [proposal["id"] for about in answers for proposal in about.get("proposals", ())]
    now = {one.id: one.model_dump(mode="json") for one in proposing.current(session, subject, proposed)}
    asked = _asked(session, [message.id for message in messages if message.answer.get("experts")])
    return [
        about
        | {
            "experts": [
                proven | {"asked": asked.get((message.id, proven["user_id"]))}
                for expert in about.get("experts", ())
                if (proven := _proven(expert, readable))
            ]
        }
        | {"proposals": [now[one["id"]] for one in about.get("proposals", ()) if one["id"] in now]}
        for message, about in zip(messages, answers, strict=True)
    ]


def _asked(session: Session, answer_ids: Sequence[str]) -> dict[tuple[str | None, str], AskedStatus]:
    """What has become of asking people, by the ids of the answer and the person."""
    if not answer_ids:
        return {}
    rows = session.execute(
        select(KnowledgeGap.message_id, KnowledgeGap.status, GapRequest.user_id, GapRequest.declined_at)
        .join(GapRequest, GapRequest.gap_id == KnowledgeGap.id)
        .where(KnowledgeGap.message_id.in_(answer_ids))
    )
    return {(answer_id, person): asked_status(status, declined) for answer_id, status, person, declined in rows}


def asked_status(gap: str, declined_at: datetime | None) -> AskedStatus:
    """What has become of a question that somebody was asked, by the status of its gap."""
    return "closed" if gap == "closed" else "open" if declined_at is None else "declined"


def _proven(expert: dict[str, Any], readable: set[str]) -> dict[str, Any] | None:
    documents = [document for document in expert["documents"] if document["id"] in readable]
    return expert | {"documents": documents} if documents else None
