"""A circuit breaker: an endpoint that has failed several times in a row is left alone for a while, so that nobody waits
for what does not come."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from assistant.models.choosing import Failure, ModelUnavailable
from assistant.models.run import LimitReached

log = structlog.get_logger()

T = TypeVar("T")


class Breaker:
    """Stands before the calls of one model. After `failures` in a row (0: never) it lets none through for `seconds`;
    then one at a time, until one works. Thread-safe."""

    def __init__(self, model: str, failures: int, seconds: float) -> None:
        self._model = model
        self._most = failures
        self._seconds = seconds
        self._failures = 0
        self._paused_until: float | None = None
        self._trying = False
        self._lock = threading.Lock()

    def call(self, do: Callable[[], T]) -> T:
        """What `do` gives. Raises what it raises; after the failure that was one too many, nothing is tried again.
        Raises ModelUnavailable (PAUSED) at once while the endpoint is left alone."""
        trial = self._enter()
        try:
            result = do()
        except ModelUnavailable as error:
            # One that says no at once is there, and keeps nobody waiting.
            if self._leave(trial, worked=error.failure is Failure.REFUSED):
                error.temporary = False
            raise
        except LimitReached as reached:
            self._leave(trial, worked=reached.limit != "most_seconds")
            raise
        except BaseException:
            self._leave(trial, worked=None)
            raise
        self._leave(trial, worked=True)
        return result

    def _enter(self) -> bool:
        """Whether this call is the one that tries an endpoint that was left alone."""
        with self._lock:
            if self._paused_until is None:
                return False
            if self._trying or time.monotonic() < self._paused_until:
                raise ModelUnavailable(
                    f"The model {self._model!r} failed {self._failures} times in a row and is left alone for a while. "
                    "See the log before (model_failed) for what it failed with.",
                    Failure.PAUSED,
                )
            self._trying = True
            return True

    def _leave(self, trial: bool, *, worked: bool | None) -> bool:
        """Whether the endpoint is left alone from now on; `worked`: None where that is not known."""
        with self._lock:
            self._trying = self._trying and not trial
            if worked:
                if self._paused_until is not None:
                    log.info("model_back", model=self._model)
                self._failures, self._paused_until = 0, None
            elif worked is False:
                self._failures += 1
                if trial or (self._paused_until is None and 0 < self._most <= self._failures):
                    self._paused_until = time.monotonic() + self._seconds
                    log.warning("model_paused", model=self._model, failures=self._failures, seconds=self._seconds)
            return self._paused_until is not None
