"""Citations: what a sentence of an answer rests on, and whether that still holds for who looks at it now."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel
from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from assistant.types import Evidence
from core_api.auth.access import readable_documents, readable_space_name
from core_api.auth.subject import Subject
from core_api.models import Document, DocumentVersion, Space, VersionText

# A query names each citation, and SQLite takes no more than 500 in one.
_BATCH = 100


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


class CitationStatus(StrEnum):
    """What has become of a quotation: it holds; its source has changed since and does not say it any more; its source
    was deleted (told only to whom could read it); or one may not read it, or it is gone for good, which look alike."""

    HOLDS = "holds"
    CHANGED = "changed"
    DELETED = "deleted"
    UNREADABLE = "unreadable"


class Citation(BaseModel):
    """A quotation with its proof: text[start:end] of that version's extracted text is `quote`, whose UTF-8 has the
    SHA-256 `sha256`. `verified`: that holds now, the source still says it, and the reader may read it; `status` says
    what else is the case.

    `readable` is false where the reader may not read the source (any more), or it was deleted; then title, heading,
    quote and hash are empty.
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
    status: CitationStatus = CitationStatus.CHANGED
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
    """The citations as `subject` may see them now: the spans are read again, and the right to read decided again.

    Verified is what is quoted exactly from its version, where the source's current version still says it. What the
    subject may not read, or what is deleted, loses its words; the space is the one that the source is in now, without
    its name where only the source is shared with them.

    Three queries for a hundred citations, whatever they cite.
    """
    given = list(citations)
    return [
        shown
        for start in range(0, len(given), _BATCH)
        for shown in _verify_batch(session, subject, given[start : start + _BATCH])
    ]


def verify(session: Session, subject: Subject, citation: Citation) -> Citation:
    """One citation as `verify_all` gives it."""
    return verify_all(session, subject, [citation])[0]


def _verify_batch(session: Session, subject: Subject, citations: Sequence[Citation]) -> list[Citation]:
    rows = session.execute(
        select(
            Document.id,
            Document.version,
            Document.space_id,
            readable_space_name(subject),
            Document.deleted_at.is_(None),
        )
        .join(Space, Space.id == Document.space_id)
        .where(
            Document.id.in_({citation.source.id for citation in citations}),
            readable_documents(subject),
        )
    ).all()
    documents = {row[0]: row for row in rows if row[4]}
    deleted = {row[0] for row in rows if not row[4]}
    readable = [
        (number, citation)
        for number, citation in enumerate(citations)
        if citation.source.kind == Document.__source_kind__ and citation.source.id in documents
    ]
    spans = _spans(session, readable)
    holding = {
        number
        for number, citation in readable
        if (span := spans.get(number)) is not None and digest(span) == citation.sha256 and span == citation.quote
    }
    changed = [
        (number, documents[citation.source.id].version, citation)
        for number, citation in readable
        if number in holding and documents[citation.source.id].version != citation.source.version
    ]
    # A version that has not been read yet cannot vouch for the quotation.
    holding -= {number for number, _, _ in changed} - _still_saying(session, changed)
    shown = [_withheld(citation, citation.source.id in deleted) for citation in citations]
    for number, citation in readable:
        _, _, space_id, space_name, _ = documents[citation.source.id]
        holds = number in holding
        shown[number] = citation.model_copy(
            update={
                "space": CitedSpace(id=space_id, name=space_name),
                "verified": holds,
                "readable": True,
                "status": CitationStatus.HOLDS if holds else CitationStatus.CHANGED,
            }
        )
    return shown


def _spans(session: Session, citations: Sequence[tuple[int, Citation]]) -> dict[int, str]:
    """What stands now where each of these was quoted from, by number."""
    queries = [
        _text_of(citation.source.id, citation.source.version).with_only_columns(
            literal(number), func.substr(VersionText.text, citation.start + 1, citation.end - citation.start)
        )
        for number, citation in citations
    ]
    return {row[0]: row[1] for row in session.execute(union_all(*queries))} if queries else {}


def _still_saying(session: Session, citations: Sequence[tuple[int, int, Citation]]) -> set[int]:
    """The numbers of those whose words stand in that version of their source too."""
    position = func.strpos if session.get_bind().dialect.name == "postgresql" else func.instr
    queries = [
        _text_of(citation.source.id, version)
        .with_only_columns(literal(number))
        .where(position(VersionText.text, citation.quote) > 0)
        for number, version, citation in citations
    ]
    return set(session.scalars(union_all(*queries))) if queries else set()


def _text_of(document_id: str, version: int) -> Select[str]:
    return (
        select(VersionText.text)
        .join(DocumentVersion, DocumentVersion.id == VersionText.version_id)
        .where(DocumentVersion.document_id == document_id, DocumentVersion.number == version)
    )


def _withheld(citation: Citation, deleted: bool) -> Citation:
    source = citation.source.model_copy(update={"title": ""})
    return citation.model_copy(
        update={
            "source": source,
            "space": CitedSpace(id="", name=""),
            "heading": "",
            "quote": "",
            # The hash of a short quotation would let a guess at it be confirmed.
            "sha256": "",
            "verified": False,
            "readable": False,
            "status": CitationStatus.DELETED if deleted else CitationStatus.UNREADABLE,
        }
    )
