"""The work on a change of the embedding model: whose it is, how hard it is done, and how far it has come."""

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.models import IndexModel, ModelChange, ModelSource, utcnow
from ingest.model_change import FOLLOWED, Standing, count_chunks, standing
from ingest.sources import SourceKey, of_sources

_LEASE = timedelta(seconds=60)
_LOOK_SECONDS = 0.5
"""How often it is looked whether the change is still what it was."""
_COUNT_SECONDS = 5.0
"""How often all chunks are counted."""
_LONGEST_REST = 5.0
_ALL_CORES = 64
_ONE_CORE = 1
"""Passages in a batch: the embedder puts a core to each few of them, so one leaves the others to searches."""


class Stopped(Exception):
    """A stop was asked for, or the change is not what it was, or somebody else works on it."""


class ChangeWork:
    """The vectors of one model, for the process that has leased them. For one thread."""

    def __init__(
        self, database: Database, worker: str, stopping: threading.Event, change: ModelChange, model: IndexModel
    ) -> None:
        """`change` and `model` are kept as they were last seen."""
        self.change = change
        self.model = model
        self._database = database
        self._worker = worker
        self._stopping = stopping
        self._looked = 0.0
        self._counted = 0.0
        self._uncounted = False
        self.begin()

    def batch(self) -> int:
        """How many passages are to be embedded next. Raises Stopped."""
        self.look()
        return _ALL_CORES if self.change.share >= 1 or self._turning else _ONE_CORE

    def rest(self, passages: int, seconds: float) -> None:
        """Note that passages were embedded, and rest as long as the change's share says. Not for what has come since it
        began, which is embedded as quickly as it was before, nor while a turn waits."""
        self._passages += passages
        share = self.change.share
        until = time.monotonic() + seconds * (1 - share) / share
        while not self._hurried and (left := until - time.monotonic()) > 0:
            self._stopping.wait(min(left, _LONGEST_REST))
            self.look()
        elapsed = time.monotonic() - self._noted
        if elapsed >= 1:
            rate = self._passages / elapsed
            known = self.change.rate
            self.change.rate = rate if known is None else 0.8 * known + 0.2 * rate
            self.change.done = min(self.change.done + self._passages, self.change.total)
            self.note(done=self.change.done, rate=self.change.rate)
            self.begin()

    def begin(self) -> None:
        """Measure from now on."""
        self._noted, self._passages = time.monotonic(), 0

    def look(self) -> None:
        """Raise Stopped when there is nothing to go on with. Keeps the lease."""
        if self._stopping.is_set():
            raise Stopped
        if time.monotonic() - self._looked < _LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        with self._database.reading() as session:
            now = standing(session)
        if not self.is_still(now) or now.change is None or now.other is None:
            raise Stopped
        self.change.share, self.change.turning_until = now.change.share, now.change.turning_until
        if not take_lease(self._database, now.change, self._worker):
            raise Stopped

    def is_still(self, now: Standing) -> bool:
        """Whether this is what is to be worked on."""
        return (
            now.change is not None
            and now.other is not None
            and (now.change.id, now.other.id) == (self.change.id, self.model.id)
            and now.change.state in FOLLOWED
        )

    def hold(self, session: Session) -> ModelChange:
        """The change, which stays as it is until the transaction ends. Raises Stopped when it is another's."""
        change = session.get(ModelChange, self.change.id, with_for_update=True)
        if change is None or change.builder != self._worker or not self.is_still(standing(session)):
            raise Stopped
        return change

    def note(self, **values: Any) -> None:
        """Write down how the change is."""
        with self._database.transaction() as session:
            change = self.hold(session)
            for name, value in (values | {"updated_at": utcnow()}).items():
                setattr(change, name, value)
        self.change = change

    def record(self, keys: Sequence[SourceKey], held: Sequence[ModelSource], position: int) -> None:
        """Write down what the collections hold of these sources, and up to which change everything is taken over."""
        with self._database.transaction() as session:
            change = self.hold(session)
            mine = ModelSource.model_id == self.model.id
            session.execute(delete(ModelSource).where(mine, of_sources(ModelSource, keys)))
            session.add_all(held)
            self.model = session.get_one(IndexModel, self.model.id)
            self.model.position = position
            self._uncounted = time.monotonic() - self._counted < _COUNT_SECONDS
            if not self._uncounted:
                change.done, change.total = count_chunks(session, position)
                self._counted = time.monotonic()
            change.error, change.updated_at = None, utcnow()
        self.change = change

    def settle(self, **values: Any) -> None:
        """Write down that nothing is left to be taken over, if that is news."""
        if values or self._uncounted or self.change.error:
            with self._database.reading() as session:
                done, total = count_chunks(session, self.model.position)
            self.note(done=done, total=total, error=None, **values)
            self._uncounted = False

    @property
    def _turning(self) -> bool:
        return self.change.turning_until is not None and self.change.turning_until > utcnow()

    @property
    def _hurried(self) -> bool:
        return self._turning or self.model.position >= self.change.build_to


def take_lease(database: Database, change: ModelChange, worker: str, *, alone: bool = False) -> bool:
    """Lease the work on a change, or keep it; gives whether it is this worker's. `alone`: nobody else can have it."""
    now = utcnow()
    if change.builder == worker and change.leased_until is not None and change.leased_until - now > _LEASE / 2:
        return True
    free = or_(ModelChange.leased_until.is_(None), ModelChange.leased_until < now, ModelChange.builder == worker)
    statement = update(ModelChange).where(ModelChange.id == change.id)
    with database.transaction() as session:
        taken = session.execute(
            (statement if alone else statement.where(free)).values(builder=worker, leased_until=now + _LEASE)
        )
        return taken.rowcount == 1  # type: ignore[attr-defined,no-any-return]


def release_lease(database: Database, worker: str) -> None:
    """Let somebody else begin at once."""
    with database.transaction() as session:
        session.execute(update(ModelChange).where(ModelChange.builder == worker).values(leased_until=None))
