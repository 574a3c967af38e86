"""Storage that is away, slow, wrong or refuses: it is told, and nothing is left over."""

import io
import random
from pathlib import Path

import pytest

from core_api.infra.errors import FileDamaged, StorageUnavailable
from core_api.infra.settings import Settings
from core_api.infra.storage import objects as object_store
from core_api.infra.storage import open_files
from core_api.infra.storage.store import place_of
from tests.core_api.storage.kept import BIG, Kept, hash_of, put
from tests.services import cut_after, object_storage


def test_a_file_that_was_damaged_in_the_storage_is_not_handed_out(in_s3: Kept) -> None:
    assert in_s3.s3 is not None
    sha = put(in_s3, b"Words.")
    in_s3.s3.client.put_object(Bucket=in_s3.bucket, Key=f"company/files/{place_of(sha)}", Body=b"Other words.")
    there = in_s3.elsewhere()
    with pytest.raises(FileDamaged, match="backup"):
        there.files.existing(sha)
    assert (there.copies(), there.left_over()) == (set(), [])


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
