"""Local copies of files that are kept elsewhere. What a hash names never changes, so a copy is always right."""

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from core_api.infra.storage.disk import ensure_room
from core_api.infra.storage.store import INCOMING, incoming, is_hash, move, place_of

_LONGEST_UNUSED = 7 * 24 * 3600.0
_LONGEST_INCOMING = 24 * 3600.0
_SHARE_BETWEEN_LOOKS = 20


@dataclass(frozen=True, slots=True)
class _Copy:
    path: Path
    size: int
    used: float


class FileCache:
    """A folder of copies, of about `max_bytes` in all: what was not used for longest makes room for what comes.

    Threads and processes share it. A path that was given out is opened by whoever asked for it, which may be another
    process (the parser) and a while later: so no copy goes that was used within the last `hold_seconds`, even where
    that makes the folder larger than it should be.
    """

    def __init__(self, root: Path, max_bytes: int, min_free_bytes: int, hold_seconds: float) -> None:
        self.root = root
        self._max_bytes = max_bytes
        self._min_free_bytes = min_free_bytes
        self._hold_seconds = hold_seconds
        self._looking = threading.Lock()
        self._added: int | None = None
        """Bytes that this process has put here since it last looked at all; None: it never did."""

    def find(self, sha256: str) -> Path | None:
        """The copy of a file, if there is one; it counts as used now."""
        path = self.root / place_of(sha256)
        with suppress(FileNotFoundError), self._locked(fcntl.LOCK_SH):
            os.utime(path)
            return path
        return None

    def incoming(self) -> AbstractContextManager[Path]:
        """A temporary file, to be filled and then kept."""
        return incoming(self.root)

    def keep(self, temporary: Path, sha256: str) -> Path:
        """Make a whole file the copy of what has this hash."""
        size = temporary.stat().st_size
        path = self.root / place_of(sha256)
        os.utime(temporary)
        move(temporary, path)
        if self._added is not None:
            self._added += size
        self.make_room()
        return path

    def remove(self, sha256: str) -> None:
        """Let go of a copy, if there is one."""
        (self.root / place_of(sha256)).unlink(missing_ok=True)

    def ensure_room(self) -> None:
        """Raise StorageFull when the disk is full, even without the copies that can go."""
        self.make_room()
        ensure_room(self.root, self._min_free_bytes)

    def make_room(self) -> None:
        """Remove what is too much, or what the disk has no room for. Looking at all copies takes a while when they are
        many, so it is done only once enough has come in."""
        self.root.mkdir(parents=True, exist_ok=True)
        enough = self._added is None or self._added * _SHARE_BETWEEN_LOOKS > self._max_bytes
        if (enough or self._lacking()) and self._looking.acquire(blocking=False):
            try:
                self._added = 0
                self._evict()
            finally:
                self._looking.release()

    def _lacking(self) -> int:
        """Bytes that should be freed for others, where the disk is nearly full."""
        free = shutil.disk_usage(self.root).free
        return 2 * self._min_free_bytes - free if free < self._min_free_bytes else 0

    def _evict(self) -> None:
        now = time.time()
        copies = sorted(self._copies(now), key=lambda copy: copy.used)
        total = sum(copy.size for copy in copies)
        allowed = min(self._max_bytes, total - self._lacking())
        for copy in copies:
            unused = now - copy.used
            if unused < self._hold_seconds or (total <= allowed and unused < _LONGEST_UNUSED):
                return
            # Whoever finds a copy marks it as used under this lock: either that is seen here, or it is not found.
            with suppress(FileNotFoundError), self._locked(fcntl.LOCK_EX):
                if copy.path.stat().st_mtime == copy.used:
                    copy.path.unlink()
                    total -= copy.size

    def _copies(self, now: float) -> Iterator[_Copy]:
        for folder in self.root.iterdir():
            with suppress(FileNotFoundError, NotADirectoryError):
                if folder.name.startswith(INCOMING) and now - folder.stat().st_mtime > _LONGEST_INCOMING:
                    folder.unlink()  # of a process that ended before it was whole
                for path in folder.iterdir():
                    with suppress(FileNotFoundError):
                        if is_hash(path.name):
                            found = path.stat()
                            yield _Copy(path, found.st_size, found.st_mtime)

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        with (self.root / ".lock").open("ab") as file:
            fcntl.flock(file, how)
            yield
