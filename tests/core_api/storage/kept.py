"""A store of files with what it is kept in."""

import io
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore, open_files
from tests.services import ObjectStorage

BIG = 10**9


@dataclass
class Kept:
    """A store, and what is really in its place."""

    files: FileStore
    settings: Settings
    s3: ObjectStorage | None = None
    bucket: str = ""

    def objects(self) -> dict[str, bytes]:
        """By their place."""
        if self.s3 is not None:
            found = self.s3.objects(self.bucket)
            assert all(key.startswith("company/files/") for key in found)
            return {key.removeprefix("company/files/"): content for key, content in found.items()}
        root = self.settings.files_dir
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    def copies(self) -> set[str]:
        """The hashes of the copies on this machine."""
        return {path.name for path in self.settings.file_cache_dir.glob("??/*")}

    def elsewhere(self, name: str = "other") -> "Kept":
        """The same files, on another machine."""
        settings = self.settings.model_copy(update={"data_dir": self.settings.data_dir / name})
        return Kept(open_files(settings), settings, self.s3, self.bucket)

    def left_over(self) -> list[Path]:
        """Temporary files."""
        return [path for path in self.settings.data_dir.rglob(".incoming-*") if path.is_file()]


class Breaking(io.BytesIO):
    """An upload whose sender goes away."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise ConnectionResetError("gone")
        return super().read(10)


def put(kept: Kept, content: bytes, max_bytes: int = BIG) -> str:
    return kept.files.put(io.BytesIO(content), max_bytes).sha256


def hash_of(content: bytes) -> str:
    return sha256(content).hexdigest()
