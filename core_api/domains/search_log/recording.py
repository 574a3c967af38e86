"""Records searches behind the answers' back: many in one transaction, on a thread of its own, so that no asker waits.

The same thread deletes what is older than the settings allow.
"""

import threading
import time
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from core_api import audit
from core_api.audit import SYSTEM
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import SearchLog, User, utcnow

log = structlog.get_logger()

_PAUSE_SECONDS = 0.25
"""Searches of so long are written together."""
_CLEAN_SECONDS = 3600.0
_STOP_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 300.0
# A database that is away for long must not fill the memory; the oldest are kept.
_MOST_WAITING = 10_000
_QUERY_CHARS = 2_000
_NORMALISED_CHARS = 200
_BATCH = 500


def normalise(query: str) -> str:
    """A query as queries are counted together: lower case, white space joined, cut."""
    return " ".join(query.lower().split())[:_NORMALISED_CHARS]


class SearchRecorder:
    """Writes searches to the log. Thread-safe. Its thread starts with `start`, or with the first search."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._on = settings.search_log
        self._kept = timedelta(days=settings.search_log_days)
        self._database = database
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: list[dict[str, object]] = []
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to write, and to delete what is too old."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="search-log", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End, after what waits is written."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        try:
            self.flush()
        except SQLAlchemyError as error:  # the others that stop after it must not be kept from it
            log.warning("search_log_not_written", error=str(error))

    def add(self, search_id: str, user_id: str, query: str, mode: str, hits: int, took_ms: float) -> bool:
        """Take a search; gives whether it will be written: not where the settings say no, or it has no words."""
        normalised = normalise(query)
        if not self._on or not normalised:
            return False
        now = utcnow()
        row: dict[str, object] = {
            "id": search_id,
            "created_at": now,
            "user_id": user_id,
            "asked_at": now,
            "query": query[:_QUERY_CHARS],
            "normalised": normalised,
            "mode": mode,
            "hits": hits,
            "took_ms": took_ms,
        }
        with self._lock:
            if len(self._waiting) >= _MOST_WAITING:
                return False
            self._waiting.append(row)
        self.start()
        self._wake.set()
        return True

    def flush(self) -> None:
        """Write what waits now."""
        with self._writing:
            with self._lock:
                rows, self._waiting = self._waiting, []
            if not rows:
                return
            try:
                self._write(rows)
            except SQLAlchemyError:
                with self._lock:
                    self._waiting = rows + self._waiting
                raise

    def delete_old(self, now: datetime | None = None) -> int:
        """Delete what is older than the settings allow, with what was opened of it; gives how many searches. Each
        transaction that deletes leaves one event with their count."""
        limit = (now or utcnow()) - self._kept
        deleted = 0
        while True:
            with self._database.reading() as session:
                ids = session.scalars(select(SearchLog.id).where(SearchLog.asked_at < limit).limit(_BATCH)).all()
            if not ids:
                return deleted
            with self._database.transaction() as session:
                gone = session.scalars(
                    delete(SearchLog).where(SearchLog.id.in_(ids)).returning(SearchLog.id),
                    execution_options={"synchronize_session": False},
                ).all()
                if gone:  # another process may have been at it
                    audit.record(
                        session, SYSTEM, "search.history_expired", "search", count=len(gone), kept_days=self._kept.days
                    )
            deleted += len(gone)

    def _run(self) -> None:
        cleaned, failures = float("-inf"), 0
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self.flush()
                if time.monotonic() - cleaned > _CLEAN_SECONDS:
                    cleaned = time.monotonic()
                    self.delete_old()
                failures = 0
            except SQLAlchemyError as error:
                log.warning("search_log_not_written", error=str(error))
                self._stopping.wait(min(2.0**failures, _LONGEST_PAUSE_SECONDS))
                failures += 1
                self._wake.set()
            self._stopping.wait(_PAUSE_SECONDS)
            self._wake.wait(_CLEAN_SECONDS)

    def _write(self, rows: list[dict[str, object]]) -> None:
        with self._database.transaction() as session:
            # Whoever has deleted their account meanwhile leaves nothing behind. A deletion under way is waited for:
            # it holds the person's row, and has perhaps looked for searches already.
            there = select(User.id, User.deleted_at).where(User.id.in_({row["user_id"] for row in rows}))
            locked = session.execute(there.order_by(User.id).with_for_update(read=True))
            present = {user_id for user_id, deleted_at in locked if deleted_at is None}
            kept = [row for row in rows if row["user_id"] in present]
            if kept:
                session.execute(insert(SearchLog), kept)
