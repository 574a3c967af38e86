"""The file of a backup: a tar archive, compressed with gzip, encrypted where that was asked for.

    head.json                   version, schema, the tables in their order
    rows/<table>/000001.jsonl   rows, one a line
    vectors/000001.bin          embeddings (retrieval.carrying)
    files/<sha256>              the files that rows name
    data/<path>                 small files of the data directory
    SHA256SUMS                  of everything above, as sha256sum writes them
    summary.json                what should have been read by now, and the hash of SHA256SUMS

It is written and read from the beginning to the end, and nothing bigger than a batch is held. Without encryption, `tar`
and `sha256sum` read it as well.
"""

import contextlib
import errno
import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, BinaryIO, Self, cast

from core_api.infra.errors import Conflict, NexusError, NotFound, StorageFull
from nexus.backup.contents import (
    BackupDamaged,
    DataFile,
    File,
    Head,
    Part,
    Progress,
    Rows,
    Source,
    Summary,
    TableSum,
    WrongPassphrase,
)
from nexus.backup.encryption import MAGIC, DecryptingReader, EncryptingWriter
from retrieval.carrying import VectorBatch, pack, unpack

_LEVEL = 1  # most of it cannot be compressed: vectors, and documents that are archives themselves
_BLOCK = 1 << 20
_HELD_SUMS = 2**20
_SUMS, _SUMMARY, _HEAD = "SHA256SUMS", "summary.json", "head.json"
_DAMAGE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)


