"""What is in the indexes is what the documents say, whatever happens on the way."""

import threading

import pytest

from core_api.infra.errors import Unavailable
from core_api.models import IndexStatus, OutboxEvent, SpaceKind, VersionText
from core_api.outbox import request_index
from ingest import queue
from ingest.sources import SourceKey
from tests.ingest.house import House

SENTENCES = "Requests are reviewed within ten days. Answers come in writing. Appeals go to the board of the office. "


def page(parts: int = 6, **changes: str) -> str:
    """A Markdown page of some sections; `s2="..."` replaces the text of section 2."""
    return "\n\n".join(f"## Section {n}\n\n{changes.get(f's{n}', f'Part {n}. {SENTENCES * 5}')}" for n in range(parts))


def test_a_new_document_is_read_cut_embedded_and_found_by_its_words(house: House) -> None:
    document = house.put("leave.md", page())
    house.index()
    state = house.state(document)
    chunks = house.chunks(document)
    assert (state.status, state.indexed_version, state.chunk_count) == (IndexStatus.INDEXED, 1, len(chunks))
    assert len(chunks) >= 6
    assert [chunk.id for chunk in chunks] == [f"document:{document}:{n}" for n in range(len(chunks))]
    assert house.events() == []
    with house.database.reading() as session:
        text = session.query(VersionText).one()
    assert all(text.text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    house.assert_consistent()
    assert house.keywords.search("appeals board", 5, [house.space])


def test_looking_again_at_what_has_not_changed_embeds_and_writes_nothing(house: House) -> None:
    document = house.put("leave.md", page())
    house.index()
    before, house.embedder.passages = house.state(document).change_seq, []
    for _ in range(3):
        with house.database.transaction() as session:
            request_index(session, "document", document)
    house.index()
    assert house.embedder.passages == []
    assert house.state(document).change_seq == before
    assert house.events() == []


def test_an_edit_embeds_its_passages_only(house: House) -> None:
    document = house.put("leave.md", page())
    house.index()
    house.embedder.passages = []
    house.put("leave.md", page(s3=f"Part 3. {SENTENCES * 4} Beekeeping is allowed on the roof."))
    house.index()
    assert len(house.embedder.passages) == 1
    assert "Beekeeping" in house.embedder.passages[0]
    assert {chunk.version for chunk in house.chunks(document)} == {2}
    house.assert_consistent()


def test_text_that_moves_keeps_its_embeddings(house: House) -> None:
    document = house.put("leave.md", page())
    house.index()
    house.embedder.passages = []
    house.put("leave.md", f"## A new beginning\n\n{SENTENCES * 5}\n\n{page()}")
    house.index()
    assert len(house.embedder.passages) == 1
    assert len(house.chunks(document)) == 7
    house.assert_consistent()


def test_a_shorter_version_leaves_nothing_behind(house: House) -> None:
    document = house.put("leave.md", page(8))
    house.index()
    house.put("leave.md", page(2))
    house.index()
    assert len(house.chunks(document)) == 2
    house.assert_consistent()


def test_a_new_title_is_embedded_without_reading_the_file_again(house: House) -> None:
    document = house.put("leave.md", page(3), title="Leave")
    house.index()
    house.embedder.passages = []
    stored = house.settings.files_dir
    for file in stored.glob("??/*"):
        file.unlink()
    house.change(document, title="Time off")
    house.index()
    assert house.state(document).status == IndexStatus.INDEXED
    assert len(house.embedder.passages) == 3
    assert all(text.startswith("Time off\n") for text in house.embedder.passages)
    house.assert_consistent()


def test_a_title_found_in_the_content_is_taken_unless_a_person_gave_one(house: House) -> None:
    found = house.put("a1.md", "---\ntitle: Travel guide\n---\n\nBook early.")
    given = house.put("a2.md", "---\ntitle: Travel guide\n---\n\nBook early.", title="My notes")
    house.index()
    titles = {id_: house.document(id_).title for id_ in (found, given)}  # type: ignore[union-attr]
    assert titles == {found: "Travel guide", given: "My notes"}
    assert house.events() == []
    house.assert_consistent()


@pytest.mark.parametrize("kind", [SpaceKind.TEAM, SpaceKind.PERSONAL])
def test_a_document_that_moves_takes_its_vectors_along(house: House, kind: SpaceKind) -> None:
    document = house.put("leave.md", page(3))
    house.index()
    house.embedder.passages = []
    other = house.make_space("Other", kind)
    house.change(document, space=other)
    house.index()
    assert house.embedder.passages == []
    assert {chunk.space_id for chunk in house.chunks()} == {other}
    house.assert_consistent()


def test_a_deleted_document_leaves_every_index_and_then_the_database(house: House) -> None:
    document = house.put("leave.md", page(3))
    house.put("other.md", "Stays.")
    house.index()
    house.delete(document)
    house.index()
    assert house.document(document) is None
    assert house.chunks(document) == []
    assert house.state(document).status == IndexStatus.DELETED
    house.assert_consistent()
    assert house.events() == []


def test_a_document_deleted_before_it_was_indexed_is_purged(house: House) -> None:
    document = house.put("leave.md", page(3))
    house.delete(document)
    house.index()
    assert house.document(document) is None
    assert house.embedder.passages == []


def test_a_file_that_cannot_be_read_fails_for_good_with_its_reason(house: House) -> None:
    document = house.put("empty.pdf", b"%PDF-1.4 broken")
    good = house.put("good.md", "Fine.")
    house.index()
    state = house.state(document)
    assert (state.status, state.chunk_count) == (IndexStatus.FAILED, 0)
    assert state.error_code
    assert state.error
    assert house.state(good).status == IndexStatus.INDEXED
    assert house.events() == []


def test_a_new_version_that_cannot_be_read_does_not_serve_the_old_text(house: House) -> None:
    document = house.put("a.md", page(3))
    house.index()
    house.put("a.md", "   ")
    house.index()
    assert house.state(document).status == IndexStatus.FAILED
    assert house.chunks(document) == []
    house.assert_consistent()
    house.put("a.md", page(3))
    house.index()
    assert house.state(document).status == IndexStatus.INDEXED
    house.assert_consistent()


def test_the_same_text_in_two_documents_is_embedded_once_in_a_batch(house: House) -> None:
    house.put("a/same.md", page(3), title="Same")
    house.put("b/same.md", page(3), title="Same")
    house.index()
    assert len(house.embedder.passages) == 3
    assert len(house.chunks()) == 6
    house.assert_consistent()


def test_a_document_that_changes_while_it_is_embedded_is_looked_at_again(house: House) -> None:
    document = house.put("leave.md", page(3))
    house.embedder.before = threading.Event()
    worker = threading.Thread(target=house.index)
    worker.start()
    assert house.embedder.started.wait(30)
    house.put("leave.md", page(2, s1="The second version speaks of otters."))
    house.embedder.before.set()
    worker.join(60)
    assert {chunk.version for chunk in house.chunks(document)} == {2}
    assert any("otters" in chunk.text for chunk in house.chunks(document))
    assert house.events() == []
    house.assert_consistent()


def test_a_document_that_is_deleted_while_it_is_embedded_is_gone(house: House) -> None:
    document = house.put("leave.md", page(3))
    house.embedder.before = threading.Event()
    worker = threading.Thread(target=house.index)
    worker.start()
    assert house.embedder.started.wait(30)
    house.delete(document)
    house.embedder.before.set()
    worker.join(60)
    assert house.document(document) is None
    house.assert_consistent()


def test_a_move_there_and_back_while_it_is_written_ends_where_it_is(house: House) -> None:
    document = house.put("leave.md", page(3))
    house.index()
    other = house.make_space("Other")
    house.change(document, space=other)
    # The pipeline is caught between vectors and commit, as by a crash, and the document returns.
    writer = house.pipeline._writer
    house.pipeline._writer = _DiesAtCommit(writer)  # type: ignore[assignment]
    with pytest.raises(ConnectionAbortedError):
        house.look(document)
    house.pipeline._writer = writer
    house.change(document, space=house.space)
    house.index()
    assert {chunk.space_id for chunk in house.chunks(document)} == {house.space}
    report = house.reconcile()
    house.index()
    assert report.missing_vectors == 0
    house.assert_consistent()


class _DiesAtCommit:
    """The writer of a process that is killed just before its transaction."""

    def __init__(self, writer: object) -> None:
        self._writer = writer

    def __getattr__(self, name: str) -> object:
        return getattr(self._writer, name)

    def commit(self, _works: object) -> None:
        raise ConnectionAbortedError("killed")


def test_vectors_written_before_a_crash_are_not_made_again(house: House) -> None:
    document = house.put("leave.md", page(5))
    writer = house.pipeline._writer
    house.pipeline._writer = _DiesAtCommit(writer)  # type: ignore[assignment]
    with pytest.raises(ConnectionAbortedError):
        house.look(document)
    house.pipeline._writer = writer
    house.embedder.passages = []
    house.index()
    assert house.embedder.passages == []
    assert len(house.chunks(document)) == 5
    house.assert_consistent()


def test_what_fails_unexpectedly_is_tried_again_and_then_parked(house: House) -> None:
    document = house.put("leave.md", page(2))
    house.embedder.error = Unavailable("The embedding server does not answer.")
    waits = []
    for _ in range(house.settings.ingest_max_tries):
        house.index()
        (event,) = house.events()
        waits.append(event.available_at - event.created_at)
        _make_due(house)
    (event,) = house.events()
    assert event.parked_at is not None
    assert event.last_error == "The embedding server does not answer."
    assert house.state(document).error_code == "unavailable"
    assert waits[1] > waits[0]
    house.embedder.error = None
    house.index()
    assert house.chunks() == []  # parked: nobody tries any more

    with house.database.transaction() as session:
        queue.unpark(session)
    house.index()
    assert house.state(document).status == IndexStatus.INDEXED
    assert house.events() == []


def test_one_that_fails_holds_up_no_other(house: House) -> None:
    lost = house.put("lost.md", page(1, s0="This file disappears."))
    good = house.put("good.md", page(2))
    with house.database.reading() as session:
        from core_api.models import DocumentVersion

        sha256 = session.query(DocumentVersion).filter_by(document_id=lost).one().sha256
    house.files.delete(sha256)
    house.index()
    assert house.state(good).status == IndexStatus.INDEXED
    (event,) = house.events()
    assert event.source_id == lost
    assert "missing from the storage" in (event.last_error or "")


def test_a_change_after_parking_is_taken_up_at_once(house: House) -> None:
    document = house.put("leave.md", page(2))
    house.embedder.error = Unavailable("Away.")
    for _ in range(house.settings.ingest_max_tries):
        house.index()
        _make_due(house)
    house.embedder.error = None
    house.put("leave.md", page(3))
    house.index()
    assert house.state(document).status == IndexStatus.INDEXED
    assert house.events() == []


def test_duplicate_and_late_looks_do_no_harm(house: House) -> None:
    document = house.put("leave.md", page(2))
    house.index()
    house.put("leave.md", page(4))
    house.look(document)
    house.look(document)
    house.delete(document)
    house.look(document)
    house.look(document)
    assert house.document(document) is None
    house.assert_consistent()


def test_an_unknown_source_is_no_error(house: House) -> None:
    with house.database.transaction() as session:
        request_index(session, "document", "no-such-document")
    house.index()
    assert house.events() == []


def test_another_pipeline_reads_everything_again(house: House) -> None:
    document = house.put("leave.md", page(4))
    house.index()
    before = len(house.chunks(document))
    house.pipeline = house.make_pipeline(chunk_tokens=96)
    house.look(document)
    assert len(house.chunks(document)) > before
    house.assert_consistent()


def _make_due(house: House) -> None:
    from sqlalchemy import update

    from core_api.models import utcnow

    with house.database.transaction() as session:
        session.execute(update(OutboxEvent).values(available_at=utcnow()))


def test_a_batch_that_grows_too_large_is_written_in_parts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.pipeline._BATCH_CHARS", 100)
    ids = [house.put(f"{n}.md", page(1, s0=f"Number {n}. {SENTENCES}")) for n in range(4)]
    landed = house.pipeline.run([SourceKey("document", id_) for id_ in ids])
    assert [item.key.id for item in landed] == ids
    assert {house.state(id_).status for id_ in ids} == {IndexStatus.INDEXED}
    house.assert_consistent()


def test_characters_that_a_database_refuses_do_no_harm(house: House) -> None:
    document = house.put("odd.md", "An odd\x00 \U0001f600 text.")
    house.index()
    assert house.state(document).status == IndexStatus.INDEXED
    house.assert_consistent()
