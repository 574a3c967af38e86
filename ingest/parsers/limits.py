"""How much one file may cost, as plain numbers that travel to the child process (never credentials)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core_api.infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one file's parsing; the defaults are those of `Settings`."""

    timeout_seconds: float = 120.0
    memory_bytes: int = 2 * 2**30
    output_chars: int = 20_000_000
    archive_max_bytes: int = 500 * 2**20
    archive_max_members: int = 2000
    archive_max_ratio: int = 200
    archive_max_depth: int = 3
    ocr: bool = True
    ocr_max_pages: int = 100

    @classmethod
    def from_settings(cls, settings: Settings) -> Limits:
        """The part of the settings that parsers need."""
        return cls(
            timeout_seconds=settings.parse_timeout_seconds,
            memory_bytes=settings.parse_memory_bytes,
            output_chars=settings.parse_output_chars,
            archive_max_bytes=settings.archive_max_bytes,
            archive_max_members=settings.archive_max_members,
            archive_max_ratio=settings.archive_max_ratio,
            ocr=settings.ocr,
        )
