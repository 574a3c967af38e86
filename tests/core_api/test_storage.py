"""Where files are kept: the same behaviour in a folder and in S3, and what S3 needs besides."""

import io
import multiprocessing
import os
import random
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from pydantic import ValidationError

from core_api.infra.errors import FileDamaged, NotFound, StorageFull, StorageUnavailable, TooLarge
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore, open_files
from core_api.infra.storage import objects as object_store
from core_api.infra.storage.cache import FileCache
from core_api.infra.storage.store import place_of
from tests.services import ObjectStorage, cut_after, object_storage

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


@pytest.fixture
def in_s3(tmp_path: Path, s3: ObjectStorage) -> Kept:
    """A store in a bucket of its own."""
    bucket = s3.make_bucket()
    settings = Settings(data_dir=tmp_path, **s3.settings(bucket))
    return Kept(open_files(settings), settings, s3, bucket)


@pytest.fixture(params=["folder", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """A store of each kind."""
    if request.param == "s3":
        made: Kept = request.getfixturevalue("in_s3")
        return made
    settings = Settings(data_dir=tmp_path)
    return Kept(open_files(settings), settings)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Storage that does not answer is given up soon, and asked again soon."""
    monkeypatch.setattr(object_store, "_READ_SECONDS", 0.5)
    monkeypatch.setattr(object_store, "_AWAY_SECONDS", 0.0)


@pytest.fixture
def cut_off(in_s3: Kept, impatient: None) -> Iterator[Kept]:
    """A store that holds `kept`, known on another machine only, whose server is away."""
    assert in_s3.s3 is not None
    put(in_s3.elsewhere(), b"kept")
    in_s3.s3.stop()
    yield in_s3
    in_s3.s3.start()


def put(kept: Kept, content: bytes, max_bytes: int = BIG) -> str:
    return kept.files.put(io.BytesIO(content), max_bytes).sha256


def hash_of(content: bytes) -> str:
    return sha256(content).hexdigest()


class Breaking(io.BytesIO):
    """An upload whose sender goes away."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise ConnectionResetError("gone")
        return super().read(10)


# What both do


def test_a_file_is_kept_once_under_its_hash_until_it_is_deleted(kept: Kept) -> None:
    stored = kept.files.put(io.BytesIO(b"Words."), 6)
    assert (stored.sha256, stored.size) == (hash_of(b"Words."), 6)
    assert put(kept, b"Words.") == stored.sha256
    other = put(kept, b"")
    assert kept.files.existing(stored.sha256).read_bytes() == b"Words."
    assert kept.files.existing(other).read_bytes() == b""
    assert kept.files.stored() == {stored.sha256, other}
    assert kept.objects() == {place_of(stored.sha256): b"Words.", place_of(other): b""}
    kept.files.delete(stored.sha256)
    kept.files.delete(stored.sha256)
    assert kept.files.stored() == {other}
    with pytest.raises(NotFound, match="missing from the storage"):
        kept.files.existing(stored.sha256)
    assert kept.left_over() == []


def test_when_a_file_was_last_put_is_known(kept: Kept) -> None:
    before = time.time() - 2  # S3 counts in seconds
    sha = put(kept, b"Words.")
    put_at = kept.files.put_at(sha)
    assert put_at is not None
    assert before <= put_at <= time.time() + 2
    assert kept.files.put_at(hash_of(b"other")) is None


def test_what_is_too_large_or_breaks_off_leaves_nothing(kept: Kept) -> None:
    with pytest.raises(TooLarge, match="NEXUS_MAX_UPLOAD_BYTES"):
        put(kept, b"x" * 101, 100)
    with pytest.raises(ConnectionResetError):
        kept.files.put(Breaking(b"x" * 100), 100)
    assert (kept.files.stored(), kept.objects(), kept.copies(), kept.left_over()) == (set(), {}, set(), [])


def test_nothing_is_taken_that_leaves_too_little_room(kept: Kept) -> None:
    full = open_files(kept.settings.model_copy(update={"min_free_bytes": 10**18}))
    with pytest.raises(StorageFull):
        full.put(io.BytesIO(b"Words."), 10)
    assert kept.objects() == {}
    sha = put(kept, b"Words.")
    assert full.existing(sha).read_bytes() == b"Words."  # reading goes on


def test_only_our_own_files_are_listed(kept: Kept) -> None:
    sha = put(kept, b"Words.")
    if kept.s3 is not None:
        for key in ("company/files/notes.txt", f"company/files/zz/{sha}", f"company/{place_of(sha)}"):
            kept.s3.client.put_object(Bucket=kept.bucket, Key=key, Body=b"theirs")
    else:
        (kept.settings.files_dir / sha[:2] / "notes.txt").write_text("theirs")
    assert kept.files.stored() == {sha}


def test_a_check_leaves_nothing_behind(kept: Kept) -> None:
    kept.files.check()
    assert (kept.objects(), kept.left_over()) == ({}, [])


def test_threads_put_and_read_the_same_files_at_once(kept: Kept) -> None:
    contents = [b"file %d" % (number % 5) * 1000 for number in range(40)]
    here, there = kept.files, kept.elsewhere().files if kept.s3 else kept.files

    def put_and_read(content: bytes) -> bytes:
        stored = here.put(io.BytesIO(content), BIG)
        return there.existing(stored.sha256).read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(put_and_read, contents)) == contents
    assert kept.files.stored() == {hash_of(content) for content in contents}
    assert kept.left_over() == []


# Settings


def test_a_folder_elsewhere_can_hold_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "a share"
    files = open_files(Settings(data_dir=tmp_path / "data", storage_url=f"file://{folder}".replace(" ", "%20")))
    sha = files.put(io.BytesIO(b"Words."), BIG).sha256
    assert (folder / place_of(sha)).read_bytes() == b"Words."
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    files = open_files(Settings(data_dir=tmp_path, storage_url=f"file://{tmp_path}/file/files"))
    with pytest.raises(StorageUnavailable, match="cannot be used: Not a directory"):
        files.check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"storage_url": "s3://key:secret@bucket"},
        {"storage_url": "s3:///prefix"},
        {"storage_url": "s3://bucket?region=x"},
        {"storage_url": "ftp://host/folder"},
        {"storage_url": "file://folder"},
        {"storage_url": "/srv/files"},
        {"storage_url": "s3://bucket", "storage_endpoint_url": "minio:9000"},
        {"storage_url": "s3://bucket", "storage_access_key": "key"},
        {"storage_url": "s3://bucket", "storage_secret_key": "secret"},
        {"storage_cache_bytes": -1},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_a_whole_bucket_can_be_used(tmp_path: Path, s3: ObjectStorage) -> None:
    bucket = s3.make_bucket()
    files = open_files(Settings(data_dir=tmp_path, **s3.settings(bucket) | {"storage_url": f"s3://{bucket}"}))
    sha = files.put(io.BytesIO(b"Words."), BIG).sha256
    files.check()
    assert list(s3.objects(bucket)) == [place_of(sha)]
    assert files.stored() == {sha}


