"""Reading a document passage by passage, as its reader may: for summaries, for opening it, for what to ask next."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

from sqlalchemy import select
from sqlalchemy.orm import Session

from assistant.summaries.salience import Vector
from assistant.types import Evidence
from assistant.wording.display import plain
from assistant.wording.untrusted import speaks_to_assistant
from core_api.auth.subject import Subject
from core_api.domains.documents.reading import access_document
from core_api.infra.errors import Unavailable
from core_api.models import Chunk, Document, DocumentVersion, VersionText
from retrieval.access import hydrate
from retrieval.engine import RetrievalEngine
from retrieval.placement import targets
from retrieval.sentences import sentence_spans
from retrieval.types import Filters, Hit, Passage

MOST_PASSAGES = 400
"""Passages read of one document: about 200 pages. Of a longer one they are taken evenly from all of it."""

_BATCH = 200
_PASSAGE = tuple(field.name for field in fields(Passage))


def read_passages(session: Session, subject: Subject, document_id: str, most: int = MOST_PASSAGES) -> list[Hit]:
    """The passages of a document in their order, all of the version that is indexed; none while it is not indexed yet.

    Raises NotFound where the subject may not read it.
    """
    access_document(session, subject, document_id)
    ids = session.scalars(
        select(Chunk.id)
        .where(Chunk.source_kind == Document.__source_kind__, Chunk.source_id == document_id)
        .order_by(Chunk.ordinal)
    ).all()
    if len(ids) > most:
        ids = [ids[place * len(ids) // most] for place in range(most)]
    return hits_of(session, subject, ids)


def hits_of(session: Session, subject: Subject, chunk_ids: Sequence[str]) -> list[Hit]:
    """These passages, of those that the subject may read, in this order; all with the same score."""
    found: dict[str, Passage] = {}
    for start in range(0, len(chunk_ids), _BATCH):
        found |= hydrate(session, subject, chunk_ids[start : start + _BATCH], Filters())
    return [as_hit(found[id_]) for id_ in chunk_ids if id_ in found]


def outline(session: Session, document_id: str, version: int) -> list[tuple[int, int, str]]:
    """The headings of a version's text: (place in the text, level, words). The caller has decided who may read it."""
    found = session.execute(
        select(VersionText.text, VersionText.blocks)
        .join(DocumentVersion, DocumentVersion.id == VersionText.version_id)
        .where(DocumentVersion.document_id == document_id, DocumentVersion.number == version)
    ).first()
    if found is None:
        return []
    text, blocks = found
    headings = [(block["start"], block["end"], block.get("level", 0)) for block in blocks if block["kind"] == "heading"]
    return [(start, level, plain(text[start:end]).strip()) for start, end, level in headings]


def beginnings(session: Session, subject: Subject, document_ids: Sequence[str]) -> dict[str, Evidence]:
    """The first sentence of each document that is indexed, by its id: what a mention of the document rests on, so that
    who may not read it any more does not see the mention either."""
    ids = [f"{Document.__source_kind__}:{document_id}:0" for document_id in document_ids]
    found = {}
    for hit in hits_of(session, subject, ids):
        for start, end in sentence_spans(hit.text):
            if not speaks_to_assistant(hit.text, start, end):
                found[hit.source.id] = Evidence(hit, hit.start + start, hit.start + end)
                break
    return found


def as_hit(passage: Passage) -> Hit:
    """A passage that was not searched for."""
    return Hit(**{name: getattr(passage, name) for name in _PASSAGE}, score=1.0, scores={})


def vectors_of(session: Session, engine: RetrievalEngine, hits: Iterable[Hit]) -> dict[str, Vector]:
    """The vectors that the index has of these passages, by chunk id; none where it cannot be asked."""
    hits = list(hits)
    spaces = sorted({hit.space_id for hit in hits})
    try:
        where = targets(session, spaces, engine.embedder.fingerprint)
        return engine.vectors.vectors(where, [hit.chunk_id for hit in hits])
    except Unavailable:  # words alone decide then, as search does
        return {}
