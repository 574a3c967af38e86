"""What a process holds of a Chroma server's vectors is what the workers have written."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import initialize, invariant, rule

from core_api.infra.errors import Unreachable
from ingest.promotion import Promoter
from ingest.sandbox import Sandbox
from retrieval.embedding import Embedder
from retrieval.placement import targets
from retrieval.vector_follower import VectorFollower
from retrieval.vectors import VectorStore
from tests.ingest.conftest import new_house
from tests.ingest.house import House
from tests.ingest.test_consistency import IndexMachine, _text
from tests.modes import Server

MOST_BYTES = 50_000_000


class Reader:
    """Another process than the house: it only reads."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.vectors = VectorStore.open(house.settings)
        self.follower = VectorFollower(house.database, self.vectors, house.keywords, MOST_BYTES)
        self.question = house.embedder.embed_queries(["Who may ask for leave in writing?"])[0]

    def found(self, *spaces: str) -> dict[str, float]:
        """All that it finds in these spaces, with the cosine."""
        return self._found(self.vectors, spaces)

    def written(self, *spaces: str) -> dict[str, float]:
        """All that it should find."""
        return self._found(self.house.vectors, spaces)

    def holds(self, *spaces: str) -> bool:
        """Whether it would ask nobody for what is in these spaces."""
        self.vectors.wait_until_held(20)
        with self.house.database.reading() as session:
            asked = targets(session, spaces, self.house.embedder.fingerprint)
        return all(self.vectors._held(target) is not None for target in asked)

    def close(self) -> None:
        self.follower.close()
        self.vectors.close()

    def _found(self, vectors: VectorStore, spaces: tuple[str, ...]) -> dict[str, float]:
        with self.house.database.reading() as session:
            asked = targets(session, spaces, self.house.embedder.fingerprint)
        return {id_: pytest.approx(cosine, abs=1e-4) for id_, cosine in vectors.query(asked, self.question, 1000)}


@pytest.fixture
def house(tmp_path: Path, server_mode: Server, embedder: Embedder, sandbox: Sandbox) -> Iterator[House]:
    """An empty house in server mode."""
    with new_house(tmp_path, server_mode, embedder, sandbox) as built:
        yield built


@pytest.fixture
def reader(house: House) -> Iterator[Reader]:
    """A process that reads what the house writes."""
    opened = Reader(house)
    yield opened
    opened.close()


def test_what_is_asked_is_held_and_follows_every_change(house: House, reader: Reader) -> None:
    other = house.make_space("Other")
    ids = [house.put(f"{n}.md", _text([n, n + 1]), space) for n, space in enumerate([None, None, other])]
    house.index()
    reader.follower.catch_up()
    assert len(reader.found(house.space)) == 4
    assert reader.holds(house.space)
    house.put("0.md", _text([7]))
    house.change(ids[1], space=other)
    house.delete(ids[2])
    house.put("new.md", _text([8, 9]), other)
    house.index()
    assert reader.follower.catch_up() == 4
    for spaces in ((house.space,), (other,), (house.space, other)):
        assert reader.found(*spaces) == reader.written(*spaces)
    assert len(reader.found(house.space)) == 1
    assert reader.holds(house.space, other)
    assert reader.found(house.space, other) == reader.written(house.space, other)
    assert reader.follower.catch_up() == 0


def test_a_space_that_moves_to_a_collection_of_its_own(
    house: House, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.placement.OWN_FROM_THE_START", 0)
    pooled = house.make_space("Pooled")
    house.put("0.md", _text([1]), pooled)
    house.put("1.md", _text([2, 3, 4]))
    house.index()
    reader.follower.catch_up()
    reader.found(house.space, pooled)
    assert reader.holds(house.space, pooled)
    monkeypatch.setattr("retrieval.placement.OWN_CHUNKS", 2)
    assert Promoter(house.database, house.vectors, house.embedder.fingerprint, 0.0).run(threading.Event()) == 1
    assert reader.found(house.space, pooled) == reader.written(house.space, pooled)
    assert reader.holds(house.space, pooled)
    house.put("1.md", _text([5, 6, 7, 8]))
    house.index()
    reader.follower.catch_up()
    assert reader.found(house.space, pooled) == reader.written(house.space, pooled)
    assert len(reader.found(house.space)) == 4
    pools = [reader.vectors._resident.get(name) for name in house.vectors.collections() if name.startswith("pool-")]
    assert [held.spaces for held in pools if held is not None] == [{pooled}]


@pytest.mark.parametrize(
    ("error", "held"), [(Unreachable("away"), True), (RuntimeError("broken"), False)], ids=["away", "broken"]
)
def test_it_follows_by_itself_and_outlives_a_failure(
    house: House, reader: Reader, monkeypatch: pytest.MonkeyPatch, error: Exception, held: bool
) -> None:
    house.put("0.md", _text([1]))
    house.index()
    reader.follower.catch_up()
    reader.found(house.space)
    assert reader.holds(house.space)
    failed = threading.Event()

    def fails(*_: object) -> None:
        failed.set()
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(reader.vectors, "get", fails)
        house.put("0.md", _text([2, 3]))
        house.index()
        with pytest.raises(type(error)):
            reader.follower.catch_up()
        assert reader.holds(house.space) is held, "a server that is away is no reason to forget"
        failed.clear()
        reader.follower.start()
        assert not held or failed.wait(20), "it does not try again"
    until = time.monotonic() + 20
    while reader.found(house.space) != reader.written(house.space) or not reader.holds(house.space):
        assert time.monotonic() < until, "it does not follow any more"
        time.sleep(0.05)


def test_nothing_is_held_of_a_database_that_was_set_back(house: House, reader: Reader) -> None:
    house.put("0.md", _text([1]))
    house.index()
    reader.follower.catch_up()
    reader.found(house.space)
    assert reader.holds(house.space)
    reader.follower._position = 1_000
    assert reader.follower.catch_up() == 0
    assert reader.vectors._resident.bytes == 0
    assert reader.found(house.space) == reader.written(house.space)


class FollowedMachine(IndexMachine):
    """The same, with a process that reads and spaces that outgrow their pool."""

    @initialize()
    def spaces(self) -> None:
        super().spaces()  # type: ignore[no-untyped-call]
        self.reader = Reader(self.house)

    @rule()
    def promote(self) -> None:
        if not self.house.events():
            promoter = Promoter(self.house.database, self.house.vectors, self.house.embedder.fingerprint, 0.0)
            promoter.run(threading.Event())

    @rule()
    def search(self) -> None:
        self.reader.found(*self.homes)

    @invariant()
    def the_reader_finds_what_is_there_once_nothing_waits(self) -> None:
        self.reader.follower.catch_up()
        if not self.house.events():
            assert self.reader.found(*self.homes) == self.reader.written(*self.homes)

    def teardown(self) -> None:
        try:
            self.house.index()
            self.the_reader_finds_what_is_there_once_nothing_waits()
        finally:
            self.reader.close()
            super().teardown()


def test_it_agrees_after_any_sequence(
    embedder: Embedder, sandbox: Sandbox, server_mode: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.placement.OWN_CHUNKS", 4)
    monkeypatch.setattr("retrieval.placement.OWN_FROM_THE_START", 0)
    FollowedMachine.embedder, FollowedMachine.sandbox, FollowedMachine.mode = embedder, sandbox, server_mode
    case = FollowedMachine.TestCase
    case.settings = settings(
        max_examples=8, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case().runTest()
