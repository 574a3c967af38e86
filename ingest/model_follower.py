"""Keeps the vectors of the embedding model that is not active up to date: it builds those of a new model, and after the
flip keeps those of the one before.

It follows the chunks by their change sequence, as the keyword replicas do: beginning at 0 it builds everything, and
from then on it takes over each edit, move and deletion. The pipeline knows nothing of it. Where it has come to is in
the database, so that after a kill it goes on from there; what was written beyond is found in the collections.
"""

import threading
from collections.abc import Callable
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.infra.errors import NexusError, Unavailable
from core_api.models import ChangeState, IndexState, ModelChange, new_id
from ingest.model_change import FOLLOWED, standing
from ingest.model_vectors import ModelVectors
from ingest.model_work import ChangeWork, Stopped, release_lease, take_lease
from ingest.sources import SourceKey
from retrieval.engine import RetrievalEngine

log = structlog.get_logger()

Gate = Callable[[Database, RetrievalEngine, RetrievalEngine, Callable[[], None]], dict[str, Any]]
"""Compares search by the model in use with search by the new one; `passed` and `says` are in its report. The last
argument is called between questions, and raises when the comparison is not wanted any more."""

_SOURCES, _CHUNKS = 50, 400
"""Taken at a time."""
_LOOK_SECONDS = 1.0
_VERIFY_ROUNDS = 3
_RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""After an error; one that nobody foresaw ends the building when it has come as often."""


class ModelFollower:
    """One thread. In several processes only one works on a change: whoever holds its lease."""

    def __init__(self, database: Database, engine: RetrievalEngine, *, alone: bool, gate: Gate | None = None) -> None:
        """`alone`: no other process works on this database, so a lease at the start is dead."""
        self._database = database
        self._engine = engine
        self._gate = gate
        self._name = new_id()
        self._alone = alone
        self._work: ChangeWork | None = None
        self._vectors: ModelVectors | None = None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-follower", daemon=True)

    def start(self) -> None:
        """Begin to follow; without a change it only looks for one."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End, after the passages at hand."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
            if self._thread.is_alive():
                log.warning("model_follower_still_at_work", seconds=timeout)

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                busy = self._step()
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on
                busy = False
                self._failed(error, failures)
                failures = min(failures + 1, len(_RETRY_SECONDS))
            if not busy:
                self._wake.wait(_RETRY_SECONDS[failures - 1] if failures else _LOOK_SECONDS)
        try:
            release_lease(self._database, self._name)
        except Exception:
            log.warning("model_lease_not_released", exc_info=True)  # it runs out

    def _step(self) -> bool:
        """Take over the next changes; gives whether there were any. A model that holds everything is checked and
        compared, once, and is ready then."""
        found = self._find_work()
        if found is None:
            return False
        work, vectors = found
        try:
            with self._database.reading() as session:
                states = _next_states(session, work.model.position)
            if states:
                self._sync(work, vectors, [_key(state) for state in states], states[-1].change_seq)
                return True
            if work.change.state == ChangeState.BUILDING:
                self._finish(work, vectors)
            else:
                work.settle()
        except Stopped:
            vectors.drop_unknown()
        return False

    def _find_work(self) -> tuple[ChangeWork, ModelVectors] | None:
        with self._database.reading() as session:
            now = standing(session)
        change, model, models = now.change, now.other, self._engine.models
        if (
            models is None
            or change is None
            or model is None
            or change.state not in FOLLOWED
            or not take_lease(self._database, change, self._name, alone=self._alone)
        ):
            self._work = self._vectors = None  # lets go of the model
            return None
        if self._work is None or self._vectors is None or not self._work.is_still(now):
            self._work = ChangeWork(self._database, self._name, self._stopping, change, model)
            embedder = models.embedder(model)
            self._vectors = ModelVectors(self._database, self._engine.vectors, model, embedder, self._work)
        self._work.change, self._work.model = change, model
        return self._work, self._vectors

    def _sync(self, work: ChangeWork, vectors: ModelVectors, keys: list[SourceKey], position: int) -> None:
        work.begin()
        work.record(keys, vectors.sync(keys), position)

    def _finish(self, work: ChangeWork, vectors: ModelVectors) -> None:
        position = work.model.position
        for _ in range(_VERIFY_ROUNDS):
            wrong = vectors.wrong_sources(position)
            if not wrong:
                break
            log.warning("model_change_repairs", sources=len(wrong))
            for start in range(0, len(wrong), _SOURCES):
                self._sync(work, vectors, wrong[start : start + _SOURCES], position)
        else:
            raise Unavailable(f"The vectors of {len(wrong)} sources do not stay as they were written.")
        gate = self._compare(work, vectors)
        work.settle(state=ChangeState.READY, gate=gate)
        log.info("model_change_ready", model=work.model.name, gate=gate)

    def _compare(self, work: ChangeWork, vectors: ModelVectors) -> dict[str, Any] | None:
        if self._gate is None:
            return None
        old = self._engine
        new = RetrievalEngine(vectors.embedder, old.vectors, old.keywords, old.settings, old.reranker, old.catalogue)
        try:
            return self._gate(self._database, old, new, work.look)
        finally:
            new.pool.shutdown(wait=True)  # the other parts are the engine's own

    def _failed(self, error: Exception, failures: int) -> None:
        """Say on the change what is the matter. What is not there now may be in a while; but what went wrong again and
        again for no known reason ends the building."""
        foreseen = isinstance(error, NexusError)
        log.warning("model_change_halts", error=str(error), exc_info=None if foreseen else error)
        says = str(error) if foreseen else f"{type(error).__name__}: {error}"
        try:
            with self._database.transaction() as session:
                found = standing(session).change
                change = session.get(ModelChange, found.id, with_for_update=True) if found is not None else None
                if change is None or change.builder != self._name or change.state not in FOLLOWED:
                    return
                change.error = says[:2_000]
                if not foreseen and failures >= len(_RETRY_SECONDS) and change.state == ChangeState.BUILDING:
                    change.state = ChangeState.FAILED
        except Exception:
            log.warning("model_change_error_not_recorded", exc_info=True)


def _key(state: IndexState) -> SourceKey:
    return SourceKey(state.source_kind, state.source_id)


def _next_states(session: Session, position: int) -> list[IndexState]:
    """The sources that changed next; few enough that their chunks can be held."""
    states: list[IndexState] = []
    chunks = 0
    rows = session.scalars(
        select(IndexState).where(IndexState.change_seq > position).order_by(IndexState.change_seq).limit(_SOURCES)
    )
    for state in rows:
        chunks += state.chunk_count
        if states and chunks > _CHUNKS:
            break
        states.append(state)
    return states
