"""What a backup is made of, the same whether it is read from a file or from the running product.

First the head, then the parts (all rows before the vectors, and those before the files), and when these have been read
the summary, which says what they were.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import BinaryIO, Protocol, Self

from core_api.infra.errors import Conflict, Invalid, NexusError
from retrieval.carrying import VectorBatch

FORMAT = 1

Progress = Callable[[str, int, int], None]
"""Told of a step, how much of it is done, and how much there is."""


class BackupDamaged(NexusError):
    """The file is not what was written."""

    status, code, title = 422, "backup_damaged", "The backup is damaged"


class WrongPassphrase(Invalid):
    """The backup was encrypted with another passphrase, or none was given."""

    code, title = "wrong_passphrase", "The passphrase does not fit"


class PlaceNotEmpty(Conflict):
    """A restore fills an empty place only."""

    code, title = "place_not_empty", "There is something there already"


class CopyDiffers(NexusError):
    """What was read back is not what was written."""

    code, title = "copy_differs", "The copy is not the same"


@dataclass(frozen=True, slots=True)
class Head:
    """What has to be known before anything is restored. `keys` are hashes of the keys that encrypt secrets; `tables`
    are in an order in which no row comes before one that it refers to."""

    format: int
    version: str
    revision: str
    made_at: str
    tables: list[str]
    keys: list[str]
    has_key: bool

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The head of a file. Raises BackupDamaged where it cannot be read, Conflict where this version cannot."""
        try:
            said = json.loads(data)
            if said["format"] > FORMAT:
                raise Conflict(
                    f"The backup was made by Nexus Stream {said['version']}, in a format that this version does not "
                    "know. Restore it with that version or a later one."
                )
            return cls(**said)
        except (ValueError, KeyError, TypeError) as error:
            raise BackupDamaged(f"The beginning of the backup cannot be read ({error}).") from error


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows of a table, each in JSON (nexus.backup.rows)."""

    table: str
    lines: list[bytes]


@dataclass(frozen=True, slots=True)
class File:
    """A file of the file store."""

    sha256: str
    size: int
    open: Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True, slots=True)
class DataFile:
    """A small file of the data directory, by its path in there."""

    path: str
    data: bytes


Part = Rows | VectorBatch | File | DataFile


@dataclass(slots=True)
class TableSum:
    """How many rows, and a sum of their hashes: it does not depend on their order, which no two databases agree on."""

    rows: int = 0
    sha256_sum: str = "0" * 64

    def add(self, lines: list[bytes]) -> None:
        """Count some more."""
        total = int(self.sha256_sum, 16)
        for line in lines:
            total += int.from_bytes(hashlib.sha256(line).digest(), "big")
        self.rows += len(lines)
        self.sha256_sum = f"{total % 2**256:064x}"


@dataclass(slots=True)
class Summary:
    """What the parts were."""

    tables: dict[str, TableSum] = field(default_factory=dict)
    vectors: dict[str, int] = field(default_factory=dict)
    files: int = 0
    file_bytes: int = 0
    data_files: int = 0
    missing_files: list[str] = field(default_factory=list)
    """Files that rows name and the store does not have, or not as they were stored."""
    purged_files: list[str] = field(default_factory=list)
    """Files that were deleted, with what named them, after the rows had been read."""

    def add(self, part: Part) -> None:
        """Count a part."""
        match part:
            case Rows():
                self.tables.setdefault(part.table, TableSum()).add(part.lines)
            case VectorBatch():
                self.vectors[part.fingerprint] = self.vectors.get(part.fingerprint, 0) + len(part.rows)
            case File():
                self.files += 1
                self.file_bytes += part.size
            case DataFile():
                self.data_files += 1

    def to_json(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def parse(cls, said: dict[str, object]) -> Self:
        """The summary that `to_json` gave. Raises TypeError, ValueError."""
        summary = cls(**said)  # type: ignore[arg-type]
        summary.tables = {name: TableSum(**given) for name, given in summary.tables.items()}  # type: ignore[arg-type]
        return summary


class Source(Protocol):
    """Where the parts come from."""

    @property
    def head(self) -> Head:
        """The head."""

    def parts(self, progress: Progress) -> Iterator[Part]:
        """The parts, one after the other; a file is to be read before the next part is asked for."""

    @property
    def summary(self) -> Summary:
        """What the parts were, once they have all been read."""
