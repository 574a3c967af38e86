"""Sizes and ages that the database and the disk know, asked when Prometheus asks."""

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import case, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.infra.metrics import REGISTRY
from core_api.infra.settings import Settings
from core_api.models import IndexState, MailMessage, OutboxEvent, utcnow
from core_api.outbox import last_change

log = structlog.get_logger()

_REMEMBERED_SECONDS = 5.0


class Everything(Collector):
    """The registry of the process, and collectors of one app besides (a process may have several, in tests)."""

    def __init__(self, collectors: Sequence[Collector]) -> None:
        self._collectors = (REGISTRY, *collectors)

    def collect(self) -> Iterable[Metric]:
        """All of it."""
        for collector in self._collectors:
            yield from collector.collect()


class DiskState(Collector):
    """The disk of the data directory."""

    def __init__(self, settings: Settings) -> None:
        self._folder: Path = settings.data_dir
        self._reserved = settings.min_free_bytes

    def collect(self) -> Iterable[Metric]:
        """What is free, and below what nothing is taken in."""
        if self._folder.exists():  # a worker may have none
            free = shutil.disk_usage(self._folder).free
            yield GaugeMetricFamily("nexus_disk_free_bytes", "Free space on the data directory's disk.", free)
        yield GaugeMetricFamily(
            "nexus_disk_reserved_bytes", "With less free space than this nothing is taken in.", self._reserved
        )


class DatabaseState(Collector):
    """What waits, what is indexed, and how far this process's keyword index is behind. A few counts over indexed
    columns, remembered for some seconds, so that asking often costs no more."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.keyword_position: Callable[[], int | None] = lambda: None
        """Up to which change this process's keyword index holds everything; None while it is not open."""
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._known: list[Metric] = []

    def collect(self) -> Iterable[Metric]:
        """The state, at most some seconds old."""
        with self._lock:
            if time.monotonic() - self._read_at > _REMEMBERED_SECONDS:
                self._known = self._read()
                self._read_at = time.monotonic()
            return self._known

    def _read(self) -> list[Metric]:
        up = GaugeMetricFamily("nexus_database_up", "Whether the database answers.")
        try:
            # The position first: the database may only be ahead of it.
            position = self.keyword_position()
            with self._database.reading() as session:
                read = [*_queue(session), *_indexed(session), _mail(session), *_replica(session, position)]
        except SQLAlchemyError as error:
            log.warning("database_state_not_read", error=type(error).__name__)
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        return [up, *read]


def _queue(session: Session) -> Iterable[Metric]:
    now = utcnow()
    event = OutboxEvent
    state = case(
        (event.parked_at.is_not(None), "parked"),
        (event.leased_until > now, "running"),
        (event.available_at > now, "put_off"),
        else_="waiting",
    )
    events = GaugeMetricFamily(
        "nexus_outbox_events", "Events in the outbox, by the kind of source and state.", labels=["kind", "state"]
    )
    oldest: float = 0
    rows = session.execute(
        select(event.source_kind, state, func.count(), func.min(event.created_at)).group_by(event.source_kind, state)
    )
    for kind, name, count, since in rows:
        events.add_metric([kind, name], count)
        if name != "parked":
            oldest = max(oldest, (now - since).total_seconds())
    yield events
    yield GaugeMetricFamily(
        "nexus_outbox_oldest_event_seconds", "Age of the oldest event that is not parked; 0 without one.", oldest
    )


def _indexed(session: Session) -> Iterable[Metric]:
    sources = GaugeMetricFamily("nexus_sources", "Sources by the state of their index.", labels=["status"])
    chunks = 0
    rows = session.execute(
        select(IndexState.status, func.count(), func.sum(IndexState.chunk_count)).group_by(IndexState.status)
    )
    for status, count, held in rows:
        sources.add_metric([status], count)
        chunks += int(held or 0)
    yield sources
    yield GaugeMetricFamily("nexus_chunks", "Chunks in the indexes.", chunks)


def _mail(session: Session) -> Metric:
    waiting = session.scalar(select(func.count()).where(MailMessage.next_try_at.is_not(None)))
    return GaugeMetricFamily("nexus_mail_waiting", "Mail that is to be sent.", waiting or 0)


def _replica(session: Session, position: int | None) -> Iterable[Metric]:
    if position is not None:
        yield GaugeMetricFamily(
            "nexus_keyword_replica_behind_changes",
            "Index changes that the keyword index of this process has not taken over.",
            max(0, last_change(session) - position),
        )
