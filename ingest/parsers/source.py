"""What a parser is given: a file, its name, the limits, and a way to have a part of it parsed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ingest.parsers.limits import Limits
from ingest.types import Parsed, ParseFailed


@dataclass(slots=True)
class Budget:
    """What is left of the limits for one upload, shared by everything nested inside it."""

    limits: Limits
    members: int = 0
    unpacked_bytes: int = 0
    ocr_pages: int = 0
    started: float = field(default_factory=time.monotonic)

    def take_member(self) -> None:
        """Counts one archive member or attachment; too many raise `ParseFailed`."""
        self.members += 1
        if self.members > self.limits.archive_max_members:
            raise ParseFailed(
                "too_large",
                f"The file holds more than {self.limits.archive_max_members} members. Split it into smaller archives.",
            )

    def take_bytes(self, count: int) -> None:
        """Counts unpacked bytes; too many raise `ParseFailed`."""
        self.unpacked_bytes += count
        if self.unpacked_bytes > self.limits.archive_max_bytes:
            raise ParseFailed(
                "too_large",
                f"Unpacked, the file is larger than {self.limits.archive_max_bytes // 2**20} MB. "
                "Split it into smaller archives.",
            )

    def remaining_seconds(self, share: float = 1.0) -> float:
        """Seconds until `share` of the time limit has passed; may be negative."""
        return self.limits.timeout_seconds * share - (time.monotonic() - self.started)


@dataclass(frozen=True, slots=True)
class Source:
    """One file on its way through a parser. `parse_part` parses bytes that were found inside it, one level deeper."""

    path: Path
    name: str
    media_type: str | None
    limits: Limits
    budget: Budget
    scratch: Path
    depth: int
    parse_part: Callable[[bytes, str, str | None], Parsed]

    def read(self) -> bytes:
        """The whole file."""
        return self.path.read_bytes()