def test_without_keys_those_of_the_environment_are_used(
    in_s3: Kept, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    settings = in_s3.settings.model_copy(update={"storage_access_key": None, "storage_secret_key": None})
    with pytest.raises(StorageUnavailable, match="NEXUS_STORAGE_ACCESS_KEY"):
        open_files(settings).check()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    open_files(settings).check()


# The copies on this machine


def test_files_of_a_folder_can_be_moved_to_s3_as_they_are(in_s3: Kept, tmp_path: Path) -> None:
    assert in_s3.s3 is not None
    folder = Settings(data_dir=tmp_path / "before")
    sha = open_files(folder).put(io.BytesIO(b"Words."), BIG).sha256
    for path in folder.files_dir.glob("??/*"):
        key = f"company/files/{path.relative_to(folder.files_dir)}"
        in_s3.s3.client.put_object(Bucket=in_s3.bucket, Key=key, Body=path.read_bytes())
    assert in_s3.files.existing(sha).read_bytes() == b"Words."


def test_a_file_is_fetched_once_and_checked(in_s3: Kept) -> None:
    assert in_s3.s3 is not None
    content = random.Random(1).randbytes(3 * 2**20)
    sha = put(in_s3, content)
    there = in_s3.elsewhere()
    assert there.files.existing(sha).read_bytes() == content
    in_s3.s3.client.delete_object(Bucket=in_s3.bucket, Key=f"company/files/{place_of(sha)}")
    assert there.files.existing(sha).read_bytes() == content
    assert in_s3.files.existing(sha).read_bytes() == content


def test_a_large_file_goes_in_parts_and_comes_back_whole(in_s3: Kept) -> None:
    content = random.Random(2).randbytes(40 * 2**20 + 7)
    sha = put(in_s3, content)
    assert hash_of(in_s3.elsewhere().files.existing(sha).read_bytes()) == sha


def test_a_file_that_was_damaged_in_the_storage_is_not_handed_out(in_s3: Kept) -> None:
    assert in_s3.s3 is not None
    sha = put(in_s3, b"Words.")
    in_s3.s3.client.put_object(Bucket=in_s3.bucket, Key=f"company/files/{place_of(sha)}", Body=b"Other words.")
    there = in_s3.elsewhere()
    with pytest.raises(FileDamaged, match="backup"):
        there.files.existing(sha)
    assert (there.copies(), there.left_over()) == (set(), [])


def age(kept: Kept, sha: str, seconds: float) -> None:
    """Make a copy one that was not used for so long."""
    then = time.time() - seconds
    os.utime(kept.settings.file_cache_dir / place_of(sha), (then, then))


def test_what_was_not_used_for_longest_makes_room(in_s3: Kept) -> None:
    settings = in_s3.settings.model_copy(update={"storage_cache_bytes": 3000})
    small = Kept(open_files(settings), settings)
    first, second, third = (put(small, letter * 1000) for letter in (b"a", b"b", b"c"))
    for hours, sha in ((5, first), (4, second), (3, third)):
        age(small, sha, hours * 3600)
    assert small.files.existing(first).read_bytes() == b"a" * 1000  # used just now
    fourth = put(small, b"d" * 1000)
    assert small.copies() == {first, third, fourth}
    assert small.files.existing(second).read_bytes() == b"b" * 1000  # fetched again
    assert small.copies() == {first, second, fourth}


def test_what_is_in_use_stays_even_where_it_is_too_much(in_s3: Kept) -> None:
    settings = in_s3.settings.model_copy(update={"storage_cache_bytes": 0})
    none = Kept(open_files(settings), settings)
    shas = {put(none, letter * 1000) for letter in (b"a", b"b", b"c")}
    assert none.copies() == shas
    for sha in shas:
        age(none, sha, 3600)
    last = put(none, b"d")
    assert none.copies() == {last}


def test_copies_that_nobody_used_for_a_week_and_left_overs_go(in_s3: Kept) -> None:
    old, recent = put(in_s3, b"old"), put(in_s3, b"recent")
    age(in_s3, old, 8 * 24 * 3600)
    age(in_s3, recent, 6 * 24 * 3600)
    dead = in_s3.settings.file_cache_dir / ".incoming-dead"
    dead.write_bytes(b"half a f")
    os.utime(dead, (0, 0))
    again = Kept(open_files(in_s3.settings), in_s3.settings)  # as after a start
    new = put(again, b"new")
    assert in_s3.copies() == {recent, new}
    assert in_s3.left_over() == []


def test_copies_make_room_for_others_on_a_disk_that_is_nearly_full(in_s3: Kept) -> None:
    old, recent = put(in_s3, b"old" * 1000), put(in_s3, b"recent")
    age(in_s3, old, 3600)
    full = open_files(in_s3.settings.model_copy(update={"min_free_bytes": 10**18}))
    assert full.existing(recent).read_bytes() == b"recent"
    with pytest.raises(StorageFull):
        full.put(io.BytesIO(b"new"), BIG)
    assert in_s3.copies() == {recent}


def _use(root: Path, seconds: float, seed: int, answers: "multiprocessing.Queue[str]") -> None:
    """Read copies, making those that are missing, and tell what went wrong."""
    cache = FileCache(root, 5000, 0, hold_seconds=0.2)
    chance = random.Random(seed)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            content = b"%04d" % chance.randrange(200) * 250
            if (path := cache.find(hash_of(content))) is None:
                with cache.incoming() as temporary:
                    temporary.write_bytes(content)
                    path = cache.keep(temporary, hash_of(content))
            assert path.read_bytes() == content
        answers.put("")
    except BaseException as error:
        answers.put(repr(error))
        raise


def test_processes_share_the_copies_and_take_none_from_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    processes = [context.Process(target=_use, args=(tmp_path / "copies", 3, seed, answers)) for seed in range(3)]
    for process in processes:
        process.start()
    assert [answers.get(timeout=120) for _ in processes] == [""] * 3
    for process in processes:
        process.join(20)
    time.sleep(0.3)  # nothing is in use any more
    cache = FileCache(tmp_path / "copies", 5000, 0, hold_seconds=0.2)
    with cache.incoming() as temporary:
        temporary.write_bytes(b"last")
        cache.keep(temporary, hash_of(b"last"))
    assert sum(path.stat().st_size for path in cache.root.glob("??/*")) <= 5000


# When the storage fails


def test_storage_that_is_away_is_told_and_leaves_nothing(cut_off: Kept) -> None:
    files, sha = cut_off.files, hash_of(b"kept")
    calls = (
        lambda: files.put(io.BytesIO(b"new"), BIG),
        lambda: files.existing(sha),
        lambda: files.delete(sha),
        files.stored,
        lambda: files.put_at(sha),
        files.check,
    )
    for call in calls:
        with pytest.raises(StorageUnavailable, match="NEXUS_STORAGE_ENDPOINT_URL") as told:
            call()
        assert told.value.status == 503
        assert told.value.headers["Retry-After"].isdigit()
    assert (cut_off.copies(), cut_off.left_over()) == (set(), [])
    assert cut_off.elsewhere().files.existing(sha).read_bytes() == b"kept"  # it has a copy
    assert cut_off.s3 is not None
    cut_off.s3.start()
    assert files.stored() == {sha}
    assert files.existing(sha).read_bytes() == b"kept"


def test_storage_that_says_nothing_is_not_waited_for(in_s3: Kept, impatient: None) -> None:
    assert in_s3.s3 is not None
    sha = put(in_s3.elsewhere(), b"kept")
    with in_s3.s3.hanging():
        with pytest.raises(StorageUnavailable, match="cannot be reached"):
            in_s3.files.existing(sha)
        with pytest.raises(StorageUnavailable, match="cannot be reached"):
            put(in_s3, b"new")
    assert in_s3.files.existing(sha).read_bytes() == b"kept"


def test_while_it_is_away_not_everyone_asks(cut_off: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cut_off.s3 is not None
    monkeypatch.setattr(object_store, "_AWAY_SECONDS", 3600.0)
    with pytest.raises(StorageUnavailable):
        cut_off.files.stored()
    cut_off.s3.start()
    with pytest.raises(StorageUnavailable, match="cannot be reached"):
        cut_off.files.stored()  # it was not asked


@pytest.mark.parametrize("size", [2 * 2**20, 40 * 2**20])
def test_an_upload_that_breaks_off_leaves_nothing(in_s3: Kept, impatient: None, size: int) -> None:
    assert in_s3.s3 is not None
    with cut_after(in_s3.s3.endpoint, size // 2) as endpoint:
        settings = in_s3.settings.model_copy(update={"storage_endpoint_url": endpoint})
        cut = Kept(open_files(settings), settings)
        cut.files.check()
        with pytest.raises(StorageUnavailable):
            put(cut, random.Random(3).randbytes(size))
    assert (in_s3.objects(), in_s3.copies(), in_s3.left_over()) == ({}, set(), [])


def test_a_download_that_breaks_off_leaves_nothing(in_s3: Kept, impatient: None) -> None:
    assert in_s3.s3 is not None
    sha = put(in_s3.elsewhere(), random.Random(4).randbytes(4 * 2**20))
    with cut_after(in_s3.s3.endpoint, 2**20) as endpoint:
        settings = in_s3.settings.model_copy(update={"storage_endpoint_url": endpoint})
        cut = Kept(open_files(settings), settings)
        with pytest.raises(StorageUnavailable):
            cut.files.existing(sha)
    assert (in_s3.copies(), in_s3.left_over()) == (set(), [])
    assert hash_of(in_s3.files.existing(sha).read_bytes()) == sha


def test_a_bucket_that_does_not_exist_is_named(in_s3: Kept) -> None:
    files = open_files(in_s3.settings.model_copy(update={"storage_url": "s3://no-such-bucket/files"}))
    for call in (files.check, files.stored, lambda: files.put(io.BytesIO(b"x"), 1), lambda: files.existing("0" * 64)):
        with pytest.raises(StorageUnavailable, match="'no-such-bucket' does not exist"):
            call()


def test_keys_that_are_refused_are_told(tmp_path: Path) -> None:
    with object_storage(INITIAL_NO_AUTH_ACTION_COUNT="1") as strict:
        settings = Settings(data_dir=tmp_path, **strict.settings(strict.make_bucket()))
        files = open_files(settings)
        for call in (files.check, lambda: files.put(io.BytesIO(b"x"), 1), lambda: files.existing("0" * 64)):
            with pytest.raises(StorageUnavailable, match="refuses access") as told:
                call()
            assert "NEXUS_STORAGE_ACCESS_KEY" in told.value.detail


def test_copies_can_be_thrown_away_at_any_time(in_s3: Kept) -> None:
    sha = put(in_s3, b"Words.")
    shutil.rmtree(in_s3.settings.file_cache_dir)
    assert in_s3.files.existing(sha).read_bytes() == b"Words."
