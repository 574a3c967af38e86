"""The last phase of the pipeline: what is written, in which order, so that a crash at any point is made good by looking
at the source again.

1. `announce`: the source is marked as being written, with the space and the number of its chunks. Should the process
   die from here on, the next look does not take the index for current, whatever the versions say, and knows which
   vectors may be there that no chunk of the database accounts for.
2. Vectors are written, then those that no chunk will have any more are deleted.
3. `commit`: one transaction brings chunks, text, index state and the acknowledgement of the events, for each source
   that is still as it was read; one that moved on, or whose space was moved to another collection (ingest.promotion),
   is given back to be looked at again.

A writer whose lease ran out (its host stood still, say) may come to its end after another has written the source. It
cannot know what of it stands in the vector store now: it leaves the source unfinished, to be written once more. A
writer that finds the announcement of another in place of its own does the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.infra.metrics import index_step
from core_api.models import Chunk, IndexState, IndexStatus, SpaceIndex, VersionText, utcnow
from core_api.outbox import next_change
from ingest.queue import acknowledge, ensure_waiting, release
from ingest.sources import (
    Snapshot,
    SourceKey,
    count_sources,
    of_sources,
    purge_source,
    read_sources,
    set_found_labels,
    set_found_title,
)
from ingest.work import Landed, Outcome, Work, unfinished_record, writing_record
from retrieval.active_model import is_active
from retrieval.placement import place
from retrieval.vectors import VectorRow, VectorStore


class IndexWriter:
    """Writes what the pipeline made, under one embedding fingerprint. Thread-safe."""

    def __init__(self, database: Database, vectors: VectorStore, fingerprint: str, pipeline: str) -> None:
        self._database = database
        self._vectors = vectors
        self._fingerprint = fingerprint
        self._pipeline = pipeline

    def announce(self, works: Sequence[Work]) -> None:
        """Mark the sources as being written, and find the collections that take their vectors."""
        if not works:
            return
        self._delete_unfinished(works)
        with self._database.transaction() as session:
            for work in works:
                if work.passages and work.snapshot is not None:
                    space_id = work.snapshot.space_id
                    expected = self._expected_chunks(session, space_id, works)
                    work.collection = place(session, space_id, self._fingerprint, expected).collection
                state = _state(session, work)
                if state is not None:
                    space_id = work.snapshot.space_id if work.snapshot is not None else state.space_id
                    work.record = writing_record(space_id, len(work.passages), work.snapshot)
                    state.pipeline = work.record

    def _expected_chunks(self, session: Session, space_id: str, works: Sequence[Work]) -> int:
        """How many chunks a space that is not placed yet will have, by those of its sources that are worked on now; so
        that a big import does not begin in a pool."""
        if session.get(SpaceIndex, (space_id, self._fingerprint)) is not None:
            return 0
        mine = [
            len(work.passages) for work in works if work.snapshot is not None and work.snapshot.space_id == space_id
        ]
        return sum(mine) * count_sources(session, space_id) // len(mine)

    def _delete_unfinished(self, works: Sequence[Work]) -> None:
        """Before the record of an earlier, unfinished write is replaced: delete what it may have left, apart from what
        has a chunk, and from what this write will use or replace."""
        gone: dict[str, list[str]] = {}
        for work in works:
            unfinished = work.indexed.unfinished
            if unfinished is None or unfinished.collection is None:
                continue
            kept: set[str] = set()
            if unfinished.collection == work.indexed.collection:
                kept |= set(work.indexed.chunks)
            if work.snapshot is not None and work.snapshot.space_id == unfinished.space_id:
                kept |= work.chunk_ids(len(work.passages))
            gone.setdefault(unfinished.collection, []).extend(work.chunk_ids(unfinished.count) - kept)
        for collection, ids in gone.items():
            self._vectors.delete(collection, ids)

    def write_vectors(self, work: Work, rows: Sequence[VectorRow]) -> None:
        """Write vectors of a source."""
        if rows:
            self._vectors.upsert(work.collection, rows)

    def delete_left_over(self, works: Iterable[Work]) -> None:
        """Delete the vectors that no chunk of their source will have any more."""
        gone: dict[str, list[str]] = {}
        for work in works:
            if work.indexed.collection is None:
                continue
            kept = work.chunk_ids(len(work.passages)) if work.indexed.collection == work.collection else set()
            gone.setdefault(work.indexed.collection, []).extend(set(work.indexed.chunks) - kept)
        for collection, ids in gone.items():
            self._vectors.delete(collection, ids)

    @index_step("commit")
    def commit(self, works: Sequence[Work]) -> list[Landed]:
        """Write all that is still true in one transaction; gives what became of each source, in order."""
        landed: dict[SourceKey, Outcome] = {}
        with self._database.transaction() as session:
            now = read_sources(session, [work.key for work in works], lock=True)
            current = is_active(session, self._fingerprint)  # else search reads the vectors of another model by now
            placed = self._places(session, works)
            records = _lock_records(session, works)
            for work in works:
                is_true, record = current and now.get(work.key) == work.snapshot, records.get(work.key, "")
                if is_true and work.writes and record == self._pipeline:
                    landed[work.key] = Outcome.UNCHANGED  # another, at it at the same time, has committed the same
                elif (
                    is_true
                    and record == work.record
                    and (not _was_moved(work, placed) or self._take_along(work, placed))
                ):
                    landed[work.key] = self._land(session, work)
                else:
                    landed[work.key] = Outcome.MOVED_ON
                    if work.writes and work.key in records:
                        session.get_one(IndexState, tuple(work.key)).pipeline = unfinished_record(record, work)
            session.flush()
            # The rows are locked, so every event that can be seen here was answered by what is written here.
            since = acknowledge(session, [key for key, outcome in landed.items() if outcome != Outcome.MOVED_ON])
            moved = [key for key, outcome in landed.items() if outcome == Outcome.MOVED_ON]
            if moved:
                release(session, moved)
                ensure_waiting(session, moved)
        return [
            Landed(
                work.key,
                landed[work.key],
                len(work.indexed.chunks if work.unchanged else work.passages),
                work.embedded,
                since.get(work.key),
                work.indexed.status == IndexStatus.INDEXED,
            )
            for work in works
        ]

    def _places(self, session: Session, works: Sequence[Work]) -> dict[str, str]:
        """The collections of all spaces that the works have to do with, as they stay until the transaction ends."""
        spaces = {space_id for work in works for space_id, _ in _where(work)}
        if not spaces:
            return {}
        rows = session.execute(
            select(SpaceIndex.space_id, SpaceIndex.collection)
            .where(SpaceIndex.fingerprint == self._fingerprint, SpaceIndex.space_id.in_(spaces))
            .with_for_update(read=True)
        )
        return {row.space_id: row.collection for row in rows}

    def _take_along(self, work: Work, placed: dict[str, str]) -> bool:
        """Copy the vectors of a new source to where its space has moved since they were written, so that they need not
        be embedded again (a space that is imported moves in the middle of it); gives whether all are there."""
        if (
            work.snapshot is None
            or work.indexed.chunks
            or {space for space, _ in _where(work)} != {work.snapshot.space_id}
        ):
            return False
        written = self._vectors.get(work.collection, sorted(work.chunk_ids(len(work.passages))))
        if len(written) != len(work.passages):
            return False
        self._vectors.upsert(placed[work.snapshot.space_id], list(written.values()))
        return True

    def _land(self, session: Session, work: Work) -> Outcome:
        if work.unchanged:
            return Outcome.UNCHANGED
        if work.snapshot is None or work.snapshot.deleted:
            self._forget(session, work)
            return Outcome.DELETED
        state = _state(session, work)
        assert state is not None
        if work.indexed.chunks or work.passages:
            state.change_seq = next_change(session)
        self._replace_chunks(session, work, state)
        state.space_id = work.snapshot.space_id
        state.chunk_count = len(work.passages)
        state.pipeline = self._pipeline
        if work.failure is not None:
            # The version that cannot be read is the current one. The text of the one before it is not what the document
            # says now, so it is not served any more.
            state.status, state.indexed_version, state.indexed_at = IndexStatus.FAILED, None, None
            state.error_code, state.error = work.failure.reason, work.failure.detail
            return Outcome.FAILED
        if work.text_is_new and work.extracted is not None:
            session.merge(
                VersionText(
                    version_id=work.snapshot.content.version_id,
                    text=work.extracted.text,
                    blocks=work.extracted.blocks_json(),
                    parser=work.extracted.parser,
                )
            )
            set_found_labels(session, work.key, work.extracted.tags, work.extracted.category)
        if work.title != work.snapshot.title:
            set_found_title(session, work.key, work.title)
        state.status, state.indexed_version, state.indexed_at = IndexStatus.INDEXED, work.snapshot.version, utcnow()
        state.error_code = state.error = None
        return Outcome.INDEXED

    def _forget(self, session: Session, work: Work) -> None:
        """Take a deleted source out; its index state stays, to tell the keyword replicas."""
        state = _state(session, work)
        session.execute(delete(Chunk).where(of_sources(Chunk, [work.key])))
        if state is not None:
            state.pipeline = self._pipeline
        if state is not None and state.status != IndexStatus.DELETED:
            state.status, state.chunk_count, state.indexed_version = IndexStatus.DELETED, 0, None
            state.error_code, state.error = None, None
            state.change_seq = next_change(session)
        purge_source(session, work.key)

    def _replace_chunks(self, session: Session, work: Work, state: IndexState) -> None:
        assert work.snapshot is not None
        # Another writer may have committed between our look and our announcement.
        if work.indexed.chunks or state.chunk_count:
            session.execute(delete(Chunk).where(of_sources(Chunk, [work.key])))
        if work.passages:
            session.execute(insert(Chunk), [_row(work, work.snapshot, i) for i in range(len(work.passages))])


def _where(work: Work) -> Iterator[tuple[str, str]]:
    """(space, collection) of the vectors that a work has written or removed."""
    if not work.writes:
        return
    if work.collection and work.snapshot is not None:
        yield work.snapshot.space_id, work.collection
    if work.indexed.collection is not None and work.indexed.space_id is not None:
        yield work.indexed.space_id, work.indexed.collection


def _was_moved(work: Work, placed: dict[str, str]) -> bool:
    """Whether a space was given another collection after the work had found the one before."""
    return any(placed.get(space_id) != collection for space_id, collection in _where(work))


def _row(work: Work, snapshot: Snapshot, ordinal: int) -> dict[str, Any]:
    passage = work.passages[ordinal]
    return {
        "id": work.chunk_id(ordinal),
        "space_id": snapshot.space_id,
        "source_kind": work.key.kind,
        "source_id": work.key.id,
        "version": snapshot.version,
        "ordinal": ordinal,
        "title": work.title,
        "heading": passage.heading,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "page": passage.page,
        "language": passage.language,
        "content_sha256": passage.content_sha256,
    }


def _lock_records(session: Session, works: Sequence[Work]) -> dict[SourceKey, str]:
    """What the index states of these sources say now; nobody announces a write of them until the transaction ends."""
    rows = session.scalars(
        select(IndexState)
        .where(of_sources(IndexState, [work.key for work in works]))
        .order_by(IndexState.source_kind, IndexState.source_id)
        .with_for_update()
    )
    return {SourceKey(state.source_kind, state.source_id): state.pipeline for state in rows}


def _state(session: Session, work: Work) -> IndexState | None:
    """The source's index state, made when there is none; None for a source that neither exists nor was indexed."""
    state = session.get(IndexState, tuple(work.key))
    if state is None and work.snapshot is not None:
        state = IndexState(
            source_kind=work.key.kind,
            source_id=work.key.id,
            space_id=work.snapshot.space_id,
            status=IndexStatus.PENDING,
            chunk_count=0,
            pipeline="",
            change_seq=0,
        )
        session.add(state)
    return state
