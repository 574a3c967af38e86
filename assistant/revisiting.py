"""What an answer said besides its words, as it is when its conversation is opened later."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant import proposing
from core_api.auth.access import readable_documents
from core_api.auth.subject import Subject
from core_api.models import Document


def as_it_is_now(session: Session, subject: Subject, about: dict[str, Any]) -> dict[str, Any]:
    """What an answer kept of experts and proposals, as its asker may see it now: proof that they may not read any more
    is left out, and proposals are in the state that they have come to."""
    changed: dict[str, Any] = {}
    if kept := about.get("experts"):
        ids = {document["id"] for expert in kept for document in expert["documents"]}
        readable = set(
            session.scalars(
                select(Document.id).where(
                    Document.id.in_(ids), Document.deleted_at.is_(None), readable_documents(subject)
                )
            )
        )
        experts = [
            expert | {"documents": [document for document in expert["documents"] if document["id"] in readable]}
            for expert in kept
        ]
        changed["experts"] = [expert for expert in experts if expert["documents"]]
    if kept := about.get("proposals"):
        now = {one.id: one for one in proposing.current(session, subject, [one["id"] for one in kept])}
        changed["proposals"] = [now[one["id"]].model_dump(mode="json") for one in kept if one["id"] in now]
    return about | changed
