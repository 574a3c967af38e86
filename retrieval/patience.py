"""Asking what may hang, without everybody waiting for it."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from core_api.infra.errors import Unavailable

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Patience:
    """Asks a server on the threads of a pool, and waits so many seconds for its answer.

    Once it has not answered, it is asked by one caller in so many seconds, and the others are refused at once, until
    it answers again: each of them would hold a thread, and wait for nothing. Thread-safe.
    """

    def __init__(self, name: str, pool: Executor, seconds: float) -> None:
        self._name, self._pool, self._seconds = name, pool, seconds
        self._lock = threading.Lock()
        self._ask_again: float | None = None  # None while it answers

    def ask(self, act: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Begin; `answer` gives what comes of it."""
        with self._lock:
            now = time.monotonic()
            if self._ask_again is not None and now < self._ask_again:
                refused: Future[_T] = Future()
                refused.set_exception(self._silent())
                return refused
            if self._ask_again is not None:
                self._ask_again = now + self._seconds
        return self._pool.submit(copy_context().run, partial(act, *args, **kwargs))

    def answer(self, asked: Future[_T]) -> _T:
        """What it answers. Raises Unavailable where it does not, and whatever asking raised."""
        try:
            answered = asked.result(self._seconds)
        except TimeoutError:
            asked.cancel()
            with self._lock:
                self._ask_again = time.monotonic() + self._seconds
            raise self._silent() from None
        with self._lock:
            self._ask_again = None
        return answered

    def _silent(self) -> Unavailable:
        return Unavailable(f"{self._name} has not answered for {self._seconds:.0f} s.")
