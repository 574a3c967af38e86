"""Reconciling finds what differs between database and indexes, repairs it, and says what it was."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from core_api.infra.errors import Unavailable
from core_api.models import Chunk, IndexState, IndexStatus, OutboxEvent
from ingest import reconcile
from ingest.reconcile import Report
from ingest.sources import SourceKey
from retrieval.vectors import VectorRow
from tests.ingest.house import House

RULES = "The rules of this part are in the annex of the guide. " * 12
TEXT = "\n\n".join(f"## Part {n}\n\nPart {n}. {RULES}" for n in range(4))


@pytest.fixture
def document(house: House) -> str:
    """An indexed document of four chunks."""
    id_ = house.put("guide.md", TEXT)
    house.index()
    house.keywords.catch_up(house.database)
    house.embedder.passages = []
    return id_


def repair(house: House) -> Report:
    """Reconcile, let the pipeline do its part, and see that all is well."""
    report = house.reconcile()
    house.index()
    assert house.reconcile().consistent
    house.assert_consistent()
    return report


def collection(house: House) -> str:
    (name,) = house.vectors.collections()
    return name


def test_what_agrees_is_left_alone(house: House, document: str) -> None:
    report = house.reconcile()
    assert report.consistent
    assert (report.sources, report.chunks, report.vectors, report.requeued) == (1, 4, 4, 0)
    assert house.events() == []


def test_missing_vectors_are_made_again_and_no_others(house: House, document: str) -> None:
    house.vectors.delete(collection(house), [f"document:{document}:1"])
    report = repair(house)
    assert (report.missing_vectors, report.requeued) == (1, 1)
    assert len(house.embedder.passages) == 1


def test_vectors_of_other_content_are_replaced(house: House, document: str) -> None:
    (row,) = house.vectors.get(collection(house), [f"document:{document}:2"]).values()
    house.vectors.upsert(collection(house), [VectorRow(row.id, row.space_id, "0" * 64, -row.embedding)])
    assert repair(house).wrong_vectors == 1
    assert len(house.embedder.passages) == 1


def test_vectors_without_a_chunk_are_deleted(house: House, document: str) -> None:
    (row,) = house.vectors.get(collection(house), [f"document:{document}:0"]).values()
    strangers = [f"document:{document}:9", "document:gone:0"]
    house.vectors.upsert(
        collection(house), [VectorRow(id_, row.space_id, row.content_sha256, row.embedding) for id_ in strangers]
    )
    assert repair(house).orphan_vectors == 2
    assert house.embedder.passages == []


def test_a_whole_collection_that_is_lost_is_built_again(house: House, document: str) -> None:
    house.vectors.drop(collection(house))
    assert repair(house).missing_vectors == 4


def test_a_collection_that_no_space_has_is_dropped(house: House, document: str) -> None:
    (row,) = house.vectors.get(collection(house), [f"document:{document}:0"]).values()
    house.vectors.upsert("space-nobody-model", [row])
    assert repair(house).orphan_collections == 1


def test_missing_chunks_are_written_again(house: House, document: str) -> None:
    with house.database.transaction() as session:
        session.execute(delete(Chunk).where(Chunk.id == f"document:{document}:3"))
    assert repair(house).wrong_chunks == 1
    assert len(house.chunks(document)) == 4
    assert len(house.embedder.passages) <= 1


def test_a_document_whose_event_was_lost_is_indexed(house: House, document: str) -> None:
    lost = house.put("lost.md", "Never announced.")
    house.put("guide.md", TEXT + "\n\nA late addition.")
    with house.database.transaction() as session:
        session.execute(delete(OutboxEvent))
    report = repair(house)
    assert (report.never_indexed, report.stale) == (1, 1)
    assert house.state(lost).status == IndexStatus.INDEXED


def test_a_deletion_whose_event_was_lost_is_carried_out(house: House, document: str) -> None:
    house.delete(document)
    with house.database.transaction() as session:
        session.execute(delete(OutboxEvent))
    assert repair(house).not_deleted == 1
    assert house.document(document) is None


def test_a_damaged_keyword_index_is_built_again(house: House, document: str) -> None:
    with house.database.transaction() as session:
        session.execute(delete(Chunk))
        session.execute(update(IndexState).values(chunk_count=0))
    report = house.reconcile()
    assert report.keywords_rebuilt or report.missing_vectors or report.orphan_vectors
    with house.database.transaction() as session:
        reconcile.reindex(session)
    house.index()
    house.reconcile()
    house.assert_consistent()


def test_waiting_documents_are_left_to_the_pipeline(house: House, document: str) -> None:
    house.put("guide.md", TEXT + "\n\nMore.")
    report = house.reconcile()
    assert (report.waiting, report.stale, report.requeued) == (1, 0, 0)


def test_files_that_nothing_refers_to_are_deleted_when_they_are_old(house: House, document: str) -> None:
    house.put("guide.md", TEXT + "\n\nMore.")
    house.index()
    house.delete(document)
    house.index()
    files = list(house.settings.files_dir.glob("??/*"))
    assert len(files) == 2
    assert house.reconcile().unused_files == 0
    hours_ago = time.time() - 7200
    os.utime(files[0], (hours_ago, hours_ago))
    assert house.reconcile().unused_files == 1


def test_a_stored_file_that_is_missing_is_told(house: House, document: str) -> None:
    for file in house.settings.files_dir.glob("??/*"):
        file.unlink()
    report = house.reconcile()
    assert (report.missing_files, report.consistent) == (1, False)


def test_reindexing_embeds_nothing_that_has_not_changed(house: House, document: str) -> None:
    other_space = house.make_space("Other")
    other = house.put("other.md", TEXT, other_space)
    house.index()
    house.embedder.passages = []
    before = house.state(document).change_seq, house.state(other).change_seq
    with house.database.transaction() as session:
        assert reconcile.reindex(session, house.space) == 1
    house.index()
    assert house.embedder.passages == []
    assert house.state(document).change_seq > before[0]
    assert house.state(other).change_seq == before[1]
    house.assert_consistent()


def test_retrying_takes_up_what_failed_and_what_was_parked(house: House, document: str, tmp_path: Path) -> None:
    broken = house.put("broken.pdf", b"%PDF-1.4 broken")
    house.index()
    parked = house.put("parked.md", "Cannot be embedded now.")
    house.embedder.error = Unavailable("Away.")
    for _ in range(house.settings.ingest_max_tries):
        house.index()
        with house.database.transaction() as session:
            session.execute(update(OutboxEvent).values(available_at=OutboxEvent.created_at))
    house.embedder.error = None
    with house.database.transaction() as session:
        assert reconcile.retry(session, SourceKey("document", broken)) == 1
    assert {event.source_id for event in house.events() if event.parked_at is None} == {broken}
    with house.database.transaction() as session:
        assert reconcile.retry(session) == 2
    house.index()
    assert house.state(parked).status == IndexStatus.INDEXED
    assert house.state(broken).status == IndexStatus.FAILED
    house.assert_consistent()
