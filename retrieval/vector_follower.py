"""What a process holds of a Chroma server's vectors, kept as the workers write them.

A worker writes vectors first and commits the chunks that they belong to afterwards, with the source's next number in
the order of changes. So whoever reads the vectors of every source whose number is new has all of them; as the keyword
replica does it (retrieval.keywords.replica), and woken by it. Where a space lives may change without a number
(ingest.promotion): each search asks for the collection that the database names, which is read when it is not held.
"""

import threading
from collections import defaultdict
from collections.abc import Collection, Sequence

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.models import Chunk, SpaceIndex
from core_api.outbox import changed_since, last_change
from retrieval.id_lists import bound, one_of
from retrieval.keywords import KeywordIndex, source_term
from retrieval.loading import Spaces
from retrieval.vectors import VectorStore

log = structlog.get_logger()

_BATCH_SOURCES = 200
_LOOK_SECONDS = 1.0


class VectorFollower:
    """Follows the database with the vectors that a store holds, on a thread until `close`."""

    def __init__(self, database: Database, vectors: VectorStore, keywords: KeywordIndex, most_bytes: int) -> None:
        self._database = database
        self._vectors = vectors
        self._keywords = keywords
        self._most_bytes = most_bytes
        self._position: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="vector-follower", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def catch_up(self) -> int:
        """Take over every change that has not been; gives the number of sources. The first time, begin to hold."""
        if self._position is None:
            with self._database.reading() as session:
                self._position = last_change(session)
            self._vectors.hold_followed(self._most_bytes, self._ids_of)
        done = 0
        while True:
            with self._database.reading() as session:
                last = last_change(session)
                if self._position > last:
                    log.warning("held_vectors_dropped", reason="they are ahead of their database")
                    self._vectors.hold_nothing()
                    self._position = last
                states = changed_since(session, self._position, _BATCH_SOURCES) if last > self._position else ()
                if not states:
                    return done
                spaces = {source_term(row.source_kind, row.source_id): row.space_id for row in states}
                ids = _ids_by_source(session, {row.source_id for row in states})
                places = _places(session, set(spaces.values()))
            self._vectors.refresh({source: (space, ids[source]) for source, space in spaces.items()}, places)
            self._position = states[-1].change_seq
            done += len(states)

    def _ids_of(self, collection: str, spaces: Spaces) -> dict[str, list[str]]:
        with self._database.reading() as session:
            placed: Sequence[str] = session.scalars(
                select(SpaceIndex.space_id).where(SpaceIndex.collection == collection)
            ).all()
            found: dict[str, list[str]] = {space_id: [] for space_id in placed if spaces is None or space_id in spaces}
            rows = session.execute(select(Chunk.id, Chunk.space_id).where(one_of(Chunk.space_id)), bound(sorted(found)))
            for id_, space_id in rows:
                found[space_id].append(id_)
        return found

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                self.catch_up()
                self._keywords.wait_for((self._position or 0) + 1, _LOOK_SECONDS)
            except Exception:  # the thread must outlive a database or a Chroma server that is away
                log.warning("held_vectors_behind", position=self._position, exc_info=True)
                self._stop.wait(_LOOK_SECONDS)


def _ids_by_source(session: Session, source_ids: Collection[str]) -> dict[str, list[str]]:
    """The chunks of each source, by its term; a source without any has an empty list."""
    found: dict[str, list[str]] = defaultdict(list)
    chunks = select(Chunk.id, Chunk.source_kind, Chunk.source_id).where(one_of(Chunk.source_id))
    for id_, kind, source_id in session.execute(chunks, bound(sorted(source_ids))):
        found[source_term(kind, source_id)].append(id_)
    return found


def _places(session: Session, space_ids: Collection[str]) -> dict[str, list[str]]:
    """The collections of each space, of all embedding models."""
    found: dict[str, list[str]] = {space_id: [] for space_id in space_ids}
    placed = select(SpaceIndex.space_id, SpaceIndex.collection).where(one_of(SpaceIndex.space_id))
    for space_id, collection in session.execute(placed, bound(sorted(space_ids))):
        found[space_id].append(collection)
    return found
