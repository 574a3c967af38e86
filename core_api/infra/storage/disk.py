"""Room on the disk."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core_api.infra.errors import StorageFull


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


@contextmanager
def full_disk_told(path: Path) -> Iterator[None]:
    """Turn the errors of a full disk into StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise disk_full(path) from error
        raise
