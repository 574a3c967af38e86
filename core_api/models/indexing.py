"""The index's own bookkeeping: chunks, what is indexed, what waits, and where vectors live."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, false
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, utcnow


class Chunk(Base):
    """A passage of a source, as it is embedded and searched. Id: `kind:source_id:ordinal`."""

    __tablename__ = "chunks"
    __table_args__ = (Index("ix_chunks_source", "source_kind", "source_id", "ordinal"),)

    id: Mapped[str] = mapped_column(String(96), primary_key=True)
    space_id: Mapped[str] = mapped_column(ForeignKey("spaces.id"), index=True)
    source_kind: Mapped[str] = mapped_column(String(32))
    source_id: Mapped[str] = mapped_column(String(36))
    version: Mapped[int]
    ordinal: Mapped[int]
    title: Mapped[str] = mapped_column(String(500))
    heading: Mapped[str] = mapped_column(String(1000), default="")
    text: Mapped[str] = mapped_column(Text)
    start: Mapped[int]
    end: Mapped[int]
    page: Mapped[int | None]
    language: Mapped[str] = mapped_column(String(8))
    content_sha256: Mapped[str] = mapped_column(String(64))


class IndexStatus(StrEnum):
    """How far a source has come on its way into the indexes."""

    PENDING = "pending"
    INDEXED = "indexed"
    FAILED = "failed"
    DELETED = "deleted"


class IndexState(Base):
    """One row per source: what of it is indexed, and what went wrong."""

    __tablename__ = "index_state"

    source_kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    source_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    space_id: Mapped[str] = mapped_column(String(36), index=True)
    status: Mapped[str] = mapped_column(String(16), default=IndexStatus.PENDING, index=True)
    indexed_version: Mapped[int | None]
    chunk_count: Mapped[int] = mapped_column(default=0)
    pipeline: Mapped[str] = mapped_column(String(128), default="")
    error_code: Mapped[str | None] = mapped_column(String(64))
    error: Mapped[str | None] = mapped_column(Text)
    indexed_at: Mapped[datetime | None]
    # Position in the order of commits; keyword replicas follow it (0: never indexed).
    change_seq: Mapped[int] = mapped_column(default=0, index=True)


class ChangeSequence(Base):
    """The last change sequence given out; its row lock makes the order of numbers the order of commits."""

    __tablename__ = "change_sequence"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[int] = mapped_column(default=0)


class OutboxEvent(Base):
    """ "Look at this source again." Written in the transaction that changed the source."""

    __tablename__ = "outbox_events"
    __table_args__ = (Index("ix_outbox_events_edit", "edit", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    source_kind: Mapped[str] = mapped_column(String(32))
    source_id: Mapped[str] = mapped_column(String(36), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    available_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    # Spaces take turns, and what was there before it changed comes first: somebody waits for it.
    space_id: Mapped[str | None] = mapped_column(String(36))
    edit: Mapped[bool] = mapped_column(default=False, server_default=false())
    leased_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    parked_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    # The span of the change (W3C Trace Context), so that its indexing is seen in the same trace.
    traceparent: Mapped[str | None] = mapped_column(String(55))


class SpaceIndex(Base):
    """Which Chroma collection holds a space's vectors under an embedding fingerprint."""

    __tablename__ = "space_index"

    space_id: Mapped[str] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    collection: Mapped[str] = mapped_column(String(128), index=True)
    pooled: Mapped[bool]
