"""Files in S3-compatible storage, through fsspec, with copies of those in use on this machine."""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import aiohttp
import fsspec
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)

from core_api.infra.errors import FileDamaged, StorageUnavailable
from core_api.infra.settings import Settings
from core_api.infra.storage.cache import FileCache
from core_api.infra.storage.disk import full_disk_told
from core_api.infra.storage.store import PROBE, FileStore, StoredFile, is_hash, missing, place_of, write

logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 3.0
_READ_SECONDS = 10.0
"""Until an answer begins, and between two pieces of it."""
_TRIES = 2
_SLOWEST_UPLOAD = 256 * 2**10
"""Bytes in a second."""
_AWAY_SECONDS = 5.0
_PART_BYTES = 16 * 2**20
_PARTS_AT_ONCE = 3
_HOLD_SECONDS = 600.0

_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
_ELSEWHERE = ("301", "307", "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException")


class ObjectStore(FileStore):
    """A bucket, or what is under a prefix of it, with a cache in the data directory.

    While the storage cannot be reached, one caller in `_AWAY_SECONDS` tries whether it is back; the others are told at
    once, so that they do not all wait for what does not come.
    """

    def __init__(self, settings: Settings, bucket: str, prefix: str = "") -> None:
        self._settings = settings
        self._bucket = bucket
        self._root = f"{bucket}/{prefix}".rstrip("/")
        self._cache = FileCache(
            settings.file_cache_dir,
            settings.storage_cache_bytes,
            settings.min_free_bytes,
            # A file waits for a parser, and is open in it, no longer than this.
            _HOLD_SECONDS + 2 * settings.parse_timeout_seconds,
        )
        self._lock = threading.Lock()
        self._opened: Any = None
        self._away = ""
        self._ask_again = 0.0

    def put(self, content: BinaryIO, max_bytes: int) -> StoredFile:
        self._cache.ensure_room()
        with self._cache.incoming() as temporary:
            stored = write(content, temporary, max_bytes)
            # Also where the storage has it: it is young then, and reconciling leaves it alone.
            with self._asking() as storage:
                storage.put_file(
                    str(temporary),
                    self._object(stored.sha256),
                    chunksize=_PART_BYTES,
                    max_concurrency=_PARTS_AT_ONCE,
                    timeout=_upload_seconds(stored.size),
                )
            self._cache.keep(temporary, stored.sha256)
        return stored

    def existing(self, sha256: str) -> Path:
        if (path := self._cache.find(sha256)) is not None:
            return path
        self._cache.make_room()
        with self._cache.incoming() as temporary:
            try:
                with self._asking() as storage:
                    storage.get_file(self._object(sha256), str(temporary), max_concurrency=1)
            except FileNotFoundError as error:
                raise missing(sha256) from error
            with temporary.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    raise FileDamaged(
                        f"The stored file {sha256[:12]}… is not what was put into the storage. "
                        f"Put {self._object(sha256)} back from a backup."
                    )
            return self._cache.keep(temporary, sha256)

    def delete(self, sha256: str) -> None:
        with self._asking() as storage:
            storage.rm_file(self._object(sha256))
        self._cache.remove(sha256)

    def stored(self) -> set[str]:
        with self._asking() as storage:
            found: list[str] = storage.find(self._root)
        names = ((path, path.rpartition("/")[2]) for path in found)
        return {name for path, name in names if is_hash(name) and path == self._object(name)}

    def put_at(self, sha256: str) -> float | None:
        try:
            with self._asking() as storage:
                modified: datetime = storage.modified(self._object(sha256))
                return modified.timestamp()
        except FileNotFoundError:
            return None

    def check(self) -> None:
        probe, read = f"{self._root}/.probe-{uuid4().hex}", b""
        with self._asking() as storage:
            storage.pipe_file(probe, PROBE, timeout=_upload_seconds(len(PROBE)))
            try:
                with suppress(FileNotFoundError):
                    read = storage.cat_file(probe)
                # Listing is a permission of its own, which reconciling needs.
                storage.call_s3("list_objects_v2", Bucket=self._bucket, Prefix=probe.partition("/")[2], MaxKeys=1)
            finally:
                storage.rm_file(probe)
        if read != PROBE:
            raise StorageUnavailable(f"The bucket {self._bucket!r} does not give back what is written there.")

    def _object(self, sha256: str) -> str:
        return f"{self._root}/{place_of(sha256)}"

    def _open(self) -> Any:
        with self._lock:
            if self._opened is None:
                key, secret = self._settings.storage_access_key, self._settings.storage_secret_key
                region = self._settings.storage_region
                self._opened = fsspec.filesystem(
                    "s3",
                    key=key.get_secret_value() if key else None,
                    secret=secret.get_secret_value() if secret else None,
                    endpoint_url=self._settings.storage_endpoint_url,
                    client_kwargs={"region_name": region} if region else {},
                    config_kwargs={
                        "connect_timeout": _CONNECT_SECONDS,
                        "read_timeout": _READ_SECONDS,
                        "retries": {"total_max_attempts": _TRIES, "mode": "standard"},
                        "max_pool_connections": 50,  # no thread of the API waits for another's connection
                        # Not every S3-compatible server knows the newer checksums; the content's hash is its name.
                        "request_checksum_calculation": "when_required",
                        "response_checksum_validation": "when_required",
                    },
                    use_listings_cache=False,
                    skip_instance_cache=True,
                )
                self._opened.retries = 1  # botocore tries again, within the bounds above
            return self._opened

    @contextmanager
    def _asking(self) -> Iterator[Any]:
        """The storage, for one request. Its errors come out as StorageUnavailable, except for a file that is missing
        (FileNotFoundError) and a disk that is full (StorageFull)."""
        with self._lock:
            if self._away:
                if time.monotonic() < self._ask_again:
                    raise _unavailable(self._away)
                self._ask_again = time.monotonic() + _AWAY_SECONDS
        storage = self._open()
        try:
            with full_disk_told(self._cache.root):
                yield storage
        except (OSError, BotoCoreError, ClientError, aiohttp.ClientError) as error:
            code = _code_of(error)
            if isinstance(error, FileNotFoundError) and code != "NoSuchBucket":
                self._is_back()
                raise
            detail = self._explain(error, code)
            logger.warning("the file storage fails: %s (%s: %s)", detail, type(error).__name__, error)
            if code is None:  # no answer at all
                with self._lock:
                    self._away, self._ask_again = detail, time.monotonic() + _AWAY_SECONDS
            raise _unavailable(detail) from error
        self._is_back()

    def _is_back(self) -> None:
        with self._lock:
            self._away = ""

    def _explain(self, error: BaseException, code: str | None) -> str:
        bucket = repr(self._bucket)
        if code == "NoSuchBucket":
            return f"The bucket {bucket} does not exist. Make it, or correct NEXUS_STORAGE_URL."
        if code in _ELSEWHERE:
            return f"The bucket {bucket} is in another region ({code}). Set NEXUS_STORAGE_REGION to where it is."
        if isinstance(error, _NO_CREDENTIALS):
            return (
                "There are no credentials for the file storage. Set NEXUS_STORAGE_ACCESS_KEY and "
                "NEXUS_STORAGE_SECRET_KEY, or give the server a role that may use it."
            )
        if isinstance(error, PermissionError):
            return (
                f"The file storage refuses access to the bucket {bucket} ({code}). Check NEXUS_STORAGE_ACCESS_KEY and "
                "NEXUS_STORAGE_SECRET_KEY, and that they may list, read, write and delete there."
            )
        if code is not None:
            return f"The file storage failed ({code}). Try again in a moment; its own log says why."
        return (
            f"The file storage cannot be reached ({type(error).__name__}). Try again in a moment; if it stays so, "
            "check NEXUS_STORAGE_ENDPOINT_URL and that the storage runs."
        )


def _upload_seconds(size: int) -> float:
    """How long an upload may take: the limits above hold for answers, which begin when all was sent."""
    return _TRIES * (_CONNECT_SECONDS + _READ_SECONDS) + size / _SLOWEST_UPLOAD


def _unavailable(detail: str) -> StorageUnavailable:
    return StorageUnavailable(detail, headers={"Retry-After": f"{_AWAY_SECONDS:.0f}"})


def _code_of(error: BaseException) -> str | None:
    """The code of S3's answer, if there was an answer."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ClientError):
            return str(cause.response.get("Error", {}).get("Code", "unknown"))
        cause = cause.__cause__
    return None
