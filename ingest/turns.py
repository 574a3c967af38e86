"""Whose turn it is to embed."""

import heapq
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SMALL = 8
"""Passages that somebody need not wait with: as many as an edit usually has."""


class EmbeddingTurns:
    """One thread embeds at a time: the model uses every core, and two would only take them from each other. While one
    embeds, the others parse and write. The smallest work goes first, and very little goes at once (the embedder takes
    turns of its own, batch by batch), so that an edit does not wait for a bulk import."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._busy = False
        self._waiting: list[tuple[int, int]] = []
        self._tickets = 0

    @contextmanager
    def turn(self, amount: int) -> Iterator[None]:
        """Wait for a turn; `amount` is how much work is left altogether."""
        if amount <= _SMALL:
            yield
            return
        with self._free:
            self._tickets += 1
            ticket = (amount, self._tickets)
            heapq.heappush(self._waiting, ticket)
            while self._busy or self._waiting[0] != ticket:
                self._free.wait()
            heapq.heappop(self._waiting)
            self._busy = True
        try:
            yield
        finally:
            with self._free:
                self._busy = False
                self._free.notify_all()
