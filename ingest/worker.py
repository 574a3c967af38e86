"""The Celery worker: indexes what the relays send, and keeps the collections in shape.

One process with a few threads: they share one embedding model, and each has a parser child of its own. `nexus worker`
runs it.
"""

import logging
import os
import threading
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from core_api.infra.database import Database, is_away
from core_api.infra.errors import NexusError
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from ingest.indexing import Indexer
from ingest.pipeline import Pipeline
from ingest.promotion import Promoter
from ingest.queue import begin, release
from ingest.sandbox import Sandbox
from ingest.sources import SourceKey
from ingest.tasks import Queue, create_celery
from retrieval.active_model import ServedModels
from retrieval.embedding import Embedder
from retrieval.vectors import VectorStore

logger = logging.getLogger(__name__)

_PAUSE_AFTER_ERROR = 2.0


class Worker:
    """What the threads of one worker process share. Everything that is heavy is loaded by the first task."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.database = Database(settings.resolved_database_url)
        self._models = ServedModels(settings, self.database)
        self._loading = threading.Lock()
        self._vectors: VectorStore | None = None
        self._sandbox: Sandbox | None = None
        self._embedder: Embedder | None = None
        self._indexer: Indexer | None = None
        self._stopping = threading.Event()
        self._lease = timedelta(seconds=settings.index_lease_seconds)
        self._at_hand_changed = threading.Condition(threading.Lock())
        self._at_hand: list[SourceKey] = []
        self.celery = create_celery(settings, self.index, self.maintain)

    def run(self, queues: Sequence[Queue], threads: int, name: str) -> None:
        """Work until SIGTERM: what is at hand is finished then, or handed back when that takes too long."""
        from celery import signals  # type: ignore[import-untyped]

        signals.worker_shutting_down.connect(self._begin_to_stop, weak=False)
        signals.setup_logging.connect(_keep_logging, weak=False)
        worker = self.celery.Worker(
            hostname=name,
            pool="threads",
            concurrency=threads,
            queues=[queue.value for queue in sorted(queues, key=list(Queue).index)],
            loglevel=self._settings.log_level,
            without_gossip=True,
            without_mingle=True,
            quiet=True,
        )
        try:
            worker.start()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the parsers, the Chroma client and the database."""
        self._stopping.set()
        if self._sandbox is not None:
            self._sandbox.close()
        if self._vectors is not None:
            self._vectors.close()
        self.database.dispose()

    def index(self, keys: Sequence[SourceKey]) -> None:
        """The task `ingest.index_sources`."""
        try:
            indexer = self._loaded()
            indexer.record_failures()
            # Locked, so that nothing is begun with after what is at hand was handed back.
            with self._at_hand_changed:
                # A task that comes twice is not worked on twice: what is left of its events is seen afterwards.
                self._at_hand_changed.wait_for(lambda: not any(key in self._at_hand for key in keys))
                with self.database.transaction() as session:
                    keys = begin(session, keys, self._lease)
                self._at_hand += keys
        except Exception as error:  # noqa: BLE001 - the model or a server is away
            self._give_back(keys, error, sent=True)
            return
        try:
            indexer.index(keys)
        except Exception as error:  # noqa: BLE001 - a server is away, or the disk is full
            self._give_back(keys, error)
        finally:
            with self._at_hand_changed:
                for key in keys:
                    self._at_hand.remove(key)
                self._at_hand_changed.notify_all()

    def _give_back(self, keys: Sequence[SourceKey], error: Exception, *, sent: bool = False) -> None:
        """What is not the sources' fault is not held against them: they come again, and not at once. Without the
        database there is nothing to do for this thread but to wait for it."""
        known = isinstance(error, NexusError) or is_away(error)
        logger.error("indexing cannot go on now: %s", error, exc_info=None if known else error)
        while True:
            self._stopping.wait(_PAUSE_AFTER_ERROR)
            try:
                with self.database.transaction() as session:
                    release(session, keys, sent=sent)
                return
            except SQLAlchemyError as problem:
                logger.warning("%d sources cannot be given back now: %s", len(keys), problem)
                if self._stopping.is_set():
                    return  # their leases run out

    def maintain(self) -> None:
        """The task `ingest.maintain`: give spaces that have grown a collection of their own."""
        self._loaded()
        assert self._embedder is not None
        assert self._vectors is not None
        Promoter(self.database, self._vectors, self._embedder.fingerprint).run(self._stopping)

    def _loaded(self) -> Indexer:
        with self._loading:
            embedder = self._models.active()
            if self._vectors is None:
                self._vectors = VectorStore.open(self._settings)
            if self._sandbox is None:
                self._sandbox = Sandbox(self._settings)
            if self._indexer is None or embedder is not self._embedder:
                files = open_files(self._settings)
                pipeline = Pipeline(self._settings, self.database, embedder, self._vectors, self._sandbox, files)
                self._embedder, self._indexer = embedder, Indexer(self._settings, self.database, pipeline)
            return self._indexer

    def _begin_to_stop(self, **_: Any) -> None:
        self._stopping.set()
        seconds = self._settings.worker_stop_seconds
        timer = threading.Timer(seconds, partial(self._hand_back, seconds))
        timer.daemon = True
        timer.start()

    def _hand_back(self, seconds: float) -> None:
        self._at_hand_changed.acquire()  # for good
        keys = list(self._at_hand)
        logger.warning("%d sources were not indexed within %.0f s; other workers take them up", len(keys), seconds)
        try:
            with self.database.transaction() as session:
                release(session, keys)
        except SQLAlchemyError as error:
            logger.warning("they could not be handed back, and wait for their leases: %s", error)
        if self._sandbox is not None:
            self._sandbox.close()
        os._exit(0)  # a thread that does not come back cannot be ended otherwise


def _keep_logging(**_settings: Any) -> None:
    """Logging is set up: Celery, asked for its own, would let every library talk."""
