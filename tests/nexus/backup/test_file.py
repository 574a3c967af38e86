"""Backups that are damaged, cut off, of another version or of something else: refused, in words."""

import dataclasses
import gzip
import hashlib
import io
import json
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_api.infra.errors import Conflict, NexusError, NotFound
from nexus.backup.contents import (
    BackupDamaged,
    DataFile,
    File,
    Head,
    Part,
    Progress,
    Rows,
    Summary,
    TableSum,
    WrongPassphrase,
)
from nexus.backup.file import BackupFile, write_backup
from retrieval.carrying import VectorBatch
from retrieval.vectors import VectorRow

CONTENT = b"What a file says. " * 1_000


class Made:
    """Some parts, as a product would give them."""

    def __init__(self, parts: list[Part]) -> None:
        self.head = Head(1, "0.1.0", "0008", "2026-11-29T00:00:00+00:00", ["users", "chunks"], ["k"], True)
        self.summary = Summary({name: TableSum() for name in self.head.tables})
        self._parts = parts

    def parts(self, progress: Progress) -> Iterator[Part]:
        for part in self._parts:
            self.summary.add(part)
            yield part


def parts() -> list[Part]:
    rng = np.random.default_rng(3)
    rows = [VectorRow(f"document:a:{n}", "s", "h", rng.normal(size=8).astype(np.float32)) for n in range(5)]
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    return [
        Rows("users", [b'{"id":"1","name":"\xea\xb9\x80"}', b'{"id":"2","name":"\\u2028\\r"}']),
        Rows("users", [b'{"id":"3"}']),
        VectorBatch("model", rows),
        File(sha256, len(CONTENT), lambda: io.BytesIO(CONTENT)),
        DataFile("evals/golden.jsonl", b"{}\n"),
    ]


def no_progress(*_: object) -> None:
    pass


@pytest.fixture(scope="module")
def backup(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "made.backup"
    write_backup(path, Made(parts()), None, no_progress)
    return path


def read(path: Path, passphrase: str | None = None) -> list[Part]:
    found: list[Part] = []
    with BackupFile(path, passphrase) as opened:
        for part in opened.parts(no_progress):
            if isinstance(part, File):
                with part.open():
                    pass  # leaving it reads it to its end
            found.append(part)
    return found


@pytest.mark.parametrize("passphrase", [None, "correct horse battery"])
def test_what_was_put_in_comes_out(tmp_path: Path, passphrase: str | None) -> None:
    path = tmp_path / "x.backup"
    size = write_backup(path, Made(parts()), passphrase, no_progress)
    assert size == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.backup"]
    given, found = parts(), read(path, passphrase)
    assert found[:2] == given[:2]
    assert found[4] == given[4]
    assert isinstance(found[3], File)
    assert (found[3].sha256, found[3].size) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    vectors, expected = found[2], given[2]
    assert isinstance(vectors, VectorBatch)
    assert isinstance(expected, VectorBatch)
    assert all(
        a.id == b.id and np.array_equal(a.embedding, b.embedding)
        for a, b in zip(vectors.rows, expected.rows, strict=True)
    )


def test_other_programs_read_it_as_well(backup: Path, tmp_path: Path) -> None:
    subprocess.run(["tar", "-xf", str(backup), "-C", str(tmp_path)], check=True)
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)


def test_nothing_is_written_over_and_nothing_half_is_left(backup: Path, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="exists already"):
        write_backup(backup, Made(parts()), None, no_progress)

    class Failing(Made):
        def parts(self, progress: Progress) -> Iterator[Part]:
            yield from super().parts(progress)
            raise NexusError("the database went away")

    with pytest.raises(NexusError, match="went away"):
        write_backup(tmp_path / "x.backup", Failing(parts()), None, no_progress)
    with pytest.raises(NexusError, match="could not be written"):
        write_backup(tmp_path / "missing" / "x.backup", Made(parts()), None, no_progress)
    assert list(tmp_path.iterdir()) == []


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_an_end_that_was_cut_off_is_found(
    backup: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = backup.read_bytes()
    path = tmp_path_factory.getbasetemp() / "cut.backup"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(BackupDamaged):
        read(path)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_content_that_was_changed_is_found(
    backup: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(backup.read_bytes())
    before = gzip.decompress(whole)
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "changed.backup"
    path.write_bytes(whole)
    try:
        assert gzip.decompress(whole) == before  # the same can be said in other bytes: no content was changed
    except (gzip.BadGzipFile, EOFError, zlib.error):
        with pytest.raises(BackupDamaged):
            read(path)


def repacked(backup: Path, target: Path, **changed: bytes | None) -> Path:
    """The backup with some members changed or taken out, and everything of gzip and tar in order."""
    with tarfile.open(backup) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None
            given = changed.get(member.name.replace("/", "_").split(".")[0], content.read())
            if given is not None:
                member.size = len(given)
                new.addfile(member, io.BytesIO(given))
    return target


def test_parts_that_are_not_those_of_the_list_are_found(backup: Path, tmp_path: Path) -> None:
    changed = repacked(backup, tmp_path / "a", rows_users_000002=b'{"id":"4"}\n')
    with pytest.raises(BackupDamaged, match="rows/users/000002"):
        read(changed)
    with pytest.raises(BackupDamaged):
        read(repacked(backup, tmp_path / "b", vectors_000001=None))
    with pytest.raises(BackupDamaged, match="end of the backup is missing"):
        read(repacked(backup, tmp_path / "c", summary=None))
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    with pytest.raises(BackupDamaged, match=sha256[:12]):
        read(repacked(backup, tmp_path / "d", **{f"files_{sha256}": b"else"}))


def test_what_is_no_backup_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("Not a backup.")
    with gzip.open(tmp_path / "zipped", "wb") as file:
        file.write(b"Not a backup.")
    with tarfile.open(tmp_path / "tarred", "w:gz") as archive:
        archive.add(tmp_path / "text", "text")
    for name in ("text", "zipped", "tarred"):
        with pytest.raises(BackupDamaged):
            read(tmp_path / name)
    with pytest.raises(NotFound):
        read(tmp_path / "missing")


def test_a_later_format_is_told(backup: Path, tmp_path: Path) -> None:
    head = json.dumps(dataclasses.asdict(Made([]).head) | {"format": 2, "version": "9.9"}).encode()
    with pytest.raises(Conflict, match=r"9\.9"):
        read(repacked(backup, tmp_path / "later", head=head))


def test_an_encrypted_one_needs_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "x.backup"
    write_backup(path, Made(parts()), "correct horse battery", no_progress)
    assert b"users" not in path.read_bytes()
    for passphrase, says in ((None, "is needed"), ("incorrect horse", "is not the one")):
        with pytest.raises(WrongPassphrase, match=says):
            read(path, passphrase)
