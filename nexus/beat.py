"""`nexus beat`: what is done at its time, by one process at a time. Others wait, and take over when it is gone."""

import contextlib
import threading
from collections.abc import Iterator

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.mail.sender import MailSender
from evals.model_gate import compare_models
from ingest.runtime import IngestRuntime
from nexus.background import Background
from retrieval.engine import RetrievalEngine

log = structlog.get_logger()

BEAT_LOCK = 0x6E787575  # any number that nobody else uses
_LOOK_SECONDS = 1.0
_FOLLOW_SECONDS = 2.0
"""How late beat may see what has changed: nobody searches here, and alerts may take seconds."""


class Beat:
    """Leads as long as it holds the lock, which ends with its connection."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._vault = Vault.open(settings)
        self.stopping = threading.Event()
        self.leading = threading.Event()

    def run(self) -> None:
        """Wait for the lead and do what it brings, until `stopping` is set."""
        engine = RetrievalEngine.open(self._settings, self._database, follow_seconds=_FOLLOW_SECONDS)
        try:
            told = False
            while not self.stopping.is_set():
                try:
                    led = self._lead(engine)
                except SQLAlchemyError as error:
                    log.warning("beat_without_database", error=str(error))
                    led = False
                if not led and not told:
                    log.info("beat_stands_by")
                told = not led
                self.stopping.wait(_LOOK_SECONDS)
        finally:
            engine.close()

    def _lead(self, engine: RetrievalEngine) -> bool:
        """Lead until the end, or until the lock is lost; whether it was to be had."""
        # A connection of its own, whose every question is a transaction: none stays open.
        with self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(select(func.pg_try_advisory_lock(BEAT_LOCK))):
                return False
            log.info("beat_leads")
            self.leading.set()
            try:
                with self._working(engine):
                    while not self.stopping.wait(_LOOK_SECONDS):
                        connection.execute(text("SELECT 1"))  # the lock is lost with the connection
            finally:
                self.leading.clear()
                with contextlib.suppress(SQLAlchemyError):  # lost already, if the connection is
                    connection.execute(select(func.pg_advisory_unlock(BEAT_LOCK)))
        return True

    @contextlib.contextmanager
    def _working(self, engine: RetrievalEngine) -> Iterator[None]:
        parts = (
            IngestRuntime(self._settings, self._database, engine, gate=compare_models),
            MailSender(self._settings, self._database, self._vault),
            Background(self._settings, self._database, engine, self._vault),
        )
        for part in parts:
            part.start()
        try:
            yield
        finally:
            for part in reversed(parts):
                part.stop()


def is_led(database: Database) -> bool:
    """Whether a beat leads now."""
    statement = text("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock AND granted LIMIT 1")
    with database.engine.connect() as connection:
        return connection.scalar(statement, {"lock": BEAT_LOCK}) is not None
