"""Indexing of files that are kept in S3."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core_api.infra.errors import StorageUnavailable
from core_api.infra.storage import objects as object_store
from core_api.models import DocumentVersion, IndexState, IndexStatus, OutboxEvent, utcnow
from ingest import reconcile
from ingest.sandbox import Sandbox
from retrieval.embedding import Embedder
from tests.ingest.conftest import new_house
from tests.ingest.house import House
from tests.modes import Embedded
from tests.services import ObjectStorage


@pytest.fixture
def house(
    tmp_path: Path,
    embedded_mode: Embedded,
    embedder: Embedder,
    sandbox: Sandbox,
    s3: ObjectStorage,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[House]:
    """Everything around the pipeline, with files in a bucket of its own."""
    monkeypatch.setattr(object_store, "_AWAY_SECONDS", 0.0)
    with new_house(tmp_path, embedded_mode, embedder, sandbox, **s3.settings(s3.make_bucket())) as built:
        yield built
    s3.start()


def forget_copies(house: House) -> None:
    """As on a machine that has not seen the files."""
    shutil.rmtree(house.settings.file_cache_dir)


def make_due(house: House) -> None:
    with house.database.transaction() as session:
        session.execute(update(OutboxEvent).values(available_at=utcnow() - timedelta(seconds=1)))


def test_a_file_is_indexed_wherever_it_was_uploaded(house: House) -> None:
    document = house.put("leave.md", "# Leave\n\nAsk your lead.")
    forget_copies(house)
    house.index()
    assert [chunk.text for chunk in house.chunks(document)]
    house.assert_consistent()


def test_while_the_storage_is_away_indexing_waits_and_holds_up_nothing_else(house: House, s3: ObjectStorage) -> None:
    old = house.put("old.md", "# Old\n\nIndexed before.")
    house.index()
    lost = house.put("leave.md", "# Leave\n\nAsk your lead.")
    forget_copies(house)
    here = house.put("here.md", "# Here\n\nThis one has a copy on this machine.")
    house.change(old, title="Older")
    s3.stop()
    for _ in range(house.settings.ingest_max_tries + 2):
        house.index()
        (event,) = house.events()
        assert (event.source_id, event.tries, event.parked_at) == (lost, 0, None)
        assert "NEXUS_STORAGE_ENDPOINT_URL" in (event.last_error or "")
        assert event.available_at > utcnow()
        make_due(house)
    assert house.state(here).status == IndexStatus.INDEXED
    assert house.chunks(old)[0].title == "Older"
    with house.database.reading() as session:
        assert session.get(IndexState, ("document", lost)) is None  # it has not failed
    s3.start()
    house.index()
    assert house.events() == []
    assert house.state(lost).status == IndexStatus.INDEXED
    house.assert_consistent()


def test_a_file_that_is_lost_is_a_failure_of_its_own(house: House, s3: ObjectStorage) -> None:
    document = house.put("leave.md", "# Leave\n\nAsk your lead.")
    with house.database.reading() as session:
        sha256 = session.scalars(select(DocumentVersion.sha256)).one()
    house.files.delete(sha256)
    for _ in range(house.settings.ingest_max_tries):
        house.index()
        make_due(house)
    assert house.state(document).status == IndexStatus.FAILED
    assert "missing from the storage" in (house.state(document).error or "")


def test_reconciling_compares_with_the_bucket(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    document = house.put("leave.md", "# Leave\n\nAsk your lead.")
    house.put("leave.md", "# Leave\n\nAsk your lead, and tell us.")
    house.index()
    assert (house.reconcile().consistent, house.reconcile().unused_files) == (True, 0)
    house.delete(document)
    house.index()
    assert house.reconcile().unused_files == 0  # they are too young to be known as unused
    monkeypatch.setattr(reconcile, "_FILE_AGE_SECONDS", -5.0)
    assert house.reconcile().unused_files == 2
    assert house.files.stored() == set()
    kept = house.put("new.md", "# New\n\nThis one is lost.")
    house.index()
    with house.database.reading() as session:
        sha256 = session.scalars(select(DocumentVersion.sha256).where(DocumentVersion.document_id == kept)).one()
    house.files.delete(sha256)
    report = house.reconcile()
    assert (report.missing_files, report.consistent) == (1, False)


def test_reconciling_repairs_the_indexes_while_the_storage_is_away(house: House, s3: ObjectStorage) -> None:
    document = house.put("leave.md", "# Leave\n\nAsk your lead.")
    house.index()
    for collection in house.vectors.collections():
        house.vectors.delete(collection, [id_ for id_, _, _ in house.vectors.ids(collection)])
    s3.stop()
    with pytest.raises(StorageUnavailable):
        house.reconcile()
    assert [event.source_id for event in house.events()] == [document]
    house.index()  # the file is among the copies
    house.assert_consistent()
