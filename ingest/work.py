"""A source on its way through the pipeline: what it is now, what is indexed of it, and what becomes of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.models import Chunk, IndexState
from ingest.chunking import Passage
from ingest.sources import Snapshot, SourceKey, of_sources
from ingest.text import ExtractedText
from ingest.types import ParseFailed
from retrieval.placement import targets
from retrieval.vectors import VectorRow

WRITING = "writing:"
"""Begins IndexState.pipeline from the announcement of a write to its commit: `writing:<space id>:<chunks>:<mark>`. The
mark names what is being written, so that writers who are at it together notice each other."""


class Outcome(StrEnum):
    """How a look at a source ended."""

    INDEXED = "indexed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    DELETED = "deleted"
    MOVED_ON = "moved_on"
    """It changed while it was worked on, and will be looked at again."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of a source: its chunks, how many of them were embedded anew, the time of the oldest event that this
    answered, and whether the source was in the indexes before."""

    key: SourceKey
    outcome: Outcome
    chunks: int = 0
    embedded: int = 0
    since: datetime | None = None
    was_indexed: bool = False


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A write that was announced and not committed: vectors of up to `count` chunks may be in `collection`."""

    space_id: str
    count: int
    collection: str | None


@dataclass(frozen=True, slots=True)
class Indexed:
    """What is indexed of a source; `chunks` maps ids to content hashes, `collection` holds their vectors."""

    status: str | None = None
    pipeline: str = ""
    version: int | None = None
    space_id: str | None = None
    title: str | None = None
    collection: str | None = None
    chunks: dict[str, str] = field(default_factory=dict)
    unfinished: Unfinished | None = None


@dataclass(slots=True, eq=False)
class Work:
    """A source on its way through the pipeline."""

    key: SourceKey
    snapshot: Snapshot | None
    indexed: Indexed
    title: str = ""
    unchanged: bool = False
    extracted: ExtractedText | None = None
    text_is_new: bool = False
    passages: list[Passage] = field(default_factory=list)
    failure: ParseFailed | None = None
    collection: str = ""
    embedded: int = 0
    record: str = ""
    """What IndexState.pipeline says until the commit, unless somebody else has been at the source."""

    def __post_init__(self) -> None:
        self.record = self.indexed.pipeline
        if self.snapshot is not None:
            self.title = self.snapshot.title

    @property
    def writes(self) -> bool:
        """Whether the vectors of this source will change."""
        return not self.unchanged and bool(self.passages or self.indexed.chunks or self.indexed.unfinished)

    def chunk_id(self, ordinal: int) -> str:
        """The id of a chunk."""
        return f"{self.key.kind}:{self.key.id}:{ordinal}"

    def chunk_ids(self, count: int) -> set[str]:
        """The ids of the first chunks."""
        return {self.chunk_id(ordinal) for ordinal in range(count)}

    def vector_row(self, ordinal: int, embedding: NDArray[np.float32]) -> VectorRow:
        """A passage's row in the vector store."""
        assert self.snapshot is not None
        return VectorRow(
            self.chunk_id(ordinal), self.snapshot.space_id, self.passages[ordinal].content_sha256, embedding
        )


def writing_record(space_id: str, count: int, snapshot: Snapshot | None = None) -> str:
    """The record of a write of so many chunks: the same for all who write one snapshot, and unlike any other without
    one."""
    mark = hashlib.sha256(repr(snapshot).encode()).hexdigest() if snapshot is not None else uuid4().hex
    return f"{WRITING}{space_id}:{count}:{mark[:12]}"


def unfinished_record(record: str, work: "Work") -> str:
    """The record that a write leaves which was overtaken: its vectors may stand where those of a newer text belong.
    What an unfinished write before it has left is not forgotten."""
    space_id = work.snapshot.space_id if work.snapshot is not None else work.indexed.space_id or ""
    count = max(len(work.passages), len(work.indexed.chunks))
    if record.startswith(WRITING) and _recorded(record)[0] == space_id:
        count = max(count, _recorded(record)[1])
    return writing_record(space_id, count)


def _recorded(record: str) -> tuple[str, int]:
    # Without a mark: announced by a version that had none.
    space_id, count, *_ = record.removeprefix(WRITING).split(":")
    return space_id, int(count)


def read_indexed(session: Session, keys: Sequence[SourceKey], fingerprint: str) -> dict[SourceKey, Indexed]:
    """What is indexed of each source; an empty record where nothing is."""
    if not keys:
        return {}
    chunks: dict[SourceKey, dict[str, str]] = {}
    titles: dict[SourceKey, str] = {}
    rows = session.execute(
        select(Chunk.source_kind, Chunk.source_id, Chunk.id, Chunk.content_sha256, Chunk.title)
        .where(of_sources(Chunk, keys))
        .order_by(Chunk.ordinal)
    )
    for kind, source_id, id_, sha, title in rows:
        key = SourceKey(kind, source_id)
        chunks.setdefault(key, {})[id_] = sha
        titles[key] = title
    collections: dict[str, str | None] = {}

    def collection_of(space_id: str) -> str | None:
        if space_id not in collections:
            found = targets(session, [space_id], fingerprint)
            collections[space_id] = found[0].collection if found else None
        return collections[space_id]

    found: dict[SourceKey, Indexed] = {}
    for state in session.scalars(select(IndexState).where(of_sources(IndexState, keys))):
        unfinished = None
        if state.pipeline.startswith(WRITING):
            space_id, count = _recorded(state.pipeline)
            unfinished = Unfinished(space_id, count, collection_of(space_id))
        key = SourceKey(state.source_kind, state.source_id)
        found[key] = Indexed(
            state.status,
            state.pipeline,
            state.indexed_version,
            state.space_id,
            titles.get(key),
            collection_of(state.space_id),
            chunks.get(key, {}),
            unfinished,
        )
    return {key: found.get(key) or Indexed(chunks=chunks.get(key, {})) for key in keys}
