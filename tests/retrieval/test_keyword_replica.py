"""The keyword index beside those who write: it misses no change, whatever the order of their commits, and serves while
it is built."""

import random
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core_api.infra.database import Database
from core_api.models import Chunk, IndexState, IndexStatus, Space, SpaceKind
from core_api.outbox import last_change, next_change
from retrieval.keywords import KeywordIndex, replica
from tests.databases import Databases, borrowed

_WRITERS = 6
_TURNS = 25


class Rolled(Exception):
    """A transaction that does not come to its end."""


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    with borrowed(databases) as made:
        yield made


@pytest.fixture
def index(tmp_path: Path) -> Iterator[KeywordIndex]:
    made = KeywordIndex.open(tmp_path / "keywords")
    yield made
    made.close()


@pytest.fixture
def space(database: Database) -> str:
    with database.transaction() as session:
        space = Space(name="Team", kind=SpaceKind.TEAM)
        session.add(space)
        session.flush()
        return space.id


def write(database: Database, space: str, source: str, words: str, *, pause: float = 0, fail: bool = False) -> None:
    """Index a source as the pipeline does; others may look between the change's number and its commit."""
    with database.transaction() as session:
        session.merge(
            Chunk(
                id=f"document:{source}:0",
                space_id=space,
                source_kind="document",
                source_id=source,
                version=1,
                ordinal=0,
                title=source,
                text=words,
                start=0,
                end=len(words),
                language="en",
                content_sha256="0" * 64,
            )
        )
        session.merge(
            IndexState(
                source_kind="document",
                source_id=source,
                space_id=space,
                status=IndexStatus.INDEXED,
                chunk_count=1,
                change_seq=next_change(session),
            )
        )
        session.flush()
        time.sleep(pause)
        if fail:
            raise Rolled


def ids(index: KeywordIndex, words: str, space: str) -> set[str]:
    return {chunk_id for chunk_id, _ in index.search(words, 1000, [space])}


def test_no_change_is_missed_while_many_write_at_once(database: Database, space: str, index: KeywordIndex) -> None:
    held: dict[str, str] = {}

    def writer(number: int) -> None:
        draw = random.Random(number)
        for turn in range(_TURNS):
            source, word = f"source-{number}-{turn % 5}", f"turn{turn}"
            try:
                fail = draw.random() < 0.3
                write(database, space, source, word, pause=draw.random() * 0.01, fail=fail)
                held[source] = word
            except Rolled:
                continue

    seen = set()
    index.follow(database, interval=0.001)
    with ThreadPoolExecutor(_WRITERS) as pool:
        writing = [pool.submit(writer, number) for number in range(_WRITERS)]
        while not all(future.done() for future in writing):
            seen.add(index.position)
            time.sleep(0.001)
        for future in writing:
            future.result()
    with database.reading() as session:
        last = last_change(session)
    assert index.wait_for(last, timeout=30)

    assert len(seen) > _WRITERS  # it looked in between
    assert len(index) == len(held)
    for turn in range(_TURNS):
        word = f"turn{turn}"
        assert ids(index, word, space) == {f"document:{source}:0" for source, now in held.items() if now == word}


def test_it_serves_what_it_has_while_it_is_built(
    database: Database, space: str, index: KeywordIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        write(database, space, f"source-{number}", f"page{number} of the lamp")
    monkeypatch.setattr(replica, "_BATCH_SOURCES", 2)
    found: list[int] = []
    building = threading.Thread(target=index.catch_up, args=(database,))
    building.start()
    while building.is_alive():
        found.append(len(ids(index, "lamp", space)))
    building.join()
    assert found == sorted(found)
    assert any(0 < count < 40 for count in found)
    assert len(ids(index, "lamp", space)) == 40


def test_a_copy_of_its_folder_goes_on_from_there(
    database: Database, space: str, index: KeywordIndex, tmp_path: Path
) -> None:
    for number in range(5):
        write(database, space, f"s{number}", "apples")
    assert index.catch_up(database) == 5
    index.close()
    shutil.copytree(tmp_path / "keywords", tmp_path / "elsewhere" / "keywords")
    write(database, space, "s1", "pears")
    copy = KeywordIndex.open(tmp_path / "elsewhere" / "keywords")
    try:
        assert ids(copy, "apples", space) == {f"document:s{number}:0" for number in range(5)}
        assert copy.catch_up(database) == 1
        assert ids(copy, "pears", space) == {"document:s1:0"}
    finally:
        copy.close()
