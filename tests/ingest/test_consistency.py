"""Whatever is done in whatever order, and wherever it is cut off, the indexes end as the documents are."""

import contextlib
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from sqlalchemy import func, select

from core_api.domains.documents.labels import relabel
from core_api.models import Chunk, Document, IndexStatus, SpaceKind
from ingest import reconcile
from ingest.sandbox import Sandbox
from ingest.sources import SourceKey
from ingest.writer import IndexWriter
from retrieval.access import Shared
from retrieval.catalogue import Catalogue
from retrieval.embedding import Embedder
from tests.ingest.conftest import new_house
from tests.modes import Embedded, ProductMode

SECTION = "Employees of grade {n} may ask for leave of kind {n} in writing. The office of kind {n} answers. " * 3
sections = st.lists(st.integers(0, 12), max_size=6)


class Killed(Exception):
    """The process ends here."""


class IndexMachine(RuleBasedStateMachine):
    """Documents are written, edited, moved, deleted and indexed, with crashes at every step of the writer."""

    embedder: ClassVar[Embedder]
    sandbox: ClassVar[Sandbox]
    mode: ClassVar[ProductMode]
    documents = Bundle("documents")

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._open = contextlib.ExitStack()
        self.house = self._open.enter_context(
            new_house(Path(self._folder.name), self.mode, self.embedder, self.sandbox)
        )
        self.catalogue = Catalogue()
        self.count = 0

    @initialize()
    def spaces(self) -> None:
        self.homes = [
            self.house.space,
            self.house.make_space("Other"),
            self.house.make_space("Mine", SpaceKind.PERSONAL),
            self.house.make_space("Yours", SpaceKind.PERSONAL),
        ]

    @rule(target=documents, numbers=sections, home=st.integers(0, 3))
    def write(self, numbers: list[int], home: int) -> tuple[str, str]:
        self.count += 1
        path = f"{self.count}.md"
        return self.house.put(path, _text(numbers), self.homes[home]), path

    @rule(document=documents, numbers=sections)
    def edit(self, document: tuple[str, str], numbers: list[int]) -> None:
        found = self.house.document(document[0])
        if found is not None and found.deleted_at is None:
            self.house.put(document[1], _text(numbers), found.space_id)

    @rule(document=documents, title=st.sampled_from(["Leave", "Time off", "휴가"]))
    def rename(self, document: tuple[str, str], title: str) -> None:
        self.house.change(document[0], title=title)

    @rule(document=documents, home=st.integers(0, 3))
    def move(self, document: tuple[str, str], home: int) -> None:
        self.house.change(document[0], space=self.homes[home])

    @rule(document=consumes(documents))
    def delete(self, document: tuple[str, str]) -> None:
        self.house.delete(document[0])

    @rule()
    def index(self) -> None:
        self.house.index()

    @rule(document=documents)
    def look_out_of_turn(self, document: tuple[str, str]) -> None:
        self.house.look(document[0])

    @rule(step=st.sampled_from(["announce", "write_vectors", "delete_left_over", "commit"]), after=st.booleans())
    def index_and_be_killed(self, step: str, after: bool) -> None:
        whole = getattr(IndexWriter, step)

        def killed(*arguments: object) -> object:
            if after:
                whole(*arguments)
            raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(IndexWriter, step, killed)
            with self.house.database.reading() as session:
                sources = [head.key for head in reconcile.all_sources(session)]
            with contextlib.suppress(Killed):
                self.house.pipeline.run(sources)

    @rule(document=documents, tag=st.sampled_from(["hr", "it"]), category=st.sampled_from(["Rules", ""]))
    def label(self, document: tuple[str, str], tag: str, category: str) -> None:
        with self.house.database.transaction() as session:
            if (found := session.get(Document, document[0])) is not None:
                relabel(session, found, [tag], category)

    @rule()
    def look_into_the_catalogue(self) -> None:
        with self.house.database.reading() as session:
            self.catalogue.follow(session)
            told = self.catalogue.readable(self.homes, Shared((), (), ()))
            there = session.execute(
                select(Document, func.count())
                .join(Chunk, Chunk.source_id == Document.id)
                .where(Document.deleted_at.is_(None))
                .group_by(Document.id)
            ).all()
            expected = {
                f"document:{one.id}": (one.space_id, one.author_id, one.updated_at, one.category, tuple(one.tags), n)
                for one, n in there
            }
        words, epoch = told.words, datetime(1970, 1, 1, tzinfo=UTC)
        assert expected == {
            key: (
                words.spaces.values[row["space"]],
                words.authors.values[row["author"]],
                epoch + timedelta(microseconds=int(row["updated"])),
                *words.labels.values[row["labels"]],
                row["chunks"],
            )
            for key, row in zip(told.keys, told.table, strict=True)
        }

    @rule()
    def reindex(self) -> None:
        with self.house.database.transaction() as session:
            reconcile.reindex(session)

    @rule()
    def reconcile_now(self) -> None:
        self.house.reconcile()

    @invariant()
    def the_indexes_agree_once_nothing_waits(self) -> None:
        if not self.house.events():
            self.house.assert_consistent()

    def teardown(self) -> None:
        try:
            self.look_into_the_catalogue()
            self.house.index()
            self.look_into_the_catalogue()
            assert self.house.events() == []
            self.house.assert_consistent()
            assert self.house.reconcile().consistent
            states = {self.house.state(head.id).status for head in self._heads()}
            assert states <= {IndexStatus.INDEXED, IndexStatus.FAILED}
        finally:
            self._open.close()
            self._folder.cleanup()

    def _heads(self) -> list[SourceKey]:
        with self.house.database.reading() as session:
            return [head.key for head in reconcile.all_sources(session)]


def _text(numbers: list[int]) -> str:
    """A page; an empty one cannot be indexed."""
    return "\n\n".join(f"## Kind {n}\n\n{SECTION.format(n=n)}" for n in numbers)


def test_indexes_agree_with_the_database_after_any_sequence(
    embedder: Embedder, sandbox: Sandbox, embedded_mode: Embedded
) -> None:
    IndexMachine.embedder, IndexMachine.sandbox, IndexMachine.mode = embedder, sandbox, embedded_mode
    case = IndexMachine.TestCase
    case.settings = settings(
        max_examples=12,
        stateful_step_count=14,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case().runTest()