def write_backup(path: Path, source: Source, passphrase: str | None, progress: Progress) -> int:
    """Write a backup to a new file that only its owner may read, which is there once it is complete; gives its size.

    Raises Conflict where the file exists, StorageFull, and NexusError where it cannot be written.
    """
    if path.exists():
        raise Conflict(f"{path} exists already. Choose another name, or move it away.")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _write(file, source, passphrase, progress)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        temporary.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFull(f"The disk of {path} is full. Nothing was left there.") from error
        raise NexusError(f"The backup could not be written to {path}: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return size


def _write(file: BinaryIO, source: Source, passphrase: str | None, progress: Progress) -> None:
    encrypting = EncryptingWriter(file, passphrase) if passphrase is not None else None
    target = cast("BinaryIO", encrypting) if encrypting is not None else file
    with (
        gzip.GzipFile(fileobj=target, mode="wb", filename="", compresslevel=_LEVEL) as packed,
        tarfile.open(fileobj=packed, mode="w|", bufsize=_BLOCK) as archive,
        tempfile.SpooledTemporaryFile(_HELD_SUMS) as sums,
    ):
        members = _Members(archive, sums)
        members.add(_HEAD, json.dumps(asdict(source.head), indent=2).encode())
        numbers: dict[str, int] = {}
        for part in source.parts(progress):
            match part:
                case Rows():
                    numbers[part.table] = number = numbers.get(part.table, 0) + 1
                    members.add(f"rows/{part.table}/{number:06}.jsonl", b"".join(line + b"\n" for line in part.lines))
                case VectorBatch():
                    numbers[""] = number = numbers.get("", 0) + 1
                    members.add(f"vectors/{number:06}.bin", pack(part))
                case File():
                    with part.open() as content:
                        members.add_stream(f"files/{part.sha256}", part.size, content, part.sha256)
                case DataFile():
                    members.add(f"data/{part.path}", part.data)
        said = {**source.summary.to_json(), "sha256sums": members.put_sums()}
        members.add(_SUMMARY, json.dumps(said, indent=2).encode())
    if encrypting is not None:
        encrypting.finish()


class _Members:
    """Adds to the archive, and notes the hash of each member."""

    def __init__(self, archive: tarfile.TarFile, sums: IO[bytes]) -> None:
        self._archive = archive
        self._sums = sums

    def add(self, name: str, data: bytes) -> None:
        self.add_stream(name, len(data), io.BytesIO(data), hashlib.sha256(data).hexdigest())

    def add_stream(self, name: str, size: int, content: BinaryIO, sha256: str) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self._archive.addfile(member, content)
        self._sums.write(_sum_line(name, sha256))

    def put_sums(self) -> str:
        """Add the sums as they are now; gives their own hash."""
        size = self._sums.tell()
        self._sums.seek(0)
        digest = hashlib.file_digest(cast("io.BytesIO", self._sums), "sha256").hexdigest()
        self._sums.seek(0)
        self.add_stream(_SUMS, size, cast("BinaryIO", self._sums), digest)
        return digest


class BackupFile:
    """Reads a backup from its file, and finds whatever is not as it was written. A context manager."""

    head: Head
    summary: Summary
    _sums_sha256: str | None = None

    def __init__(self, path: Path, passphrase: str | None = None) -> None:
        """Raises NotFound, WrongPassphrase, BackupDamaged, or Conflict where the backup is of a later format."""
        self._path = path
        self._open = contextlib.ExitStack()
        try:
            with _told_as_damage():
                self._start(passphrase)
        except BaseException:
            self._open.close()
            raise

    def _start(self, passphrase: str | None) -> None:
        try:
            raw = self._open.enter_context(self._path.open("rb"))
        except OSError as error:
            raise NotFound(f"{self._path} cannot be read: {error.strerror}.") from error
        self._raw: BinaryIO = raw
        stream: BinaryIO = raw
        if is_encrypted(self._path):
            if passphrase is None:
                raise WrongPassphrase("The backup is encrypted: its passphrase is needed.")
            stream = cast("BinaryIO", io.BufferedReader(DecryptingReader(raw, passphrase), _BLOCK))
        self._stream = stream
        self._packed = self._open.enter_context(gzip.GzipFile(fileobj=stream, mode="rb"))
        archive = tarfile.open(fileobj=self._packed, mode="r|", bufsize=_BLOCK)  # noqa: SIM115 - entered here
        self._archive = self._open.enter_context(archive)
        sums = tempfile.SpooledTemporaryFile(_HELD_SUMS)  # noqa: SIM115 - entered here
        self._sums = self._open.enter_context(sums)
        member = self._archive.next()
        if member is None or member.name != _HEAD:
            raise BackupDamaged(f"{self._path} is no backup of Nexus Stream.")
        data = self._read(member)
        self.head = Head.parse(data)

    def parts(self, progress: Progress) -> Iterator[Part]:
        """The parts. What was changed is found when it comes, and what is missing at the end (BackupDamaged)."""
        size = max(1, self._path.stat().st_size)
        counted = Summary({name: TableSum() for name in self.head.tables})
        said: Summary | None = None
        with _told_as_damage():
            while (member := self._archive.next()) is not None:
                progress(f"Reading {self._path.name}", self._raw.tell(), size)
                if member.name == _SUMS:
                    self._compare_sums(member)
                elif member.name == _SUMMARY:
                    said = self._read_summary(member)
                else:
                    part = self._part(member)
                    counted.add(part)
                    yield part
                    if isinstance(part, File):
                        self._note(member.name, part.sha256)
            # To the very end, where gzip and the encryption keep what tells that nothing is missing.
            while self._packed.read(_BLOCK) or self._stream.read(_BLOCK):
                pass
        progress(f"Reading {self._path.name}", size, size)
        if said is None:
            raise BackupDamaged("The end of the backup is missing. Use another one.")
        self.summary = said
        counted.missing_files, counted.purged_files = said.missing_files, said.purged_files
        if counted != said:
            raise BackupDamaged("The backup does not hold what it says. Use another one.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _part(self, member: tarfile.TarInfo) -> Part:
        kind, _, name = member.name.partition("/")
        match kind:
            case "rows" if name.partition("/")[0] in self.head.tables:
                return Rows(name.partition("/")[0], self._read(member).splitlines())
            case "vectors":
                return unpack(self._read(member))
            case "files" if re.fullmatch(r"[0-9a-f]{64}", name):
                return File(name, member.size, lambda: self._content(member, name))
            case "data":
                return DataFile(name, self._read(member))
        raise BackupDamaged(f"The backup has a part {member.name!r} that nobody has put there. Use another one.")

    def _read(self, member: tarfile.TarInfo) -> bytes:
        content = self._archive.extractfile(member)
        data = content.read() if content is not None else b""
        if len(data) != member.size:
            raise BackupDamaged("The backup ends in the middle. Use another one.")
        if member.name not in (_SUMS, _SUMMARY):
            self._note(member.name, hashlib.sha256(data).hexdigest())
        return data

    @contextlib.contextmanager
    def _content(self, member: tarfile.TarInfo, sha256: str) -> Iterator[BinaryIO]:
        """The content of a file. Raises BackupDamaged at its end where it is not the one of its name."""
        content = self._archive.extractfile(member)
        if content is None:
            raise BackupDamaged(f"The backup has no content for {member.name}. Use another one.")
        checked = _Hashing(cast("BinaryIO", content))
        yield cast("BinaryIO", checked)
        if checked.sha256 != sha256:
            raise BackupDamaged(f"The file {sha256[:12]}… of the backup is damaged. Use another backup.")

    def _note(self, name: str, sha256: str) -> None:
        self._sums.write(_sum_line(name, sha256))

    def _compare_sums(self, member: tarfile.TarInfo) -> None:
        """Compare what has been read with what was written, line by line."""
        content = self._archive.extractfile(member)
        self._sums.seek(0)
        digest = hashlib.sha256()
        for line in content or ():
            digest.update(line)
            if line != self._sums.readline():
                name = line.decode(errors="replace").split("  ", 1)[-1].strip()
                raise BackupDamaged(f"The part {name} of the backup is damaged. Use another backup.")
        if self._sums.readline():
            raise BackupDamaged("The backup has parts that its list does not have. Use another one.")
        self._sums_sha256 = digest.hexdigest()

    def _read_summary(self, member: tarfile.TarInfo) -> Summary:
        said = json.loads(self._read(member))
        if said.pop("sha256sums") != self._sums_sha256:
            raise BackupDamaged("The list of the backup's parts is damaged. Use another backup.")
        return Summary.parse(said)


class _Hashing(io.RawIOBase):
    """Hashes what is read through it."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        with _told_as_damage():
            data = self._content.read(len(buffer))
        self._digest.update(data)
        buffer[: len(data)] = data
        return len(data)

    @property
    def sha256(self) -> str:
        """Of all; what has not been read yet is read."""
        while self.read(_BLOCK):
            pass
        return self._digest.hexdigest()


def is_encrypted(path: Path) -> bool:
    """Whether a backup needs a passphrase. Raises NotFound."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error


def _sum_line(name: str, sha256: str) -> bytes:
    return f"{sha256}  {name}\n".encode()


@contextlib.contextmanager
def _told_as_damage() -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise BackupDamaged(f"The backup is damaged or cut off ({error}). Use another one.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BackupDamaged(f"A part of the backup cannot be read ({error}). Use another one.") from error
