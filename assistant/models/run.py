"""The account of one run of the agent: what it has taken, which prompts it used, and whether it is to stop."""

import threading
import time
from dataclasses import dataclass, replace

from assistant.models.masking import Masker
from assistant.models.options import Options


class Cancelled(Exception):
    """The asker has gone; the run was stopped."""


class LimitReached(Exception):
    """A limit of the options ends the run; `limit` is the name of the option."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Spent:
    """What was taken so far; `cost` by the prices of the settings."""

    input_tokens: int = 0
    output_tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    cost: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.model_calls + other.model_calls,
            self.tool_calls + other.tool_calls,
            self.cost + other.cost,
        )


class Run:
    """The account of one run. Thread-safe: tools run in parallel."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.stop = stop or threading.Event()
        self.started = time.monotonic()
        self.limit: str | None = None
        """The first limit that was reached, by the name of its option."""
        self.masker = Masker()
        """The placeholders of this run, where the options ask for masking."""
        self._spent = Spent()
        self._prompts: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def spent(self) -> Spent:
        """What was taken so far."""
        return self._spent

    @property
    def prompts(self) -> dict[str, int]:
        """The prompts that were used so far, with their versions."""
        with self._lock:
            return dict(self._prompts)

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.started

    def add(self, spent: Spent) -> None:
        """Count more."""
        with self._lock:
            self._spent = self._spent + spent

    def note_prompt(self, name: str, version: int) -> None:
        """A prompt was given to the model."""
        with self._lock:
            self._prompts[name] = version

    def take_tool_call(self, options: Options) -> bool:
        """Count a call of a tool, if there may be one more."""
        with self._lock:
            if self._spent.tool_calls >= options.most_tool_calls:
                self.limit = self.limit or "most_tool_calls"
                return False
            self._spent = replace(self._spent, tool_calls=self._spent.tool_calls + 1)
            return True

    def check(self, options: Options) -> None:
        """Raises Cancelled when the asker has gone, LimitReached when the time is up. Long work asks now and then."""
        if self.stop.is_set():
            raise Cancelled
        if self.seconds > options.most_seconds:
            raise LimitReached("most_seconds")
