"""Compares the database with its indexes, repairs what differs, and says what it found.

The repair is nearly always the same: mark the source as not current and let the pipeline look at it again. Only what
no source accounts for is removed here.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.infra.storage import FileStore
from core_api.models import Chunk, IndexModel, IndexState, IndexStatus, OutboxEvent, SpaceIndex, utcnow
from core_api.outbox import request_index
from ingest.promotion import GRACE_SECONDS, Promoter
from ingest.queue import unpark
from ingest.sources import SourceHead, SourceKey, all_sources, stored_files
from ingest.work import WRITING
from retrieval.keywords import KeywordIndex
from retrieval.placement import lock_placement
from retrieval.vectors import VectorStore

_FILE_AGE_SECONDS = 3600.0  # a younger file may belong to an upload that is not committed yet
_LEASE_FOR_REPAIR = timedelta(minutes=2)
_OUR_COLLECTIONS = ("space-", "pool-")


@dataclass(slots=True)
class Report:
    """What was compared, what was wrong, and what was done about it (each is a count)."""

    sources: int = 0
    chunks: int = 0
    vectors: int = 0
    waiting: int = 0
    """Sources that are being indexed anyway; they were not compared."""
    never_indexed: int = 0
    stale: int = 0
    """Sources indexed at another version, in another space, or with another pipeline."""
    not_deleted: int = 0
    """Sources that are deleted or gone, but still indexed."""
    wrong_chunks: int = 0
    """Sources whose chunks are not those that were written."""
    missing_vectors: int = 0
    wrong_vectors: int = 0
    orphan_vectors: int = 0
    orphan_collections: int = 0
    left_behind: int = 0
    """Vectors in a pool of spaces that have a collection of their own by now."""
    promoted: int = 0
    """Spaces that were given a collection of their own."""
    missing_files: int = 0
    unused_files: int = 0
    keywords_rebuilt: bool = False
    requeued: int = 0
    """Sources that the pipeline looks at again because of this."""

    @property
    def consistent(self) -> bool:
        """Whether nothing was wrong."""
        return not (
            self.never_indexed
            or self.stale
            or self.not_deleted
            or self.wrong_chunks
            or self.missing_vectors
            or self.wrong_vectors
            or self.orphan_vectors
            or self.orphan_collections
            or self.left_behind
            or self.missing_files
            or self.keywords_rebuilt
        )


class Reconciler:
    """Compares and repairs, for one pipeline and embedding fingerprint."""

    def __init__(
        self,
        database: Database,
        vectors: VectorStore,
        keywords: KeywordIndex | None,
        files: FileStore,
        *,
        pipeline: str,
        fingerprint: str,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._database = database
        self._vectors = vectors
        self._keywords = keywords
        self._files = files
        self._pipeline = pipeline
        self._fingerprint = fingerprint
        self._promoter = Promoter(database, vectors, fingerprint, grace_seconds)

    def run(self) -> Report:
        """Do it once. Sources that wait for the pipeline are left to it."""
        report = Report()
        again: set[SourceKey] = set()
        with self._database.reading() as session:
            waiting = _waiting(session)
            self._compare_sources(session, waiting, again, report)
        self._compare_vectors(waiting, again, report)
        with self._database.transaction() as session:
            report.requeued = look_again(session, again)
        self._drop_unknown_collections(report, settled=not again and not waiting)
        self._compare_keywords(report, settled=not again and not waiting)
        report.promoted = self._promoter.run(threading.Event())
        report.waiting = len(waiting)
        self._compare_files(report)  # last: where the storage is away, the indexes are repaired all the same
        return report

    def _compare_sources(
        self, session: Session, waiting: set[SourceKey], again: set[SourceKey], report: Report
    ) -> None:
        states = {SourceKey(state.source_kind, state.source_id): state for state in session.scalars(select(IndexState))}
        counts = {
            SourceKey(kind, source_id): count
            for kind, source_id, count in session.execute(
                select(Chunk.source_kind, Chunk.source_id, func.count()).group_by(Chunk.source_kind, Chunk.source_id)
            )
        }
        report.chunks = sum(counts.values())
        known: set[SourceKey] = set()
        for source in all_sources(session):
            report.sources += 1
            known.add(source.key)
            if source.key in waiting:
                continue
            problem = self._problem(source, states.get(source.key), counts.get(source.key, 0))
            if problem is not None:
                setattr(report, problem, getattr(report, problem) + 1)
                again.add(source.key)
        gone = {key for key, state in states.items() if state.status != IndexStatus.DELETED} | set(counts)
        for key in gone - known - waiting:
            report.not_deleted += 1
            again.add(key)

    def _problem(self, source: SourceHead, state: IndexState | None, chunks: int) -> str | None:
        if source.deleted:
            return "not_deleted"
        if state is None or state.status == IndexStatus.PENDING:
            return "never_indexed"
        if state.status == IndexStatus.FAILED:
            return "wrong_chunks" if chunks and not state.chunk_count else None
        found = (state.status, state.indexed_version, state.space_id, state.pipeline)
        if found != (IndexStatus.INDEXED, source.version, source.space_id, self._pipeline):
            return "stale"
        return "wrong_chunks" if chunks != state.chunk_count else None

    def _compare_vectors(self, waiting: set[SourceKey], again: set[SourceKey], report: Report) -> None:
        with self._database.reading() as session:
            placed = session.execute(
                select(SpaceIndex.collection, SpaceIndex.space_id).where(SpaceIndex.fingerprint == self._fingerprint)
            ).all()
        spaces: dict[str, list[str]] = defaultdict(list)
        collection_of: dict[str, str] = {}
        for collection, space_id in placed:
            spaces[collection].append(space_id)
            collection_of[space_id] = collection
        for collection, space_ids in spaces.items():
            expected: dict[str, tuple[str, str]] = {}
            with self._database.reading() as session:
                rows = session.execute(
                    select(Chunk.id, Chunk.space_id, Chunk.content_sha256).where(Chunk.space_id.in_(space_ids))
                )
                for id_, space_id, sha in rows:
                    if source_of(id_) not in waiting:
                        expected[id_] = (space_id, sha)
            orphans: list[str] = []
            moved_away: set[str] = set()
            for id_, space_id, sha in self._vectors.ids(collection):
                report.vectors += 1
                if collection_of.get(space_id, collection) != collection:
                    moved_away.add(space_id)
                    continue
                wanted = expected.pop(id_, None)
                if wanted is None:
                    if source_of(id_) not in waiting:
                        orphans.append(id_)
                elif wanted != (space_id, sha):
                    report.wrong_vectors += 1
                    again.add(source_of(id_))
            report.missing_vectors += len(expected)
            again.update(source_of(id_) for id_ in expected)
            report.orphan_vectors += self._delete_orphans(collection, space_ids, orphans)
            # Nobody asks this collection for these spaces, and whoever still writes them here will look again.
            report.left_behind += sum(self._vectors.delete_space(collection, space_id) for space_id in moved_away)

    def _delete_orphans(self, collection: str, space_ids: Sequence[str], ids: Sequence[str]) -> int:
        """Delete vectors that have no chunk. Their sources are leased meanwhile, so that the pipeline does not write
        what is deleted here; afterwards it looks at them again."""
        if not ids:
            return 0
        now = utcnow()
        by_source: dict[SourceKey, list[str]] = defaultdict(list)
        for id_ in ids:
            by_source[source_of(id_)].append(id_)
        with self._database.transaction() as session:
            busy = _waiting(session)
            mine = [key for key in by_source if key not in busy]
            if not mine:
                return 0
            leases = list(
                session.scalars(
                    insert(OutboxEvent).returning(OutboxEvent.id),
                    [
                        {"source_kind": key.kind, "source_id": key.id, "leased_until": now + _LEASE_FOR_REPAIR}
                        for key in mine
                    ],
                )
            )
            candidates = [id_ for key in mine for id_ in by_source[key]]
            alive: set[str] = set()
            for start in range(0, len(candidates), 500):
                part = candidates[start : start + 500]
                alive.update(session.scalars(select(Chunk.id).where(Chunk.id.in_(part), Chunk.space_id.in_(space_ids))))
        doomed = [id_ for id_ in candidates if id_ not in alive]
        try:
            self._vectors.delete(collection, doomed)
        finally:
            with self._database.transaction() as session:
                for start in range(0, len(leases), 500):
                    session.execute(delete(OutboxEvent).where(OutboxEvent.id.in_(leases[start : start + 500])))
                for key in mine:
                    request_index(session, key.kind, key.id)
        return len(doomed)

    def _drop_unknown_collections(self, report: Report, *, settled: bool) -> None:
        # Collections first: a collection is made after its row is committed, or beside the one that its space has.
        names = [name for name in self._vectors.collections() if name.startswith(_OUR_COLLECTIONS)]
        with self._database.transaction() as session:
            if settled:
                # Everything is indexed under this fingerprint; what older models made is not needed any more.
                # Those of a change of the model are: it builds, or keeps, them.
                kept = select(IndexModel.fingerprint)
                session.execute(
                    delete(SpaceIndex).where(
                        SpaceIndex.fingerprint != self._fingerprint, SpaceIndex.fingerprint.not_in(kept)
                    )
                )
            placed = set(session.scalars(select(SpaceIndex.collection)))
        for name in names:
            if name not in placed:
                report.orphan_collections += self._drop_if_unknown(name)

    def _drop_if_unknown(self, name: str) -> bool:
        # A promotion makes its collection known in a transaction that first looks whether it is complete. It is kept
        # out while one is dropped, so that it never makes known what is gone.
        with self._database.transaction() as session:
            lock_placement(session)
            if session.scalar(select(exists().where(SpaceIndex.collection == name))):
                return False
            self._vectors.drop(name)
            return True

    def _compare_files(self, report: Report) -> None:
        stored = self._files.stored()
        with self._database.reading() as session:
            wanted = stored_files(session)
        report.missing_files = len(wanted - stored)
        for sha256 in stored - wanted:
            put_at = self._files.put_at(sha256)  # now, not when they were listed: it may have been put again
            if put_at is not None and time.time() - put_at > _FILE_AGE_SECONDS:
                self._files.delete(sha256)
                report.unused_files += 1

    def _compare_keywords(self, report: Report, *, settled: bool) -> None:
        """A keyword replica cannot fall behind for good (it follows a sequence); a damaged one is built anew."""
        if self._keywords is None:
            return
        self._keywords.catch_up(self._database)
        if not settled:
            return
        with self._database.reading() as session:
            chunks = session.scalar(select(func.count(Chunk.id))) or 0
        if len(self._keywords) != chunks:
            self._keywords.rebuild()
            self._keywords.catch_up(self._database)
            report.keywords_rebuilt = True


def source_of(chunk_id: str) -> SourceKey:
    """The source of a chunk, by the chunk's id (`kind:source_id:ordinal`)."""
    kind, source_id, *_ = f"{chunk_id}::".split(":")
    return SourceKey(kind, source_id)


