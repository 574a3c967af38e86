"""What is given out to whoever indexes: in which order, to one at a time, and how often."""

import threading

from sqlalchemy import insert

from core_api.models import OutboxEvent
from ingest import queue
from ingest.sources import SourceKey
from tests.ingest.house import House


def test_a_source_that_is_being_worked_on_is_not_given_out_twice(house: House) -> None:
    document = house.put("leave.md", "One.")
    with house.database.transaction() as session:
        assert queue.claim(session, 16, 3) == [SourceKey("document", document)]
    house.put("leave.md", "Two.")
    with house.database.transaction() as session:
        assert queue.claim(session, 16, 3) == []


def test_edits_come_before_a_bulk_import(house: House) -> None:
    document = house.put("edited.md", "One.")
    house.index()
    for n in range(20):
        house.put(f"bulk/{n}.md", f"Number {n}.")
    house.put("edited.md", "Two.")
    with house.database.transaction() as session:
        assert queue.claim(session, 16, 3)[0] == SourceKey("document", document)


def test_spaces_take_turns(house: House) -> None:
    bulk = [house.put(f"bulk/{n}.md", f"Number {n}.") for n in range(30)]
    other = house.make_space("Other")
    here = [house.put(f"here/{n}.md", f"Here {n}.", space=other) for n in range(3)]
    with house.database.transaction() as session:
        first = [key.id for key in queue.claim(session, 8, 3)]
    assert first == [bulk[0], here[0], bulk[1], here[1], bulk[2], here[2], bulk[3], bulk[4]]


def test_what_came_last_is_seen_behind_any_number_of_others(house: House) -> None:
    with house.database.transaction() as session:
        rows = [{"source_kind": "document", "source_id": f"bulk-{n}", "space_id": "bulk"} for n in range(3_000)]
        session.execute(insert(OutboxEvent), rows)
    document = house.put("mine.md", "One.")
    with house.database.transaction() as session:
        assert document in [key.id for key in queue.claim(session, 16, 3)]


def test_what_was_sent_counts_as_a_try_when_it_is_begun(house: House) -> None:
    key = SourceKey("document", house.put("sent.md", "One."))
    for _ in range(house.settings.ingest_max_tries + 1):  # no worker was there to begin
        with house.database.transaction() as session:
            assert queue.claim(session, 16, house.settings.ingest_max_tries, sent=True) == [key]
        with house.database.transaction() as session:
            queue.release_all(session)
    with house.database.transaction() as session:
        assert queue.begin(session, [key, SourceKey("document", "done-long-ago")]) == [key]
    (event,) = house.events()
    assert event.tries == 1
    with house.database.transaction() as session:
        queue.release(session, [key])
    house.index()
    with house.database.transaction() as session:
        assert queue.begin(session, [key]) == []  # the task came twice


def test_a_source_that_kills_its_worker_is_parked_in_the_end(house: House) -> None:
    document = house.put("deadly.md", "One.")
    for _ in range(house.settings.ingest_max_tries):
        with house.database.transaction() as session:
            assert queue.claim(session, 16, house.settings.ingest_max_tries) == [SourceKey("document", document)]
        with house.database.transaction() as session:
            assert queue.release_all(session) == 1
    with house.database.transaction() as session:
        assert queue.claim(session, 16, house.settings.ingest_max_tries) == []
    (event,) = house.events()
    assert event.parked_at is not None
    assert "worker died" in (event.last_error or "")


def test_two_workers_never_get_the_same_source(house: House) -> None:
    expected = {SourceKey("document", house.put(f"many/{n}.md", f"Number {n}.")) for n in range(60)}
    claimed: list[SourceKey] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        while True:
            with house.database.transaction() as session:
                keys = queue.claim(session, 4, 3)
            if not keys:
                return
            claimed.extend(keys)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(claimed) == 60
    assert set(claimed) == expected
    with house.database.transaction() as session:
        queue.release(session, claimed)
    house.index()
    house.assert_consistent()
