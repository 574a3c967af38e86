"""A space that outgrows its pool gets a collection of its own, and everything is found all the while."""

import threading
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from core_api.models import SpaceIndex
from ingest.promotion import Promoter
from retrieval.endpoints import router
from retrieval.engine import RetrievalEngine
from retrieval.service import search
from retrieval.types import Mode, Query
from tests.applications import application
from tests.factories import bearer
from tests.ingest.house import House

RULES = "The rules of this part are in the annex of the guide. " * 12


def pages(*words: str) -> str:
    """A page with a chunk for each word."""
    return "\n\n".join(f"## Part {word}\n\nPart {word}. {RULES}" for word in words)


@pytest.fixture(autouse=True)
def crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where many teams have a collection already."""
    monkeypatch.setattr("retrieval.placement.OWN_FROM_THE_START", 0)


@pytest.fixture(autouse=True)
def _small_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.placement.OWN_CHUNKS", 6)


@pytest.fixture
def engine(house: House) -> Iterator[RetrievalEngine]:
    """Search over the house's indexes."""
    opened = RetrievalEngine(house.embedder, house.vectors, house.keywords, house.settings)  # type: ignore[arg-type]
    yield opened
    opened.pool.shutdown()


@pytest.fixture
def grown(house: House) -> list[str]:
    """Two documents with eight chunks in the team's space, and one in another space of the same pool."""
    other = house.make_space("Small team")
    documents = []
    for path, words, space in (("one.md", "abcd", None), ("two.md", "efgh", None), ("other.md", "z", other)):
        documents.append(house.put(path, pages(*words), space=space))
        house.index()
    assert len(house.vectors.collections()) == 1
    return documents


def promoter(house: House, grace_seconds: float = 0.0) -> Promoter:
    return Promoter(house.database, house.vectors, house.embedder.fingerprint, grace_seconds)


def found(house: House, engine: RetrievalEngine) -> set[str]:
    """The chunks that a search by meaning finds."""
    with house.database.reading() as session:
        query = Query("rules of this part", k=100, mode=Mode.SEMANTIC, per_source=0)
        return {hit.chunk_id for hit in search(session, house.owner, engine, query).hits}


def placements(house: House) -> dict[str, bool]:
    """Which spaces are in a pool."""
    with house.database.reading() as session:
        return {row.space_id: row.pooled for row in session.scalars(select(SpaceIndex))}


def test_only_what_has_grown_moves_and_all_of_it(house: House, engine: RetrievalEngine, grown: list[str]) -> None:
    before = found(house, engine)
    assert len(before) == 9
    assert promoter(house).run(threading.Event()) == 1
    assert placements(house)[house.space] is False
    assert sum(placements(house).values()) == 1, "the small team stays where it is"
    assert len(house.vectors.collections()) == 2
    assert found(house, engine) == before
    house.assert_consistent()
    assert house.reconcile().consistent
    assert promoter(house).run(threading.Event()) == 0


def test_everything_is_found_all_the_while(house: House, engine: RetrievalEngine, grown: list[str]) -> None:
    """Others search, and one document is written again and again."""
    steady = {chunk.id for document in grown[1:] for chunk in house.chunks(document)}
    stopping = threading.Event()
    missed: list[set[str]] = []
    searches = 0

    def look() -> None:
        nonlocal searches
        while not stopping.is_set():
            searches += 1
            if lost := steady - found(house, engine):
                missed.append(lost)

    def write() -> None:
        words = "abcd"
        while not stopping.is_set():
            words = words[1:] + words[0]
            house.put("one.md", pages(*words))
            house.index()

    threads = [threading.Thread(target=work) for work in (look, look, write)]
    for thread in threads:
        thread.start()
    try:
        assert promoter(house, grace_seconds=1.0).promote(house.space, threading.Event())
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    assert missed == []
    assert searches > 10
    house.index()
    house.reconcile()
    house.index()
    assert house.reconcile().consistent
    house.assert_consistent()
    assert steady <= found(house, engine)


