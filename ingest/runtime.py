"""Ingestion in a serving process: puts pipeline, task and relay together, and starts and stops them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core_api.infra.database import Database
from core_api.infra.errors import NexusError
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from core_api.outbox import last_change
from ingest.indexing import Freshness, Indexer
from ingest.model_follower import Gate, ModelFollower
from ingest.promotion import Promoter
from ingest.relay import Relay
from ingest.sources import SourceKey

if TYPE_CHECKING:
    from celery import Celery  # type: ignore[import-untyped]

    from ingest.sandbox import Sandbox
    from retrieval.engine import RetrievalEngine

logger = logging.getLogger(__name__)

_MAINTENANCE_SECONDS = 15.0
_SENT_BATCH = 4
"""Sources of one task: a worker that is busy with new ones is free for an edit within a second or two."""


class IngestRuntime:
    """Indexes what changes, for as long as it runs.

    Without `redis_url` the Celery task runs in place, on the relay's threads; with it, the relay sends the task to
    the workers (`nexus worker`) and does nothing itself.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        engine: RetrievalEngine,
        gate: Gate | None = None,
        *,
        relay_only: bool = False,
    ) -> None:
        """`gate` compares search by two embedding models, before a change of the model is ready. `relay_only`: another
        process does what one does for all (promotion of spaces, the change of the model)."""
        self._relay_only = relay_only
        self._settings = settings
        self._database = database
        self._engine = engine
        self._lock = threading.Lock()
        self._sandbox: Sandbox | None = None
        self._indexer: Indexer | None = None
        self._fingerprint = ""  # of the model that it embeds with
        self._celery: Celery | None = None
        self._stopping = threading.Event()
        self._maintenance = threading.Thread(target=self._maintain, name="ingest-maintenance", daemon=True)
        self.follower = ModelFollower(database, engine, alone=not settings.is_server, gate=gate)
        self._relay = Relay(
            settings,
            database,
            self._dispatch,
            alone=not settings.is_server,
            before_claim=self._record_failures,
        )

    def start(self) -> None:
        """Begin. Returns at once: what is heavy is loaded by the thread that first needs it."""
        self._relay.start()
        if self._relay_only:
            return
        self._maintenance.start()
        if self._engine.models is not None:
            self.follower.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Take nothing new and let the work at hand end. What is not done in time is left as it is: its events stay,
        and the next start takes them up."""
        self._stopping.set()
        self._relay.request_stop()
        self.follower.stop(timeout)
        if not self._relay.join(timeout):
            logger.warning("indexing did not end within %.0f s; the next start goes on with it", timeout)
        if self._maintenance.is_alive():
            self._maintenance.join(timeout)
        if self._sandbox is not None:
            self._sandbox.close()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until everything that waits is indexed, failed or parked; gives whether that came about in time."""
        return self._relay.wait_idle(timeout)

    @property
    def freshness(self) -> Freshness:
        """How long changes took to reach the indexes, lately."""
        return self._indexer.freshness if self._indexer is not None else Freshness()

    def _dispatch(self, keys: Sequence[SourceKey], edits: bool) -> None:
        from ingest.tasks import INDEX, Queue, trace_headers

        task = self._app().tasks[INDEX]
        if not self._settings.is_server:
            task.apply(args=[[list(key) for key in keys]], throw=True)
            return
        queue = Queue.INTERACTIVE if edits else Queue.BULK
        for start in range(0, len(keys), _SENT_BATCH):
            batch = [list(key) for key in keys[start : start + _SENT_BATCH]]
            task.apply_async(args=[batch], queue=queue, headers=trace_headers())

    def _app(self) -> Celery:
        with self._lock:
            if self._celery is None:
                from ingest.tasks import create_celery

                self._celery = create_celery(self._settings, lambda keys: self._make_indexer().index(keys))
            return self._celery

    def _make_indexer(self) -> Indexer:
        with self._lock:
            embedder, vectors = self._engine.embedder, self._engine.vectors  # wait until they are loaded
            if self._indexer is None or self._fingerprint != embedder.fingerprint:
                from ingest.pipeline import Pipeline
                from ingest.sandbox import Sandbox

                if self._sandbox is None:
                    self._sandbox = Sandbox(self._settings)
                pipeline = Pipeline(
                    self._settings,
                    self._database,
                    embedder,
                    vectors,
                    self._sandbox,
                    open_files(self._settings),
                )
                freshness = self.freshness
                self._indexer = Indexer(self._settings, self._database, pipeline)
                self._indexer.freshness, self._fingerprint = freshness, embedder.fingerprint
            return self._indexer

    def _maintain(self) -> None:
        """Give spaces that have grown a collection of their own, whenever something has been indexed since."""
        looked_at = 0
        while not self._stopping.wait(_MAINTENANCE_SECONDS):
            try:
                with self._database.reading() as session:
                    now = last_change(session)
                if now != looked_at:
                    self._promote()
                    looked_at = now
            except NexusError as error:  # what is not there now may be in a while
                logger.warning("no space can be promoted now: %s", error)
            except Exception:
                logger.exception("no space could be promoted")

    def _promote(self) -> None:
        if self._settings.is_server:
            from ingest.tasks import MAINTAIN, Queue

            self._app().tasks[MAINTAIN].apply_async(queue=Queue.MAINTENANCE, expires=_MAINTENANCE_SECONDS)
        else:
            promoter = Promoter(self._database, self._engine.vectors, self._engine.embedder.fingerprint)
            promoter.run(self._stopping)

    def _record_failures(self) -> None:
        if self._indexer is not None:
            self._indexer.record_failures()
