"""The vectors' index, on the embedded Chroma and on a Chroma server."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from retrieval.chroma_client import VectorIndexBroken
from retrieval.vectors import Target, VectorRow, VectorStore
from tests.services import chroma, free_port

DIMENSIONS = 16
TEAM = Target("team")


def embeddings(count: int, dimensions: int = DIMENSIONS, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors in no particular direction."""
    made = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    normalised: NDArray[np.float32] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return normalised


def rows(vectors: NDArray[np.float32], space: str = "s", first: int = 0) -> list[VectorRow]:
    """One row a vector: chunks c0, c1, ..."""
    return [VectorRow(f"c{first + i}", space, f"sha{first + i}", vector) for i, vector in enumerate(vectors)]


@pytest.fixture(scope="module")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Chroma server, from the installed package."""
    with chroma(tmp_path_factory.mktemp("chroma")) as url:
        yield url


@pytest.fixture(params=["embedded", "server"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    """An empty store of each kind."""
    url = request.getfixturevalue("chroma_server") if request.param == "server" else None
    with VectorStore.open(Settings(data_dir=tmp_path, chroma_url=url)) as opened:
        for name in opened.collections():
            opened.drop(name)
        yield opened


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[VectorStore]:
    """An empty store in a data directory."""
    with VectorStore.open(Settings(data_dir=tmp_path)) as opened:
        yield opened


def test_the_nearest_come_first_with_their_cosine(store: VectorStore) -> None:
    vectors = embeddings(50)
    store.upsert("team", rows(vectors))
    question = embeddings(1, seed=1)[0]
    expected = sorted(((float(v @ question), f"c{i}") for i, v in enumerate(vectors)), reverse=True)[:5]
    found = store.query([TEAM], question, 5)
    assert [id_ for id_, _ in found] == [id_ for _, id_ in expected]
    assert [score for _, score in found] == pytest.approx([score for score, _ in expected], abs=1e-5)


def test_writing_a_row_again_replaces_it(store: VectorStore) -> None:
    old, new = embeddings(2)
    store.upsert("team", [VectorRow("c0", "s", "old", old)])
    store.upsert("team", [VectorRow("c0", "s", "older", old), VectorRow("c0", "s", "new", new)])
    row = store.get("team", ["c0"])["c0"]
    assert (row.id, row.space_id, row.content_sha256) == ("c0", "s", "new")
    assert np.allclose(row.embedding, new, atol=1e-6)
    assert store.count("team") == 1


def test_deleted_rows_are_not_found(store: VectorStore) -> None:
    vectors = embeddings(10)
    store.upsert("team", rows(vectors))
    store.delete("team", ["c3", "c4", "c4", "never-there"])
    assert store.count("team") == 8
    assert set(store.get("team", ["c2", "c3", "c4"])) == {"c2"}
    assert "c3" not in dict(store.query([TEAM], vectors[3], 10))


def test_a_pool_is_asked_for_the_spaces_one_may_read(store: VectorStore) -> None:
    vectors = embeddings(30)
    for number, space in enumerate(["ann", "bob", "cho"]):
        store.upsert("pool", rows(vectors[number * 10 : number * 10 + 10], space, number * 10))
    ann = store.query([Target("pool", ("ann",))], vectors[15], 30)
    both = store.query([Target("pool", ("ann", "cho"))], vectors[15], 30)
    assert {id_ for id_, _ in ann} == {f"c{i}" for i in range(10)}
    assert {id_ for id_, _ in both} == {f"c{i}" for i in [*range(10), *range(20, 30)]}
    assert store.query([Target("pool", ())], vectors[15], 30) == []
    assert store.query([Target("pool", ("ann",))], vectors[15], 30, ids=["c15", "c2"])[0][0] == "c2"
    assert len(store.query([Target("pool", ("ann",))], vectors[15], 30, ids=["c15", "c2"])) == 1


def test_a_space_can_be_taken_out_of_a_pool(store: VectorStore) -> None:
    vectors = embeddings(20)
    for number, space in enumerate(["ann", "bob"]):
        store.upsert("pool", rows(vectors[number * 10 : number * 10 + 10], space, number * 10))
    assert store.delete_space("pool", "bob") == 10
    assert store.delete_space("pool", "bob") == 0
    assert store.delete_space("none", "bob") == 0
    assert {id_ for id_, _, _ in store.ids("pool")} == {f"c{i}" for i in range(10)}


def test_several_collections_are_ranked_as_one(store: VectorStore) -> None:
    vectors = embeddings(60)
    for number in range(6):
        store.upsert(f"team{number}", rows(vectors[number * 10 : number * 10 + 10], f"s{number}", number * 10))
    question = embeddings(1, seed=5)[0]
    best = [f"c{i}" for i in np.argsort(-(vectors @ question))[:12]]
    targets = [Target(f"team{number}") for number in range(6)] + [Target("not-made-yet")]
    assert [id_ for id_, _ in store.query(targets, question, 12)] == best


def test_a_query_can_be_narrowed_to_some_ids(store: VectorStore) -> None:
    vectors = embeddings(200)
    store.upsert("team", rows(vectors))
    wanted = [f"c{i}" for i in range(0, 200, 7)]
    found = store.query([TEAM], vectors[3], 5, ids=[*wanted, "deleted-just-now"])
    similarities = vectors[::7] @ vectors[3]
    assert [id_ for id_, _ in found] == [wanted[i] for i in np.argsort(-similarities)[:5]]
    assert [score for _, score in found] == pytest.approx(sorted(similarities, reverse=True)[:5], abs=1e-5)
    assert store.query([TEAM], vectors[3], 5, ids=[]) == []


def test_a_collection_that_does_not_exist_is_empty(store: VectorStore) -> None:
    question = embeddings(1)[0]
    assert store.query([Target("none")], question, 5) == []
    assert store.query([], question, 5) == []
    assert store.get("none", ["c0"]) == {}
    assert store.count("none") == 0
    assert list(store.ids("none")) == []
    store.delete("none", ["c0"])
    store.drop("none")
    assert store.collections() == []


def test_a_collection_that_was_dropped_and_made_again_meanwhile_still_works(tmp_path: Path) -> None:
    """Another client of the same directory drops what this one holds a handle of."""
    vectors = embeddings(5)
    with VectorStore.open(Settings(data_dir=tmp_path)) as one, VectorStore.open(Settings(data_dir=tmp_path)) as other:
        one.upsert("team", rows(vectors))
        other.drop("team")
        assert one.query([TEAM], vectors[0], 5) == []
        one.upsert("team", rows(vectors[:2]))
        other.drop("team")
        other.upsert("team", rows(vectors[:3]))
        assert one.count("team") == 3
        assert one.query([TEAM], vectors[0], 1)[0][0] == "c0"


def test_all_rows_can_be_listed_for_reconciling(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.vectors._PAGE", 7)
    store.upsert("team", rows(embeddings(20)))
    store.upsert("other", rows(embeddings(1)))
    assert sorted(store.ids("team")) == sorted((f"c{i}", "s", f"sha{i}") for i in range(20))
    assert sorted(store.collections()) == ["other", "team"]


def test_more_rows_than_one_call_takes_are_written(store: VectorStore) -> None:
    store._max_batch = 64
    store.upsert("team", rows(embeddings(150)))
    assert store.count("team") == 150
    assert len(store.get("team", [f"c{i}" for i in range(150)])) == 150
    store.delete("team", [f"c{i}" for i in range(140)])
    assert store.count("team") == 10


def test_rows_survive_a_restart(tmp_path: Path) -> None:
    vectors = embeddings(30)
    with VectorStore.open(Settings(data_dir=tmp_path)) as store:
        store.upsert("team", rows(vectors))
    with VectorStore.open(Settings(data_dir=tmp_path)) as store:
        assert store.count("team") == 30
        assert store.query([TEAM], vectors[7], 1)[0][0] == "c7"


def test_queries_hold_while_rows_come_and_go(embedded: VectorStore) -> None:
    vectors = embeddings(600)
    embedded.upsert("pool", [VectorRow(f"c{i}", f"s{i % 3}", "x", v) for i, v in enumerate(vectors)])
    done = threading.Event()

    def churn() -> None:
        start = 0
        while not done.is_set():
            ids = range(start % 500, start % 500 + 50)
            embedded.delete("pool", [f"c{i}" for i in ids])
            embedded.upsert("pool", [VectorRow(f"c{i}", f"s{i % 3}", "x", vectors[i]) for i in ids])
            start += 50

    writer = threading.Thread(target=churn)
    writer.start()
    try:
        for i in range(40):
            assert embedded.query([Target("pool", ("s1",)), Target("pool", ("s0", "s2"))], vectors[i], 20)
            assert embedded.query([Target("pool")], vectors[i], 20, ids=[f"c{j}" for j in range(300)])
    finally:
        done.set()
        writer.join()


def test_recall_is_close_to_exact_search(embedded: VectorStore) -> None:
    """At 5,000 chunks in clusters, as topics make them, asked for what a hybrid search asks for."""
    generator = np.random.default_rng(3)
    topics = generator.normal(size=(60, 96))
    vectors = (topics[generator.integers(60, size=5000)] + 0.8 * generator.normal(size=(5000, 96))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    questions = (topics[generator.integers(60, size=40)] + 0.8 * generator.normal(size=(40, 96))).astype(np.float32)
    questions /= np.linalg.norm(questions, axis=1, keepdims=True)
    embedded.upsert("team", rows(vectors))
    for k in (10, 100):
        found = 0
        for question in questions:
            exact = {f"c{i}" for i in np.argpartition(-(vectors @ question), k)[:k]}
            found += len(exact & {id_ for id_, _ in embedded.query([TEAM], question, k)})
        assert found / (k * len(questions)) >= 0.95, f"recall@{k}"


def test_a_broken_directory_says_how_to_rebuild_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    settings.vectors_dir.mkdir()
    (settings.vectors_dir / "chroma.sqlite3").write_bytes(b"not a database" * 1000)
    with pytest.raises(VectorIndexBroken, match="reindex"):
        VectorStore.open(settings)


def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="NEXUS_CHROMA_URL"):
        VectorStore.open(Settings(data_dir=tmp_path, chroma_url=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Unavailable, match="http://host:8000"):
        VectorStore.open(Settings(data_dir=tmp_path, chroma_url="chroma:8000"))
