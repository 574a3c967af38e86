"""How long each step of a search took."""

import time


class Clock:
    """Wall time by step, in milliseconds."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """The step of this name ends now."""
        now = time.perf_counter()
        self._laps[name] = round(self._laps.get(name, 0.0) + (now - self._last) * 1000, 2)
        self._last = now

    def finish(self) -> dict[str, float]:
        """All steps, and `total`."""
        return {**self._laps, "total": round((time.perf_counter() - self._start) * 1000, 2)}
