"""Citations: what a sentence of an answer rests on, and whether that still holds for who looks at it now."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from assistant.types import Evidence
from core_api.auth.access import readable_documents, readable_space_name
from core_api.auth.subject import Subject
from core_api.models import Document, DocumentVersion, Space, VersionText


class CitedSource(BaseModel):
    """The source of a quotation, at the version that was quoted."""

    kind: str
    id: str
    title: str
    version: int
    url: str


class CitedSpace(BaseModel):
    """The space of the source."""

    id: str
    name: str


class Citation(BaseModel):
    """A quotation with its proof: text[start:end] of that version's extracted text is `quote`, whose UTF-8 has the
    SHA-256 `sha256`. `verified`: that holds now, the source still says it, and the reader may read it.

    `readable` is false where the reader may not read the source (any more); then title, heading and quote are empty.
    """

    marker: int
    chunk_id: str
    source: CitedSource
    space: CitedSpace
    heading: str
    page: int | None
    quote: str
    start: int
    end: int
    sha256: str
    verified: bool
    readable: bool = True
    updated_at: datetime


def cite(evidence: Evidence, marker: int) -> Citation:
    """The citation of a piece of evidence, not verified yet."""
    hit = evidence.hit
    return Citation(
        marker=marker,
        chunk_id=hit.chunk_id,
        source=CitedSource(
            kind=hit.source.kind,
            id=hit.source.id,
            title=hit.source.title,
            version=hit.source.version,
            url=hit.source.url,
        ),
        space=CitedSpace(id=hit.space_id, name=hit.space_name),
        heading=hit.heading,
        page=hit.page,
        quote=evidence.quote,
        start=evidence.start,
        end=evidence.end,
        sha256=digest(evidence.quote),
        verified=False,
        updated_at=hit.updated_at,
    )


def digest(quote: str) -> str:
    """SHA-256 of the quote's UTF-8, in hexadecimal."""
    return hashlib.sha256(quote.encode()).hexdigest()


def verify_all(session: Session, subject: Subject, citations: Iterable[Citation]) -> list[Citation]:
    """The citations as `subject` may see them now."""
    return [verify(session, subject, citation) for citation in citations]


def verify(session: Session, subject: Subject, citation: Citation) -> Citation:
    """The citation as `subject` may see it now: the span is read again, and the right to read it decided again.

    Verified is what is quoted exactly from its version, where the source's current version still says it. What the
    subject may not read, or what is deleted, loses its words; the space is the one that the source is in now, without
    its name where only the source is shared with them.
    """
    document = session.execute(
        select(Document.version, Document.space_id, readable_space_name(subject))
        .join(Space, Space.id == Document.space_id)
        .where(
            Document.id == citation.source.id,
            Document.deleted_at.is_(None),
            readable_documents(subject),
        )
    ).first()
    if document is None or citation.source.kind != Document.__source_kind__:
        return _withheld(citation)
    span = session.scalar(
        _text_of(citation.source.id, citation.source.version).with_only_columns(
            func.substr(VersionText.text, citation.start + 1, citation.end - citation.start)
        )
    )
    holds = span is not None and digest(span) == citation.sha256 and span == citation.quote
    if holds and document.version != citation.source.version:
        current = session.scalar(_text_of(citation.source.id, document.version))
        # A version that has not been read yet cannot vouch for the quotation.
        holds = current is not None and citation.quote in current
    space = CitedSpace(id=document[1], name=document[2])
    return citation.model_copy(update={"space": space, "verified": holds, "readable": True})


def _text_of(document_id: str, version: int) -> Select[str]:
    return (
        select(VersionText.text)
        .join(DocumentVersion, DocumentVersion.id == VersionText.version_id)
        .where(DocumentVersion.document_id == document_id, DocumentVersion.number == version)
    )


def _withheld(citation: Citation) -> Citation:
    source = citation.source.model_copy(update={"title": ""})
    return citation.model_copy(
        update={
            "source": source,
            "space": CitedSpace(id="", name=""),
            "heading": "",
            "quote": "",
            "verified": False,
            "readable": False,
        }
    )
