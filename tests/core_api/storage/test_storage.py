"""Where files are kept: the same behaviour in a folder and in S3, and what S3 needs besides."""

import io
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from core_api.infra.errors import NotFound, StorageFull, StorageUnavailable, TooLarge
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from core_api.infra.storage.store import place_of
from tests.core_api.storage.kept import BIG, Breaking, Kept, hash_of, put
from tests.services import ObjectStorage


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


def test_files_of_a_folder_can_be_moved_to_s3_as_they_are(in_s3: Kept, tmp_path: Path) -> None:
    assert in_s3.s3 is not None
    folder = Settings(data_dir=tmp_path / "before")
    sha = open_files(folder).put(io.BytesIO(b"Words."), BIG).sha256
    for path in folder.files_dir.glob("??/*"):
        key = f"company/files/{path.relative_to(folder.files_dir)}"
        in_s3.s3.client.put_object(Bucket=in_s3.bucket, Key=key, Body=path.read_bytes())
    assert in_s3.files.existing(sha).read_bytes() == b"Words."


def test_a_large_file_goes_in_parts_and_comes_back_whole(in_s3: Kept) -> None:
    content = random.Random(2).randbytes(40 * 2**20 + 7)
    sha = put(in_s3, content)
    assert hash_of(in_s3.elsewhere().files.existing(sha).read_bytes()) == sha
