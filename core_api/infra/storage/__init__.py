"""Files, kept under the SHA-256 of their content: in a folder of this machine, or in S3-compatible storage."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from core_api.infra.settings import Settings
from core_api.infra.storage.disk import disk_full, ensure_room
from core_api.infra.storage.folder import FolderStore
from core_api.infra.storage.store import FileStore, StoredFile

__all__ = ["FileStore", "StoredFile", "disk_full", "ensure_room", "open_files"]


def open_files(settings: Settings) -> FileStore:
    """The files of the settings. Nothing is asked of a server yet: whether it is there is seen by who needs it."""
    if settings.storage_url is None:
        return FolderStore(settings.files_dir, settings.min_free_bytes)
    url = urlsplit(settings.storage_url)
    if url.scheme == "file":
        return FolderStore(Path(unquote(url.path)), settings.min_free_bytes)
    from core_api.infra.storage.objects import ObjectStore

    return ObjectStore(settings, url.netloc, url.path.strip("/"))