def test_a_hybrid_search_over_http_loses_and_doubles_nothing(
    house: House, engine: RetrievalEngine, grown: list[str]
) -> None:
    """Page after page, as people read, while the space leaves its pool and after."""
    house.keywords.catch_up(house.database)
    app = application(house.settings, house.database, [router])
    app.state.engine = engine
    everything = {chunk.id for chunk in house.chunks()}
    assert len(everything) == 9
    stopping, moved = threading.Event(), threading.Event()
    wrong: list[str] = []
    searches = after = 0

    def read_all(client: TestClient) -> list[str]:
        shown: list[str] = []
        cursor = None
        while True:
            body = {"query": "rules of this part", "k": 4, "per_source": 0, "cursor": cursor, "log": False}
            answer = client.post("/api/v1/search", json=body)
            if answer.status_code != 200:
                wrong.append(answer.text)
                return shown
            page = answer.json()
            assert page["mode"] == "hybrid"
            # Words find everything; what vectors lost would lack their score.
            wrong.extend(hit["chunk_id"] for hit in page["hits"] if hit["scores"]["semantic"] is None)
            shown += [hit["chunk_id"] for hit in page["hits"]]
            if (cursor := page["next_cursor"]) is None:
                return shown

    def look() -> None:
        nonlocal searches, after
        with TestClient(app, headers=bearer(house.database, house.owner), raise_server_exceptions=False) as client:
            while not stopping.is_set():
                since = moved.is_set()
                shown = read_all(client)
                searches, after = searches + 1, after + since
                if sorted(shown) != sorted(everything):
                    wrong.append(f"{len(shown)} hits, {len(set(shown))} of {len(everything)}")

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        assert promoter(house, grace_seconds=1.0).promote(house.space, threading.Event())
        moved.set()
        deadline = time.monotonic() + 30
        while after < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert searches > 5
    assert after >= 3
    assert placements(house)[house.space] is False
    house.assert_consistent()


@pytest.mark.parametrize("step", ["get", "upsert", "delete_space"])
def test_what_a_crash_leaves_is_made_good(
    house: House, engine: RetrievalEngine, grown: list[str], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off after reading, copying, turning the pointer: nothing is lost, and reconciling clears up."""
    before = found(house, engine)
    done = getattr(house.vectors, step)

    def cut_off(*arguments: object) -> None:
        if step != "delete_space":
            done(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(house.vectors, step, cut_off)
        with pytest.raises(KeyboardInterrupt):
            promoter(house).promote(house.space, threading.Event())
    assert found(house, engine) == before
    report = house.reconcile()
    assert report.requeued == 0
    assert (report.orphan_collections, report.left_behind) == {"get": (0, 0), "upsert": (1, 0)}.get(step, (0, 8))
    promoter(house).run(threading.Event())
    assert placements(house)[house.space] is False
    assert found(house, engine) == before
    assert house.reconcile().consistent
    house.assert_consistent()


def test_a_write_that_had_found_the_pool_is_done_again(house: House, engine: RetrievalEngine, grown: list[str]) -> None:
    house.put("one.md", pages(*"abcx"))
    house.embedder.started.clear()
    house.embedder.before = threading.Event()
    writer = threading.Thread(target=house.index)
    writer.start()
    try:
        assert house.embedder.started.wait(30)
        assert promoter(house).promote(house.space, threading.Event())
    finally:
        house.embedder.before.set()
        writer.join()
    house.index()
    texts = " ".join(chunk.text for chunk in house.chunks(grown[0]))
    assert "Part x" in texts
    assert "Part d" not in texts
    assert {chunk.id for chunk in house.chunks()} == found(house, engine)
    house.reconcile()
    house.assert_consistent()


def test_a_copy_that_somebody_drops_is_not_turned_to(
    house: House, engine: RetrievalEngine, grown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = found(house, engine)
    copy = Promoter._copy

    def copy_and_lose(self: Promoter, pool: str, home: str, copied: dict[str, str], wanted: dict[str, str]) -> None:
        copy(self, pool, home, copied, wanted)
        house.vectors.drop(home)

    monkeypatch.setattr(Promoter, "_copy", copy_and_lose)
    assert not promoter(house).promote(house.space, threading.Event())
    assert placements(house)[house.space] is True
    assert found(house, engine) == before


def test_a_crowded_pool_lets_its_largest_spaces_move_to_another(
    house: House, engine: RetrievalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They came when they were small."""
    monkeypatch.setattr("retrieval.placement.POOL_CHUNKS", 4)
    spaces = [house.make_space(f"Team {number}") for number in range(4)]
    for number, space in enumerate(spaces):
        house.put(f"{number}.md", pages("a"), space=space)
        house.index()
    assert len(house.vectors.collections()) == 1
    for number, space in enumerate(spaces):
        house.put(f"{number}.md", pages(*"abc"), space=space)
    house.index()
    before = found(house, engine)
    assert len(before) == 12
    assert promoter(house).run(threading.Event()) == 3
    assert set(placements(house).values()) == {True}
    assert len(house.vectors.collections()) == 3
    assert found(house, engine) == before
    house.assert_consistent()
    assert house.reconcile().consistent
