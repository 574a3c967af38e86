"""What is indexed, what waits, what failed and why; for each person, of what they may read."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select, true
from sqlalchemy.orm import Session

from core_api.auth.access import readable_documents
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.http.pagination import page_rows
from core_api.models import Chunk, Document, IndexState, IndexStatus, OutboxEvent, utcnow


class SourceCounts(BaseModel):
    """Sources by how far they have come. `failed` cannot be read as they are; `parked` failed too often for another
    reason and wait for somebody to retry them."""

    pending: int = 0
    indexed: int = 0
    failed: int = 0
    parked: int = 0


class QueueRead(BaseModel):
    """The outbox: events that wait, the age of the oldest, and events that were given up for now."""

    waiting: int
    oldest_seconds: float | None
    parked: int


class EmbeddingRead(BaseModel):
    """The embedding model in use."""

    name: str
    fingerprint: str
    dimensions: int


class LagRead(BaseModel):
    """Milliseconds from the commit of an edit or a deletion to the indexes, over the last of this process; null before
    one."""

    p50: float | None = None
    p95: float | None = None
    last: float | None = None


class FailureRead(BaseModel):
    """A source that is not indexed, and why."""

    source_kind: str
    source_id: str
    title: str
    space_id: str
    error_code: str | None
    error: str | None
    tries: int
    parked: bool
    at: datetime | None


class IndexStatusRead(BaseModel):
    """The state of the indexes."""

    sources: SourceCounts
    chunks: int
    queue: QueueRead
    keyword_lag: int | None
    embedding: EmbeddingRead | None
    lag_ms: LagRead
    failures: list[FailureRead]
    next_cursor: str | None = None


_KIND = Document.__source_kind__


def _event(parked: bool) -> ColumnElement[bool]:
    given_up = OutboxEvent.parked_at.is_not(None) if parked else OutboxEvent.parked_at.is_(None)
    return exists().where(OutboxEvent.source_kind == _KIND, OutboxEvent.source_id == Document.id, given_up)


def _visible(subject: Subject) -> ColumnElement[bool]:
    """The condition on a Document: an admin runs the whole index; everyone else sees the part that they may read."""
    return true() if subject.may(Permission.INDEX_MANAGE) else readable_documents(subject)


def count_sources(session: Session, subject: Subject) -> SourceCounts:
    """How many sources are in which state."""
    standing = case(
        (_event(parked=False), "pending"),
        (_event(parked=True), "parked"),
        else_=func.coalesce(IndexState.status, IndexStatus.PENDING.value),
    )
    rows = session.execute(
        select(standing, func.count())
        .select_from(Document)
        .outerjoin(IndexState, and_(IndexState.source_kind == _KIND, IndexState.source_id == Document.id))
        .where(Document.deleted_at.is_(None), _visible(subject))
        .group_by(standing)
    )
    return SourceCounts(**{name: count for name, count in rows if name in SourceCounts.model_fields})


def count_chunks(session: Session, subject: Subject) -> int:
    """How many chunks are indexed."""
    statement = select(func.count(Chunk.id))
    if not subject.may(Permission.INDEX_MANAGE):
        statement = statement.join(
            Document, and_(Chunk.source_kind == _KIND, Chunk.source_id == Document.id, Document.deleted_at.is_(None))
        ).where(readable_documents(subject))
    return session.scalar(statement) or 0


def read_queue(session: Session, subject: Subject) -> QueueRead:
    """The outbox."""
    visible: ColumnElement[bool] = true()
    if not subject.may(Permission.INDEX_MANAGE):
        visible = exists().where(
            OutboxEvent.source_kind == _KIND,
            Document.id == OutboxEvent.source_id,
            readable_documents(subject),
        )
    waiting, oldest = session.execute(
        select(func.count(), func.min(OutboxEvent.created_at)).where(OutboxEvent.parked_at.is_(None), visible)
    ).one()
    parked = session.scalar(select(func.count()).where(OutboxEvent.parked_at.is_not(None), visible)) or 0
    age = max(0.0, (utcnow() - oldest).total_seconds()) if oldest is not None else None
    return QueueRead(waiting=waiting, oldest_seconds=age, parked=parked)


def list_failures(
    session: Session, subject: Subject, cursor: str | None, limit: int
) -> tuple[list[FailureRead], str | None]:
    """Sources that failed or are parked, newest source first."""
    tries = select(func.max(OutboxEvent.tries)).where(*_events_of_document()).correlate(Document).scalar_subquery()
    parked_at = (
        select(func.max(OutboxEvent.parked_at)).where(*_events_of_document()).correlate(Document).scalar_subquery()
    )
    # An admin who may not read a document learns that it failed, and why, but not what it is called.
    title = case((readable_documents(subject), Document.title), else_="")
    statement: Select[Any] = (
        select(IndexState, title, Document.space_id, Document.updated_at, tries, parked_at)
        .join(Document, and_(IndexState.source_kind == _KIND, IndexState.source_id == Document.id))
        .where(
            Document.deleted_at.is_(None),
            _visible(subject),
            IndexState.status == IndexStatus.FAILED,
            ~_event(parked=False),
        )
    )
    rows, next_cursor = page_rows(session, statement, [IndexState.source_id], cursor, limit)
    failures = [
        FailureRead(
            source_kind=state.source_kind,
            source_id=state.source_id,
            title=shown_title,
            space_id=space_id,
            error_code=state.error_code,
            error=state.error,
            tries=tries_made or 1,
            parked=parked is not None,
            at=parked or updated_at,
        )
        for state, shown_title, space_id, updated_at, tries_made, parked in rows
    ]
    return failures, next_cursor


def lags(milliseconds: list[float]) -> LagRead:
    """Percentiles of what was measured."""
    if not milliseconds:
        return LagRead()
    ordered = sorted(milliseconds)

    def percentile(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return LagRead(p50=percentile(0.5), p95=percentile(0.95), last=round(milliseconds[-1], 1))


def _events_of_document() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return OutboxEvent.source_kind == _KIND, OutboxEvent.source_id == Document.id
