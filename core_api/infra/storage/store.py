"""What every place that keeps files can do."""

import hashlib
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core_api.infra.errors import NotFound, TooLarge
from core_api.infra.storage.disk import full_disk_told

_BLOCK = 1 << 20
_HASH = re.compile(r"[0-9a-f]{64}")
INCOMING = ".incoming-"
PROBE = b"Nexus Stream looks whether it can write, read and delete here."


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What a file was stored as; `size` is in bytes."""

    sha256: str
    size: int


class FileStore(ABC):
    """Files, kept under the SHA-256 of their content: stored once, never changed. Thread-safe, and several processes
    may use the same place.

    Every call may raise StorageUnavailable where the place is not this machine's disk; then it changed nothing.
    """

    @abstractmethod
    def put(self, content: BinaryIO, max_bytes: int) -> StoredFile:
        """Store a stream. Raises TooLarge past `max_bytes`, StorageFull on a full disk; either leaves nothing."""

    @abstractmethod
    def existing(self, sha256: str) -> Path:
        """A file that must be there, as a local one to be opened soon; raises NotFound when it is not."""

    @abstractmethod
    def delete(self, sha256: str) -> None:
        """Remove a file; one that is not there is no error."""

    @abstractmethod
    def stored(self) -> set[str]:
        """The hashes of all files."""

    @abstractmethod
    def put_at(self, sha256: str) -> float | None:
        """When (in seconds since 1970) a file was last put; None: it is not there."""

    @abstractmethod
    def check(self) -> None:
        """Write a small file, read it and delete it, for whoever wants to know whether all of that is possible."""


def place_of(sha256: str) -> str:
    """Where a file is kept in its place. It is the same in every kind, so that files can be moved as they are."""
    return f"{sha256[:2]}/{sha256}"


def is_hash(name: str) -> bool:
    """Whether a file of this name is one of ours."""
    return _HASH.fullmatch(name) is not None


def missing(sha256: str) -> NotFound:
    """The error of a file that is not where it must be."""
    return NotFound(f"The stored file {sha256[:12]}… is missing from the storage.")


@contextmanager
def incoming(folder: Path) -> Iterator[Path]:
    """A temporary file in a folder, to be filled and then moved to where it belongs; else it is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=INCOMING)
    os.close(descriptor)
    temporary = Path(name)
    try:
        with full_disk_told(folder):
            yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def write(content: BinaryIO, target: Path, max_bytes: int) -> StoredFile:
    """Write a stream to a file. Raises TooLarge past `max_bytes`."""
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as file:
        while block := content.read(_BLOCK):
            size += len(block)
            if size > max_bytes:
                raise TooLarge(
                    f"The file is larger than {max_bytes // 2**20} MB, which this server accepts at most "
                    "(NEXUS_MAX_UPLOAD_BYTES).",
                    max_bytes=max_bytes,
                )
            digest.update(block)
            file.write(block)
    return StoredFile(digest.hexdigest(), size)


def move(temporary: Path, target: Path) -> None:
    """Give a whole file its name. It is on the disk before: a name never stands for a part of a file, even after the
    power went."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    target.parent.mkdir(exist_ok=True)
    temporary.replace(target)
