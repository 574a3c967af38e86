"""A writer that stands still for longer than its lease, while another writes the same source: whatever the order in
which they come to their ends, the indexes end as the document is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ingest.pipeline import Pipeline
from ingest.sources import SourceKey
from ingest.work import Landed, Outcome
from tests.ingest.house import CountingEmbedder, House

pytestmark = pytest.mark.one_mode

OLD = [f"Section {n} of the old text says how leave of kind {n} is asked for in writing. " * 4 for n in range(6)]
NEW = [f"Section {n} of the new text says who may go on a journey of kind {n}, and when. " * 4 for n in range(6)]


def page(sections: list[str]) -> str:
    return "\n\n".join(f"## Part {n}\n\n{section}" for n, section in enumerate(sections))


class Writer(threading.Thread):
    """A worker of its own that looks at one document, and stands still before it embeds anything until `go`."""

    def __init__(self, house: House, document: str) -> None:
        super().__init__(daemon=True)
        self._key = SourceKey("document", document)
        self._embedder = CountingEmbedder(house.embedder._embedder)
        self._embedder.before = threading.Event()
        self._pipeline = Pipeline(
            house.settings, house.database, self._embedder, house.vectors, house.sandbox, house.files
        )
        self.landed: list[Landed] = []
        self.start()
        assert self._embedder.started.wait(30)

    def run(self) -> None:
        self.landed = self._pipeline.run([self._key])

    def go(self) -> Outcome:
        """Let it go on to its end; gives what it says became of the document."""
        assert self._embedder.before is not None
        self._embedder.before.set()
        self.join(60)
        return self.landed[0].outcome


@contextmanager
def settled(house: House) -> Iterator[None]:
    yield
    assert house.events(), "nobody would look again"
    house.index()
    assert house.events() == []
    house.assert_consistent()
    assert house.reconcile().consistent


SIZES = pytest.mark.parametrize(("old", "new"), [(6, 2), (2, 6), (4, 4)])


@SIZES
def test_one_that_ends_after_the_newer_text_was_committed(house: House, old: int, new: int) -> None:
    document = house.put("leave.md", page(OLD[:old]))
    stalled = Writer(house, document)
    house.put("leave.md", page(NEW[:new]))
    house.index()
    house.assert_consistent()
    assert house.events() == []
    with settled(house):
        assert stalled.go() is Outcome.MOVED_ON


@SIZES
def test_one_that_ends_while_the_newer_text_is_being_written(house: House, old: int, new: int) -> None:
    document = house.put("leave.md", page(OLD[:old]))
    stalled = Writer(house, document)
    house.put("leave.md", page(NEW[:new]))
    newer = Writer(house, document)
    with settled(house):
        assert stalled.go() is Outcome.MOVED_ON
        assert newer.go() is Outcome.MOVED_ON  # it cannot know whose vectors these are


def test_one_whose_document_has_been_deleted_and_purged(house: House) -> None:
    document = house.put("leave.md", page(OLD))
    stalled = Writer(house, document)
    house.delete(document)
    house.index()
    assert house.document(document) is None
    with settled(house):
        assert stalled.go() is Outcome.MOVED_ON
    assert [id_ for name in house.vectors.collections() for id_ in house.vectors.ids(name)] == []


def test_one_whose_document_has_moved_to_another_space(house: House) -> None:
    document = house.put("leave.md", page(OLD))
    stalled = Writer(house, document)
    house.change(document, space=house.make_space("Other"))
    house.index()
    with settled(house):
        assert stalled.go() is Outcome.MOVED_ON


def test_two_that_write_the_same_text_need_no_third(house: House) -> None:
    document = house.put("leave.md", page(OLD))
    first, second = Writer(house, document), Writer(house, document)
    assert {first.go(), second.go()} == {Outcome.INDEXED, Outcome.UNCHANGED}
    assert house.events() == []
    house.assert_consistent()
