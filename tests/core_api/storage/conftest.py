"""Stores of files, in a folder and in S3."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core_api.infra.settings import Settings
from core_api.infra.storage import objects as object_store
from core_api.infra.storage import open_files
from tests.core_api.storage.kept import Kept, put
from tests.services import ObjectStorage


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
