"""Ingestion as a running part: quick, quiet, and unharmed by kill -9, a full disk or a missing service."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from core_api.models import Chunk, IndexState, IndexStatus, OutboxEvent
from ingest.runtime import IngestRuntime
from retrieval.engine import RetrievalEngine
from tests.ingest.house import House

pytestmark = pytest.mark.one_mode

ROOT = Path(__file__).resolve().parents[2]
SENTENCES = "Requests are reviewed within ten days. Answers come in writing. Appeals go to the board of the office. "


@dataclass
class Running:
    """A house with ingestion running in it."""

    house: House
    runtime: IngestRuntime


@pytest.fixture
def running(house: House) -> Iterator[Running]:
    """Ingestion on its own threads."""
    engine = RetrievalEngine(house.embedder, house.vectors, house.keywords, house.settings)  # type: ignore[arg-type]
    runtime = IngestRuntime(house.settings, house.database, engine)
    runtime.start()
    yield Running(house, runtime)
    runtime.stop()


def page(number: int, parts: int = 4) -> str:
    return "\n\n".join(f"## Part {n}\n\nDocument {number}, part {n}. {SENTENCES * 5}" for n in range(parts))


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def test_an_edit_becomes_searchable_and_its_lag_is_known(running: Running) -> None:
    house = running.house
    house.keywords.follow(house.database)
    house.put("leave.md", page(0))
    assert running.runtime.wait_idle(60)
    before = len(running.runtime.freshness.lags_ms())
    house.put("leave.md", page(0) + "\n\nThe word of the day is zebra.")
    until(lambda: bool(house.keywords.search("zebra", 1, [house.space])))
    until(lambda: len(running.runtime.freshness.lags_ms()) == before + 1)
    assert running.runtime.freshness.lags_ms()[-1] > 0


def test_an_edit_does_not_wait_for_a_bulk_import(running: Running) -> None:
    house = running.house
    document = house.put("edited.md", page(0))
    assert running.runtime.wait_idle(60)
    for n in range(120):
        house.put(f"bulk/{n}.md", page(n, 6))
    until(lambda: house.embedder.started.is_set())
    house.put("edited.md", "A short new text.")
    until(lambda: house.state(document).indexed_version == 2)
    with house.database.reading() as session:
        waiting = session.scalar(select(func.count(OutboxEvent.id)))
    assert waiting


def test_many_documents_are_all_indexed_once(running: Running) -> None:
    house = running.house
    for n in range(24):
        house.put(f"{n}.md", page(n, 1))
    assert running.runtime.wait_idle(120)
    assert len(house.embedder.passages) == len(house.chunks()) == 24
    house.assert_consistent()


def test_who_has_nothing_to_do_hardly_asks_the_database(running: Running) -> None:
    running.house.put("a.md", "Short.")
    assert running.runtime.wait_idle(60)
    asked: list[str] = []

    @event.listens_for(running.house.database.engine, "before_cursor_execute")
    def count(*arguments: Any) -> None:
        asked.append(arguments[2])

    time.sleep(1)
    assert len(asked) < 50, asked  # who asks all the time asks thousands of times


def test_stopping_ends_every_thread_and_child(house: House) -> None:
    before = {thread.name for thread in threading.enumerate()}
    engine = RetrievalEngine(house.embedder, house.vectors, house.keywords, house.settings)  # type: ignore[arg-type]
    runtime = IngestRuntime(house.settings, house.database, engine)
    runtime.start()
    house.put("a.md", page(0))
    assert runtime.wait_idle(60)
    runtime.stop(timeout=60)
    left = {t.name for t in threading.enumerate() if t.name.startswith(("ingest", "outbox"))}
    assert not left - before


def test_what_is_not_finished_at_the_stop_is_taken_up_at_the_next_start(house: House) -> None:
    engine = RetrievalEngine(house.embedder, house.vectors, house.keywords, house.settings)  # type: ignore[arg-type]
    runtime = IngestRuntime(house.settings, house.database, engine)
    for n in range(48):
        house.put(f"{n}.md", page(n, 1))
    runtime.start()
    until(lambda: house.embedder.started.is_set())
    runtime.stop(timeout=60)
    assert house.events()
    again = IngestRuntime(house.settings, house.database, engine)
    again.start()
    assert again.wait_idle(120)
    again.stop()
    assert {house.state(event_id).status for event_id in {c.source_id for c in house.chunks()}} == {IndexStatus.INDEXED}
    house.assert_consistent()


def test_nothing_is_lost_while_the_embedding_model_is_away(house: House) -> None:
    engine = RetrievalEngine(None, house.vectors, house.keywords, house.settings)
    engine._embedder.open(lambda: (_ for _ in ()).throw(RuntimeError("no such model")))  # type: ignore[arg-type]
    runtime = IngestRuntime(house.settings, house.database, engine)
    runtime.start()
    house.put("a.md", "Short.")
    time.sleep(1.5)
    runtime.stop()
    (event,) = house.events()
    assert (event.tries, event.leased_until, event.parked_at) == (0, None, None)


def test_an_import_survives_kill_9(house: House, model_cache: Path) -> None:
    ids = [house.put(f"{n}.md", page(n, 3)) for n in range(24)]
    house.keywords.close()
    house.vectors.close()
    command = [sys.executable, "-m", "tests.ingest.serve_ingest", str(house.settings.data_dir), str(model_cache)]

    def indexed() -> int:
        with house.database.reading() as session:
            done = select(func.count()).where(IndexState.status == IndexStatus.INDEXED)
            return session.scalar(done) or 0

    for progress in (1, 3):
        target = indexed() + progress
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        try:
            until(lambda target=target: indexed() >= target)
            children = _children(process.pid)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert indexed() < len(ids), "the kill came too late to prove anything"
        until(lambda children=children: not any(_alive(child) for child in children), 15)

    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        assert process.stdout.readline() == "idle\n"
    finally:
        process.kill()
        process.wait()

    again = House(house.settings, house.database, house.embedder, house.sandbox)
    assert {again.state(id_).status for id_ in ids} == {IndexStatus.INDEXED}
    assert again.events() == []
    again.assert_consistent()
    assert again.reconcile().consistent
    # Nothing is missing: the chunks are those that an import that nobody kills makes.
    found = {(c.source_id, c.ordinal, c.content_sha256) for c in again.chunks()}
    with again.database.transaction() as session:
        for id_ in ids:
            session.query(Chunk).filter_by(source_id=id_).delete()
            session.query(IndexState).filter_by(source_id=id_).delete()
    for id_ in ids:
        again.look(id_)
    assert {(c.source_id, c.ordinal, c.content_sha256) for c in again.chunks()} == found
    again.keywords.close()
    again.vectors.close()


def test_a_disk_that_is_nearly_full_delays_and_loses_nothing(running: Running) -> None:
    """Below the reserve nothing is written to the indexes (Chroma can hang for good on a full disk), and no try is
    used up; with room again everything goes on."""
    house = running.house
    house.settings.min_free_bytes = shutil.disk_usage(house.settings.data_dir).total
    waiting = house.put("first.md", page(0))
    assert not running.runtime.wait_idle(1)
    assert [(event.tries, event.parked_at) for event in house.events()] == [(0, None)] * len(house.events())
    house.settings.min_free_bytes = 0
    assert running.runtime.wait_idle(60)
    assert house.state(waiting).status == IndexStatus.INDEXED
    house.assert_consistent()


def test_a_full_database_is_told_as_such(house: House) -> None:
    document = house.put("a.md", page(0, 200))  # more than fits into the pages that are free
    with house.database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one() + 4

    @event.listens_for(house.database.engine, "checkout")
    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")

    house.index()
    (waiting,) = house.events()
    assert waiting.source_id == document
    assert "disk of the data directory is full" in (waiting.last_error or "")
    event.remove(house.database.engine, "checkout", limit)
    house.database.dispose()
    with house.database.transaction() as session:
        session.query(OutboxEvent).update({"available_at": waiting.created_at})
    house.index()
    assert house.state(document).status == IndexStatus.INDEXED
    house.assert_consistent()


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in listed.read_text().split()] if listed.exists() else []
    return found + [grandchild for child in found for grandchild in _children(child)]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