def look_again(session: Session, keys: Iterable[SourceKey]) -> int:
    """Mark sources as not current and have them looked at again; gives how many they are."""
    count = 0
    for key in keys:
        session.execute(
            update(IndexState)
            .where(
                IndexState.source_kind == key.kind,
                IndexState.source_id == key.id,
                # The record of an unfinished write says "not current" already, and more.
                IndexState.pipeline.not_like(f"{WRITING}%"),
            )
            .values(pipeline="")
        )
        request_index(session, key.kind, key.id)
        count += 1
    return count


def reindex(session: Session, space_id: str | None = None) -> int:
    """Have everything (of a space) read, cut and compared again. Embeddings of unchanged content are kept; gives how
    many sources that are."""
    return look_again(session, [source.key for source in all_sources(session, space_id)])


def retry(session: Session, key: SourceKey | None = None) -> int:
    """Try failed and parked sources (or one) again; gives how many they are."""
    statement = select(IndexState.source_kind, IndexState.source_id).where(IndexState.status == IndexStatus.FAILED)
    parked = select(OutboxEvent.source_kind, OutboxEvent.source_id).where(OutboxEvent.parked_at.is_not(None))
    keys = {
        SourceKey(kind, source_id)
        for kind, source_id in [*session.execute(statement), *session.execute(parked)]
        if key is None or key == (kind, source_id)
    }
    unpark(session, key)
    return look_again(session, keys)


def _waiting(session: Session) -> set[SourceKey]:
    """Sources that the pipeline is going to look at, or is looking at now. Parked ones that are not."""
    rows = session.execute(
        select(OutboxEvent.source_kind, OutboxEvent.source_id)
        .where(or_(OutboxEvent.parked_at.is_(None), OutboxEvent.leased_until.is_not(None)))
        .distinct()
    )
    return {SourceKey(kind, source_id) for kind, source_id in rows}
