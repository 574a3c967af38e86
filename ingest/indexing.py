"""Runs the pipeline over leased sources and sees to what becomes of them, come what may."""

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from core_api.infra.database import Database, is_away
from core_api.infra.errors import StorageUnavailable, Unreachable
from core_api.infra.metrics import INDEX_LAG_SECONDS, SOURCES_INDEXED
from core_api.infra.settings import Settings
from core_api.infra.storage import ensure_room
from core_api.models import IndexState, IndexStatus, utcnow
from ingest.pipeline import Pipeline
from ingest.queue import describe, ensure_waiting, postpone, put_off, renew
from ingest.sources import SourceKey, read_sources
from ingest.work import Landed, Outcome

logger = logging.getLogger(__name__)

_REMEMBERED_LAGS = 500


class Freshness:
    """How long edits and deletions took from their commit to the indexes, lately. Thread-safe."""

    def __init__(self) -> None:
        self._lags: deque[float] = deque(maxlen=_REMEMBERED_LAGS)

    def record(self, milliseconds: float) -> None:
        """Remember one."""
        self._lags.append(milliseconds)

    def lags_ms(self) -> list[float]:
        """The last ones in milliseconds, oldest first."""
        return list(self._lags)


class Indexer:
    """Indexes leased sources: keeps their leases, and puts off or parks those that fail. Thread-safe."""

    def __init__(self, settings: Settings, database: Database, pipeline: Pipeline) -> None:
        self._settings = settings
        self._database = database
        self._pipeline = pipeline
        self._lease = timedelta(seconds=settings.index_lease_seconds)
        self.freshness = Freshness()
        self._unrecorded_lock = threading.Lock()
        self._unrecorded: dict[SourceKey, BaseException] = {}

    def index(self, keys: Sequence[SourceKey]) -> None:
        """Index sources together. Where that fails, each is tried alone, so that only what cannot be done waits.

        Raises StorageFull, with nothing begun, when the disk has too little room left; Unreachable, or the database's
        own error, when a server is away. Neither is the sources' fault: whoever has leased them gives them back.
        """
        ensure_room(self._settings.data_dir, self._settings.min_free_bytes)
        started = time.monotonic()
        renewed = started

        def alive() -> None:
            nonlocal renewed
            if time.monotonic() - renewed > self._lease.total_seconds() / 3:
                renewed = time.monotonic()
                with self._database.transaction() as session:
                    renew(session, keys, self._lease)

        try:
            landed = self._pipeline.run(keys, alive)
        except Unreachable:
            raise
        except Exception as error:  # whatever it is, the sources must not be lost
            if is_away(error) and not self._database.is_local:
                raise
            if len(keys) > 1:
                logger.warning("indexing %d sources together failed, trying each alone: %r", len(keys), error)
                for key in keys:
                    self.index([key])
            else:
                self._failed(keys[0], error)
            return
        self._report(landed, time.monotonic() - started)

    def record_failures(self) -> None:
        """Write down failures that could not be written when they happened (the disk was full, say)."""
        with self._unrecorded_lock:
            waiting, self._unrecorded = self._unrecorded, {}
        for key, error in waiting.items():
            self._failed(key, error)

    def _failed(self, key: SourceKey, error: BaseException) -> None:
        problem = describe(error)
        SOURCES_INDEXED.labels("error").inc()
        away = isinstance(error, StorageUnavailable)
        told = None if away else error
        logger.error("indexing %s %s failed: %s", key.kind, key.id, problem.message, exc_info=told)
        try:
            with self._database.transaction() as session:
                if away:
                    postpone(session, key, problem)
                elif not put_off(session, key, problem, self._settings.ingest_max_tries):
                    ensure_waiting(session, [key])  # another may have acknowledged it, and this left it unfinished
                else:
                    state = session.get(IndexState, tuple(key))
                    if state is None:
                        source = read_sources(session, [key]).get(key)
                        if source is not None:
                            state = IndexState(source_kind=key.kind, source_id=key.id, space_id=source.space_id)
                            session.add(state)
                    if state is not None:
                        state.status, state.error_code, state.error = IndexStatus.FAILED, problem.code, problem.message
        except Exception:
            logger.exception("the failure of %s %s could not be recorded; it is kept for later", key.kind, key.id)
            with self._unrecorded_lock:
                self._unrecorded[key] = error

    def _report(self, landed: Sequence[Landed], seconds: float) -> None:
        if not landed:
            return  # others have them in hand
        now = utcnow()
        for item in landed:
            # What is new waits behind what was imported before it; how fresh the indexes are is said by edits.
            changed = item.was_indexed and item.outcome in (Outcome.INDEXED, Outcome.DELETED)
            if changed and item.since is not None:
                lag = (now - item.since).total_seconds()
                self.freshness.record(lag * 1000)
                INDEX_LAG_SECONDS.observe(lag)
            SOURCES_INDEXED.labels(item.outcome).inc()
        counts: dict[str, int] = {}
        for item in landed:
            counts[item.outcome] = counts.get(item.outcome, 0) + 1
        logger.info(
            "indexed %d sources in %.2f s: %s; %d chunks, %d embedded",
            len(landed),
            seconds,
            ", ".join(f"{count} {outcome}" for outcome, count in counts.items()),
            sum(item.chunks for item in landed),
            sum(item.embedded for item in landed),
        )
