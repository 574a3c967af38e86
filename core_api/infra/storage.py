"""Files, kept under the SHA-256 of their content: stored once, never changed."""

import errno
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core_api.infra.errors import NotFound, StorageFull, TooLarge

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What a file was stored as; `size` is in bytes."""

    sha256: str
    size: int


class FileStore:
    """A folder of files named by their hash. It takes nothing that would leave less than `min_free_bytes` of disk."""

    def __init__(self, root: Path, min_free_bytes: int = 0) -> None:
        self.root = root
        self._min_free_bytes = min_free_bytes

    def put(self, content: BinaryIO, max_bytes: int) -> StoredFile:
        """Store a stream. Raises TooLarge past `max_bytes`, StorageFull on a full disk; either leaves nothing."""
        self.root.mkdir(parents=True, exist_ok=True)
        ensure_room(self.root, self._min_free_bytes)
        digest, size = hashlib.sha256(), 0
        descriptor, name = tempfile.mkstemp(dir=self.root, prefix=".incoming-")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as target:
                while block := content.read(_BLOCK):
                    size += len(block)
                    if size > max_bytes:
                        raise TooLarge(
                            f"The file is larger than {max_bytes // 2**20} MB, which this server accepts at most "
                            "(NEXUS_MAX_UPLOAD_BYTES).",
                            max_bytes=max_bytes,
                        )
                    digest.update(block)
                    target.write(block)
                target.flush()
                os.fsync(target.fileno())
            path = self.path(digest.hexdigest())
            path.parent.mkdir(exist_ok=True)
            temporary.replace(path)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise disk_full(self.root) from error
            raise
        finally:
            temporary.unlink(missing_ok=True)
        return StoredFile(digest.hexdigest(), size)

    def path(self, sha256: str) -> Path:
        """Where the file with this hash is (or would be) kept."""
        return self.root / sha256[:2] / sha256

    def existing(self, sha256: str) -> Path:
        """The path of a file that must be there; raises NotFound when it is not."""
        path = self.path(sha256)
        if not path.is_file():
            raise NotFound(f"The stored file {sha256[:12]}… is missing from the data directory.")
        return path

    def delete(self, sha256: str) -> None:
        """Remove a file; one that is not there is no error."""
        self.path(sha256).unlink(missing_ok=True)


def ensure_room(path: Path, min_free_bytes: int) -> None:
    """Raise StorageFull when the disk of `path` has less than this free."""
    if shutil.disk_usage(path).free < min_free_bytes:
        raise disk_full(path)


def disk_full(path: Path) -> StorageFull:
    """The error of a full disk, with what is free at `path` now."""
    free = shutil.disk_usage(path).free // 2**20
    return StorageFull(
        f"The disk of the data directory is full ({free} MB free). Nothing was changed. "
        "Free some space, or move the data directory (NEXUS_DATA_DIR)."
    )
