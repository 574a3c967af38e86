"""Reads collections of vectors into memory on one thread, those that are asked for first."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from retrieval.resident import HeldCollection, ResidentVectors

logger = logging.getLogger(__name__)

Spaces = tuple[str, ...] | None
"""Spaces of a pool; None: all of a collection."""

_LOOK_AGAIN_SECONDS = 60.0
_WARM_SHARE = 0.9  # of the memory; the rest is for what is asked for first


class VectorLoader:
    """Has collections held in memory, as far as there is room. Thread-safe.

    `read` puts the rows of a collection (of these spaces of it) into what is held of it; it gives False for what is
    not to be held.
    """

    def __init__(self, resident: ResidentVectors, read: Callable[[str, Spaces, HeldCollection], bool]) -> None:
        self._resident = resident
        self._read = read
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vectors-loader")
        self._lock = threading.Lock()
        self._warming: deque[str] = deque()
        self._not_held: dict[str, float] = {}  # when to look again at collections that were too big, or found no room

    def want(self, collection: str, spaces: Spaces) -> None:
        """Have a collection (these spaces of it) read into memory, unless that was in vain just now."""
        if not self._resident.most_bytes:
            return
        now = time.monotonic()
        with self._lock:
            if now < self._not_held.get(collection, now):
                return
            self._not_held[collection] = now + _LOOK_AGAIN_SECONDS
        with suppress(RuntimeError):  # it is being closed
            self._thread.submit(self._load, collection, spaces)

    def warm(self, collections: Iterable[str]) -> None:
        """Begin to read collections into memory, so that nobody waits for it. What is asked for meanwhile is next."""
        if self._resident.most_bytes:
            self._warming.extend(collections)
            self._thread.submit(self._warm_next)

    def wait(self, timeout: float) -> None:
        """Wait until what is to be read into memory has been. Raises TimeoutError after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while True:
            last = not self._warming
            self._thread.submit(lambda: None).result(deadline - time.monotonic())  # it takes things in turn
            if last:
                return

    def close(self) -> None:
        """Read no more."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _warm_next(self) -> None:
        if self._resident.bytes > _WARM_SHARE * self._resident.most_bytes:
            self._warming.clear()
        with suppress(IndexError, RuntimeError):  # all are read, or the store is being closed
            self._load(self._warming.popleft(), None)
            self._thread.submit(self._warm_next)

    def _load(self, collection: str, spaces: Spaces) -> None:
        try:
            if self._resident.load(collection, partial(self._read, collection, spaces)):
                with self._lock:
                    self._not_held.pop(collection, None)
        except Exception:  # nobody waits for it; Chroma is asked as before
            logger.warning("collection %s could not be read into memory", collection, exc_info=True)
