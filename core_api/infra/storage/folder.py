"""Files in a folder of this machine."""

from pathlib import Path
from typing import BinaryIO

from core_api.infra.errors import StorageUnavailable
from core_api.infra.storage.disk import ensure_room
from core_api.infra.storage.store import (
    PROBE,
    FileStore,
    StoredFile,
    incoming,
    is_hash,
    missing,
    move,
    place_of,
    write,
)


class FolderStore(FileStore):
    """A folder of files named by their hash. It takes nothing that would leave less than `min_free_bytes` of disk."""

    def __init__(self, root: Path, min_free_bytes: int = 0) -> None:
        self._root = root
        self._min_free_bytes = min_free_bytes

    def put(self, content: BinaryIO, max_bytes: int) -> StoredFile:
        self._root.mkdir(parents=True, exist_ok=True)
        ensure_room(self._root, self._min_free_bytes)
        with incoming(self._root) as temporary:
            stored = write(content, temporary, max_bytes)
            move(temporary, self._path(stored.sha256))
        return stored

    def existing(self, sha256: str) -> Path:
        path = self._path(sha256)
        if not path.is_file():
            raise missing(sha256)
        return path

    def delete(self, sha256: str) -> None:
        self._path(sha256).unlink(missing_ok=True)

    def stored(self) -> set[str]:
        return {path.name for path in self._root.glob("??/*") if is_hash(path.name)}

    def put_at(self, sha256: str) -> float | None:
        try:
            return self._path(sha256).stat().st_mtime
        except FileNotFoundError:
            return None

    def check(self) -> None:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            ensure_room(self._root, self._min_free_bytes)
            with incoming(self._root) as probe:
                probe.write_bytes(PROBE)
                read = probe.read_bytes()
        except OSError as error:
            raise StorageUnavailable(
                f"{self._root} cannot be used: {error.strerror}. Check who owns it, and NEXUS_STORAGE_URL or "
                "NEXUS_DATA_DIR, which name it."
            ) from error
        if read != PROBE:
            raise StorageUnavailable(f"{self._root} does not give back what is written there.")

    def _path(self, sha256: str) -> Path:
        return self._root / place_of(sha256)
