"""The relay: takes what waits in the outbox and has it indexed, on threads of this process or by Celery workers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from core_api.infra import tracing
from core_api.infra.database import Database
from core_api.infra.errors import NexusError
from core_api.infra.settings import Settings
from core_api.models import utcnow
from ingest.model_yielding import bulk_waits
from ingest.queue import (
    Wanted,
    claim,
    find_waiting,
    is_idle,
    leased_sources,
    next_due,
    release,
    release_all,
    traceparents,
)
from ingest.sources import SourceKey

logger = logging.getLogger(__name__)

BATCH = 16
"""Sources taken at a time: enough to fill embedding batches and to make commits rare, few enough to share out."""
_POLL_SECONDS = 5.0
"""How often the outbox is looked at without a signal: only other processes' events depend on it."""
_PAUSE_WHILE_BUSY = 0.5
_PAUSE_AFTER_ERROR = 2.0
_PAUSE_BETWEEN_LOOKS = 0.3
"""What comes meanwhile is taken together, which costs little more than one."""
_SENT_AT_ONCE = 64
_MAX_IN_FLIGHT = 256
"""Sources sent and not done yet: more wait here, where they take no memory and an edit overtakes them."""


class Relay:
    """Threads that claim sources and hand them on.

    The threads call `index` with the claimed sources, and with whether they are edits only. One thread takes nothing
    else, so that an edit never waits for a bulk import to leave a thread free.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        index: Callable[[Sequence[SourceKey], bool], None],
        *,
        alone: bool,
        before_claim: Callable[[], None] | None = None,
    ) -> None:
        """`alone`: no other process works on this outbox, so leases that exist at the start are dead. Otherwise the
        work is done elsewhere, and no more than some batches are sent ahead."""
        self._settings = settings
        self._database = database
        self._index = index
        self._alone = alone
        self._lease = timedelta(seconds=settings.index_lease_seconds)
        self._before_claim = before_claim
        self._stopping = threading.Event()
        self._wake = threading.Condition()
        self._signals = 0
        self._releasing = threading.Lock()
        self._unreleased: list[SourceKey] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads."""
        if self._alone:
            with self._database.transaction() as session:
                left = release_all(session)
            if left:
                logger.warning("%d events were being worked on when the last process ended; taking them up again", left)
        self._threads = [threading.Thread(target=self._listen, name="outbox-signal", daemon=True)]
        # What is sent goes to one queue or the other; a thread that works takes whatever is there.
        others, workers = (Wanted.ALL, self._settings.ingest_threads) if self._alone else (Wanted.NEW, 1)
        self._threads += [
            threading.Thread(target=self._work, args=(others,), name=f"ingest-{number}", daemon=True)
            for number in range(workers)
        ]
        self._threads.append(
            threading.Thread(target=self._work, args=(Wanted.EDITS,), name="ingest-edits", daemon=True)
        )
        for thread in self._threads:
            thread.start()

    def request_stop(self) -> None:
        """Take nothing new from now on."""
        self._stopping.set()
        self._database.outbox_written.set()
        self._notify()

    def join(self, timeout: float) -> bool:
        """Wait for the threads to end; gives whether all have."""
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing waits and nothing is worked on; gives whether that came about in time."""
        deadline = time.monotonic() + timeout
        pause = 0.05
        while True:
            with self._database.reading() as session:
                if is_idle(session):
                    return True
            if time.monotonic() > deadline:
                return False
            time.sleep(pause)
            pause = min(1.2 * pause, 0.5)  # a long wait must not cost the work that it waits for

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stopping.is_set()

    def _listen(self) -> None:
        """Turn the database's signal into one that every thread hears."""
        while not self._stopping.is_set():
            if self._database.outbox_written.wait(_POLL_SECONDS):
                self._database.outbox_written.clear()
            self._notify()

    def _notify(self) -> None:
        with self._wake:
            self._signals += 1
            self._wake.notify_all()

    def _work(self, wanted: Wanted) -> None:
        while not self._stopping.is_set():
            heard = self._signals  # before looking: a signal that comes while we look must not be missed
            try:
                keys = self._claim(wanted)
                if keys:
                    self._hand_on(keys, wanted)
                    continue
                pause = self._until_due()
            except Exception as error:
                known = isinstance(error, NexusError)  # it says itself what is the matter
                logger.error(
                    "indexing cannot go on now, trying again in %.0f s: %s",
                    _PAUSE_AFTER_ERROR,
                    error,
                    exc_info=None if known else error,
                )
                self._stopping.wait(_PAUSE_AFTER_ERROR)
                continue
            with self._wake:
                if self._signals == heard and not self._stopping.is_set():
                    self._wake.wait(pause)
            if wanted is not Wanted.ALL:
                # Most signals are not for this thread: the documents of a bulk import, or the edits beside it.
                self._stopping.wait(_PAUSE_BETWEEN_LOOKS)

    def _hand_on(self, keys: Sequence[SourceKey], wanted: Wanted) -> None:
        try:
            with tracing.span("outbox relay", kind="producer", origins=self._origins(keys)):
                self._index(keys, wanted is Wanted.EDITS)
        except Exception:
            # Nobody could even begin (the model is not loaded, the broker is away): not the sources' fault.
            self._unreleased.extend(keys)
            self._release()
            raise

    def _origins(self, keys: Sequence[SourceKey]) -> list[str]:
        if not tracing.is_on():
            return []
        with self._database.reading() as session:
            return traceparents(session, keys)

    def _release(self) -> None:
        """Give back what could not be handed on; again before the next claim, where the database is away too."""
        with self._releasing:
            keys = list(self._unreleased)
            if keys:
                with self._database.transaction() as session:
                    release(session, keys, sent=not self._alone)
                del self._unreleased[: len(keys)]

    def _claim(self, wanted: Wanted) -> list[SourceKey]:
        if self._before_claim is not None:
            self._before_claim()
        self._release()
        # Looked at without the write lock first: most signals find nothing for this thread.
        with self._database.reading() as session:
            if not find_waiting(session, 1, wanted=wanted):
                return []
            if wanted is Wanted.NEW and leased_sources(session) >= _MAX_IN_FLIGHT:
                return []
            if wanted is not Wanted.EDITS and bulk_waits(session):
                if wanted is Wanted.NEW or not find_waiting(session, 1, wanted=Wanted.EDITS):
                    return []
                wanted = Wanted.EDITS
        sent = not self._alone
        with self._database.transaction() as session:
            limit, tries = _SENT_AT_ONCE if sent else BATCH, self._settings.ingest_max_tries
            return claim(session, limit, tries, wanted=wanted, sent=sent, lease=self._lease)

    def _until_due(self) -> float | None:
        """Seconds until a put-off event or a lease is due; None: only a signal can bring work."""
        with self._database.reading() as session:
            due = next_due(session)
        if due is None:
            return None
        return max(_PAUSE_WHILE_BUSY, (due - utcnow()).total_seconds())
