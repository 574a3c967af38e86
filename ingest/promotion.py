"""Promotion: a space that has outgrown its pool gets a collection of its own (or, where many small ones have grown, a
place in another pool), while it is searched and written to.

Its vectors are copied beside, then one transaction looks whether the copy is what the database says now, copies what
came since, and turns the pointer (`space_index`); after that, when no search can still be asking the pool for the
space, they are removed from there.

A crash before the turn leaves a collection that nobody knows, and one after it leaves vectors that nobody asks for:
reconciling removes both, and promotion begins anew. A writer that found the old place before the turn is told at its
commit that the source has moved on, and looks again (ingest.writer).
"""

import logging
import threading

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.models import Chunk, SpaceIndex
from retrieval.active_model import is_active
from retrieval.placement import lock_placement, next_home, outgrown
from retrieval.vectors import VectorStore

logger = logging.getLogger(__name__)

GRACE_SECONDS = 10.0
"""No search takes as long from finding out where to look until it has looked."""

_COPIED_IN_THE_TURN = 500
_ROUNDS = 20


class Promoter:
    """Promotes spaces of one embedding fingerprint. Several at a time do no harm: only one turns the pointer."""

    def __init__(
        self, database: Database, vectors: VectorStore, fingerprint: str, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self._database = database
        self._vectors = vectors
        self._fingerprint = fingerprint
        self._grace_seconds = grace_seconds

    def run(self, stopping: threading.Event) -> int:
        """Promote every space that has grown enough, until a stop is asked for; gives how many they were."""
        with self._database.reading() as session:
            due = outgrown(session, self._fingerprint)
        return sum(self.promote(space_id, stopping) for space_id in due if not stopping.is_set())

    def promote(self, space_id: str, stopping: threading.Event) -> bool:
        """Give a space in a pool its new place; whether that was done. A stop that is asked for while old
        entries wait to be removed leaves them to reconciling."""
        with self._database.reading() as session:
            placed = session.get(SpaceIndex, (space_id, self._fingerprint))
            if placed is None or not placed.pooled:
                return False
            pool = placed.collection
            home, pooled = next_home(session, space_id, self._fingerprint)
        if home == pool:
            return False
        copied: dict[str, str] = {}
        for _ in range(_ROUNDS):
            with self._database.reading() as session:
                wanted = _chunks(session, space_id)
            self._copy(pool, home, copied, wanted)
            if (turned := self._turn(space_id, pool, home, pooled, copied)) is not None:
                break
        else:
            turned = False
        if not turned:
            self._vectors.delete_space(home, space_id)  # if it is empty then, reconciling drops it
            return False
        logger.info("space %s is in %s now: %d chunks", space_id, home, len(copied))
        if not stopping.wait(self._grace_seconds):
            self._vectors.delete_space(pool, space_id)
        return True

    def _copy(self, pool: str, home: str, copied: dict[str, str], wanted: dict[str, str]) -> None:
        """Make the copy what is wanted; `copied` maps ids to the content hashes that were wanted then."""
        gone = [id_ for id_ in copied if id_ not in wanted]
        self._vectors.delete(home, gone)
        for id_ in gone:
            del copied[id_]
        missing = {id_: sha for id_, sha in wanted.items() if copied.get(id_) != sha}
        # One whose vector belongs to another text is being written: its writer will look again.
        self._vectors.upsert(home, list(self._vectors.get(pool, list(missing)).values()))
        copied.update(missing)

    def _turn(self, space_id: str, pool: str, home: str, pooled: bool, copied: dict[str, str]) -> bool | None:
        """Turn the pointer to the copy; None: too much has changed meanwhile, False: it cannot be done any more."""
        with self._database.transaction() as session:
            if not is_active(session, self._fingerprint):
                return False  # its vectors follow the chunks by now (ingest.model_follower), which looks once where to
            lock_placement(session)
            placed = session.get(SpaceIndex, (space_id, self._fingerprint), with_for_update=True)
            if placed is None or not placed.pooled or placed.collection != pool:
                return False
            wanted = _chunks(session, space_id)
            if len(wanted.items() ^ copied.items()) > _COPIED_IN_THE_TURN:
                return None
            self._copy(pool, home, copied, wanted)
            there = self._vectors.get(home, list(wanted))
            if len(there) < len(self._vectors.get(pool, list(wanted))):
                return False  # somebody took it for a collection that nobody needs
            placed.collection, placed.pooled = home, pooled
            return True


def _chunks(session: Session, space_id: str) -> dict[str, str]:
    """The content hashes of a space's chunks, by their ids."""
    rows = session.execute(select(Chunk.id, Chunk.content_sha256).where(Chunk.space_id == space_id))
    return {row.id: row.content_sha256 for row in rows}
