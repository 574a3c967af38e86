"""Which embedding model search uses, and the change to another."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified, utcnow


class IndexModel(Identified, Base):
    """An embedding model that the index is, or was, made with. One that is not active follows the chunks by their
    change sequence: its vectors are those of all chunks up to `position`."""

    __tablename__ = "index_models"

    model: Mapped[str] = mapped_column(String(500))
    revision: Mapped[str | None] = mapped_column(String(200))
    precision: Mapped[str] = mapped_column(String(8))
    # At the endpoint of the settings, instead of in this process.
    endpoint: Mapped[bool] = mapped_column(default=False)
    languages: Mapped[list[str]] = mapped_column(JSON, default=list)
    name: Mapped[str] = mapped_column(String(500))
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    dimensions: Mapped[int]
    position: Mapped[int] = mapped_column(default=0)


class ChangeState(StrEnum):
    """How far a change of the embedding model has come."""

    BUILDING = "building"
    READY = "ready"
    FAILED = "failed"
    ACTIVE = "active"
    ROLLED_BACK = "rolled_back"


class ModelChange(Identified, Base):
    """A change from one embedding model to another."""

    __tablename__ = "model_changes"

    model_id: Mapped[str] = mapped_column(ForeignKey("index_models.id"))
    previous_id: Mapped[str] = mapped_column(ForeignKey("index_models.id"))
    state: Mapped[str] = mapped_column(String(16), default=ChangeState.BUILDING)
    # Of the time, on one core; 1: all cores.
    share: Mapped[float]
    # The last change to the index when it began: up to there it is built, at its share of the time.
    build_to: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    # Chunks a second, lately.
    rate: Mapped[float | None]
    gate: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    error: Mapped[str | None] = mapped_column(Text)
    # The process that builds, and until when it is taken to be alive.
    builder: Mapped[str | None] = mapped_column(String(36))
    leased_until: Mapped[datetime | None]
    # A flip, or a rollback, waits for the last changes: until then nothing is indexed.
    turning_until: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    flipped_at: Mapped[datetime | None]


class ActiveModel(Base):
    """The one row (id 1) that says which model search uses, and which change there is. `model_id` is empty until the
    first start, which takes the model of the settings."""

    __tablename__ = "active_model"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model_id: Mapped[str | None] = mapped_column(ForeignKey("index_models.id"))
    change_id: Mapped[str | None] = mapped_column(ForeignKey("model_changes.id"))


class ModelSource(Base):
    """What the collections of a model that is not active hold of a source: so many chunks, in this space's."""

    __tablename__ = "model_sources"

    model_id: Mapped[str] = mapped_column(ForeignKey("index_models.id", ondelete="CASCADE"), primary_key=True)
    source_kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    source_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    space_id: Mapped[str] = mapped_column(String(36))
    chunk_count: Mapped[int]
