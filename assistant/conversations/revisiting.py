"""What answers said besides their words, as it is when their conversation is opened later."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.proposals import proposing
from core_api.auth.access import readable_documents
from core_api.auth.subject import Subject
from core_api.models import Document


def as_they_are_now(session: Session, subject: Subject, answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What answers kept of experts and proposals, as their asker may see it now: proof that they may not read any more
    is left out, and proposals are in the state that they have come to. Two queries, whatever the number of answers."""
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
    return [
        about
        | {"experts": [proven for expert in about.get("experts", ()) if (proven := _proven(expert, readable))]}
        | {"proposals": [now[one["id"]] for one in about.get("proposals", ()) if one["id"] in now]}
        for about in answers
    ]


def _proven(expert: dict[str, Any], readable: set[str]) -> dict[str, Any] | None:
    documents = [document for document in expert["documents"] if document["id"] in readable]
    return expert | {"documents": documents} if documents else None
