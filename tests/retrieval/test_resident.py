"""Vectors held in memory: exact, and always what Chroma holds."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core_api.infra.settings import Settings
from retrieval.resident import HeldCollection, ResidentVectors, nearest
from retrieval.vectors import Target, VectorRow, VectorStore
from tests.retrieval.test_vectors import embeddings, rows

TEAM = Target("team")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    """An empty store in a data directory."""
    with VectorStore.open(Settings(data_dir=tmp_path)) as opened:
        yield opened


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def hold(store: VectorStore, *names: str) -> None:
    """Have collections held."""
    store._loader._not_held.clear()
    for name in names:
        store._loader.want(name, None)
    until(lambda: all(store._resident.get(name) is not None for name in names))


def best(vectors: NDArray[np.float32], question: NDArray[np.float32], k: int) -> list[str]:
    return [f"c{row}" for row in np.argsort(-(vectors @ question))[:k]]


def test_a_collection_that_is_asked_is_held_from_then_on(store: VectorStore) -> None:
    vectors = embeddings(300)
    store.upsert("team", rows(vectors))
    store.query([TEAM], vectors[0], 5)
    until(lambda: store._resident.get("team"))
    question = embeddings(1, seed=3)[0]
    found = store.query([TEAM], question, 50)
    assert [id_ for id_, _ in found] == best(vectors, question, 50)
    assert [score for _, score in found] == pytest.approx(sorted(vectors @ question, reverse=True)[:50], abs=1e-5)


def test_what_is_written_and_deleted_afterwards_counts_at_once(store: VectorStore) -> None:
    vectors = embeddings(400)
    store.upsert("team", rows(vectors[:200]))
    hold(store, "team")
    store.upsert("team", rows(vectors[200:], first=200))
    store.delete("team", [f"c{row}" for row in range(0, 400, 2)])
    store.upsert("team", [VectorRow("c1", "s", "new", vectors[0])])
    question = embeddings(1, seed=4)[0]
    kept = {f"c{row}": vectors[row] for row in range(1, 400, 2)} | {"c1": vectors[0]}
    expected = sorted(kept, key=lambda id_: -float(kept[id_] @ question))
    assert [id_ for id_, _ in store.query([TEAM], question, 300)] == expected
    assert [id_ for id_, _ in store.query([TEAM], question, 20)] == expected[:20]
    assert store.query([TEAM], vectors[0], 5, ids=["c1", "c2", "c3"])[0] == ("c1", pytest.approx(1.0, abs=1e-5))
    store.drop("team")
    assert store.query([TEAM], question, 5) == []


def test_a_pool_gives_only_the_spaces_that_are_asked_for(store: VectorStore) -> None:
    vectors = embeddings(60)
    for number, space in enumerate(["ann", "bob", "cho"]):
        store.upsert("pool", rows(vectors[20 * number : 20 * number + 20], space, 20 * number))
    hold(store, "pool")
    both = store.query([Target("pool", ("ann", "cho"))], vectors[25], 60)
    assert {id_ for id_, _ in both} == {f"c{row}" for row in [*range(20), *range(40, 60)]}
    assert store.query([Target("pool", ())], vectors[0], 5) == []
    assert store.query([Target("pool", ("ann",))], vectors[25], 5, ids=["c25"]) == []
    # A document moves from one to another.
    store.upsert("pool", [VectorRow("c0", "bob", "sha", vectors[0])])
    assert "c0" not in dict(store.query([Target("pool", ("ann",))], vectors[0], 60))
    assert store.query([Target("pool", ("bob",))], vectors[0], 1)[0][0] == "c0"
    assert store.delete_space("pool", "bob") == 21
    assert store.query([Target("pool", ("bob",))], vectors[0], 5) == []
    assert len(store.query([Target("pool", ("ann", "cho"))], vectors[0], 60)) == 39


def test_held_and_other_collections_are_ranked_as_one(store: VectorStore) -> None:
    vectors = embeddings(90)
    for number in range(3):
        store.upsert(f"team{number}", rows(vectors[30 * number : 30 * number + 30], f"s{number}", 30 * number))
    hold(store, "team0", "team2")
    question = embeddings(1, seed=6)[0]
    found = store.query([Target(f"team{number}") for number in range(3)], question, 30)
    assert [id_ for id_, _ in found] == best(vectors, question, 30)


def test_a_store_that_opens_warms_up(tmp_path: Path) -> None:
    vectors = embeddings(50)
    with VectorStore.open(Settings(data_dir=tmp_path)) as store:
        store.upsert("team", rows(vectors))
        store.upsert("other", rows(vectors[:20]))
    with VectorStore.open(Settings(data_dir=tmp_path)) as store:
        store.warm()
        store.wait_until_held(20)
        assert store._resident.get("team") is not None
        assert store._resident.get("other") is not None
        assert store.query([TEAM], vectors[7], 1)[0][0] == "c7"


def test_warming_up_stops_where_memory_is_full(tmp_path: Path) -> None:
    with VectorStore.open(Settings(data_dir=tmp_path)) as store:
        for number in range(5):
            store.upsert(f"team{number}", rows(embeddings(50)))
    with VectorStore.open(Settings(data_dir=tmp_path, resident_vectors_bytes=100_000)) as store:
        store.warm()
        store.wait_until_held(20)
        held = [number for number in range(5) if store._resident.get(f"team{number}") is not None]
        assert 0 < len(held) < 5
        assert len(store.query([Target(f"team{number}") for number in range(5)], embeddings(1)[0], 50)) == 50


def test_without_memory_nothing_is_held(tmp_path: Path) -> None:
    vectors = embeddings(50)
    with VectorStore.open(Settings(data_dir=tmp_path, resident_vectors_bytes=0)) as store:
        store.upsert("team", rows(vectors))
        store.warm()
        assert store.query([TEAM], vectors[7], 1)[0][0] == "c7"
        assert store._resident.get("team") is None


def test_what_was_not_asked_for_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = embeddings(100)

    def read(held: HeldCollection) -> bool:
        for row, vector in enumerate(vectors):
            held.put(f"c{row}", "s", vector)
        return True

    resident = ResidentVectors(100_000)
    assert resident.load("a", read)
    assert resident.load("b", read)
    assert not resident.load("c", read), "both were used just now"
    monkeypatch.setattr("retrieval.resident._KEPT_SECONDS", 0.0)
    assert resident.get("a") is not None
    assert resident.load("c", read)
    assert (resident.get("a") is not None, resident.get("b") is not None) == (True, False)
    assert resident.bytes <= 100_000


def test_of_very_many_hardly_one_of_the_best_is_missed_and_none_that_is_gone_is_found() -> None:
    draw = np.random.default_rng(5)
    topics = draw.normal(size=(50, 96))
    vectors = (topics[draw.integers(0, 50, 36_000)] + draw.normal(size=(36_000, 96))).astype(np.float32)
    held = HeldCollection()
    for row, vector in enumerate(vectors):
        held.put(f"c{row}", f"s{row % 3}", vector)
    gone = set(range(0, 36_000, 11))
    held.remove([f"c{row}" for row in gone])
    asked = [row for row in range(36_000) if row % 3 != 2 and row not in gone]
    normed = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    met = []
    for topic in topics:
        question = (topic + draw.normal(size=96) / 2).astype(np.float32)
        cosines = normed @ question / np.linalg.norm(question)
        best = sorted(asked, key=lambda row: -cosines[row])[:100]
        found = dict(nearest(held.blocks(["s0", "s1"]), question, 100))
        assert len(found) == 100
        assert found.keys() <= {f"c{row}" for row in asked}
        assert all(score == pytest.approx(cosines[int(id_[1:])], abs=1e-5) for id_, score in found.items())
        assert all(f"c{row}" in found for row in best[:3])
        met.append(np.mean([f"c{row}" in found for row in best]))
    assert np.mean(met) > 0.97


def test_a_write_that_fails_half_way_lets_go(store: VectorStore) -> None:
    vectors = embeddings(10)
    store.upsert("team", rows(vectors))
    hold(store, "team")
    with pytest.raises(Exception, match="dimension"):
        store.upsert("team", rows(embeddings(3, dimensions=8)))
    assert store._resident.get("team") is None
    assert len(store.query([TEAM], vectors[0], 20)) == 10


def test_searches_go_on_while_rows_come_and_go(store: VectorStore) -> None:
    vectors = embeddings(500)
    steady = {f"c{row}" for row in range(100)}
    store.upsert("team", rows(vectors[:300]))
    hold(store, "team")
    stopping = threading.Event()

    def churn() -> None:
        first = 100
        while not stopping.is_set():
            store.upsert("team", rows(vectors[first : first + 40], first=first))
            store.delete("team", [f"c{row}" for row in range(first, first + 40)])
            first = 100 + (first - 60) % 400

    writer = threading.Thread(target=churn)
    writer.start()
    try:
        for row in range(300):
            found = store.query([TEAM], vectors[row % 100], 500)
            assert found[0][0] == f"c{row % 100}"
            assert steady <= {id_ for id_, _ in found}
    finally:
        stopping.set()
        writer.join()
