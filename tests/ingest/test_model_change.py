"""The change of the embedding model: search goes on, nothing is missing, vectors of two models never meet."""

import io
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from core_api.auth.subject import Subject
from core_api.domains.documents import service as documents
from core_api.domains.spaces.service import create_space
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.errors import Conflict, NexusError, NotFound, Unavailable
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore
from core_api.models import Chunk, IndexModel, ModelChange, Space, SpaceIndex, SpaceKind, utcnow
from ingest import model_change
from ingest.model_change import ChangeBehind
from ingest.pipeline import pipeline_name
from ingest.reconcile import Reconciler, Report
from ingest.runtime import IngestRuntime
from retrieval.active_model import ModelSpec
from retrieval.engine import RetrievalEngine
from retrieval.service import search
from retrieval.types import Mode, Query
from tests.retrieval.test_embedding import make_model

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = 18
TOPICS = ("Parental leave", "Travel costs", "Server restarts", "Kitchen rota", "Budget rules", "Holiday policy")


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def text_of(number: int, extra: str = "") -> str:
    topic = TOPICS[number % len(TOPICS)]
    parts = (
        f"## Part {n} of {topic}\n\nItem {number}.{n}: " + "The team writes a request for it. " * 14 for n in range(4)
    )
    return f"# {topic} {number}\n\n" + "\n\n".join(parts) + f"\n\n{extra}"


@dataclass
class Site:
    """A data directory with everything running in it."""

    settings: Settings
    tiny: ModelSpec
    database: Database = field(init=False)
    engine: RetrievalEngine = field(init=False)
    runtime: IngestRuntime = field(init=False)
    owner: Subject = field(init=False)

    def __post_init__(self) -> None:
        from core_api.infra.migrate import upgrade

        self.database = Database(self.settings.resolved_database_url)
        upgrade(self.database)
        with self.database.transaction() as session:
            self.owner, _ = ensure_owner(session)
        self.open()

    def open(self) -> None:
        self.engine = RetrievalEngine.open(self.settings, self.database)
        self.runtime = IngestRuntime(self.settings, self.database, self.engine)
        self.runtime.start()
        self.engine.wait(120)

    def close(self) -> None:
        self.runtime.stop()
        self.engine.close()
        self.database.dispose()

    @property
    def space(self) -> str:
        with self.database.transaction() as session:
            found = session.scalar(select(Space.id).where(Space.name == "Team"))
            return found or create_space(session, self.owner, "Team", SpaceKind.TEAM).id

    def put(self, path: str, text: str, space: str | None = None) -> str:
        stored = FileStore(self.settings.files_dir).put(io.BytesIO(text.encode()), 10**9)
        space = space or self.space
        with self.database.transaction() as session:
            content = documents.Content(stored, path, "text/markdown")
            return documents.put_document(session, self.owner, space, content, path=path)[0].id

    def idle(self) -> None:
        assert self.runtime.wait_idle(60)

    def begin(self, share: float = 1.0) -> None:
        embedder = self.tiny.load(self.settings)
        with self.database.transaction() as session:
            model_change.start(session, self.tiny, embedder, share)
        self.runtime.follower.wake()

    def change(self) -> ModelChange:
        with self.database.reading() as session:
            found = model_change.standing(session).change
            assert found is not None
            return found

    def ready(self) -> None:
        until(lambda: self.change().state == "ready")

    def turn(self, step: Callable[..., Any]) -> None:
        def turned() -> bool:
            try:
                with self.database.transaction() as session:
                    step(session)
            except ChangeBehind:
                return False
            return True

        until(turned)
        self.engine.use_active_model()

    def found(self, text: str, mode: Mode = Mode.HYBRID) -> list[str]:
        with self.database.reading() as session:
            return [hit.source.id for hit in search(session, self.owner, self.engine, Query(text, 10, mode)).hits]

    def vectors_of(self, model_id: str) -> dict[str, tuple[str, str]]:
        """What the collections of a model hold: space and content hash by id."""
        with self.database.reading() as session:
            fingerprint = session.get_one(IndexModel, model_id).fingerprint
            placed = SpaceIndex.fingerprint == fingerprint
            collections = list(session.scalars(select(SpaceIndex.collection).where(placed).distinct()))
        rows = [row for collection in collections for row in self.engine.vectors.ids(collection)]
        assert len(rows) == len({id_ for id_, _, _ in rows})
        return {id_: (space, sha) for id_, space, sha in rows}

    def chunks(self) -> dict[str, tuple[str, str]]:
        with self.database.reading() as session:
            rows = session.execute(select(Chunk.id, Chunk.space_id, Chunk.content_sha256))
            return {id_: (space, sha) for id_, space, sha in rows}

    def follows(self, model_id: str) -> None:
        """Wait until a model's vectors are exactly those of the chunks."""
        until(lambda: self.vectors_of(model_id) == self.chunks(), 20)

    def reconcile(self) -> Report:
        embedder = self.engine.embedder
        return Reconciler(
            self.database,
            self.engine.vectors,
            self.engine.keywords,
            FileStore(self.settings.files_dir),
            pipeline=pipeline_name(embedder),
            fingerprint=embedder.fingerprint,
        ).run()


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    """Another model: tiny, with 32 dimensions."""
    path = make_model(tmp_path_factory.mktemp("model"), "mean")
    return ModelSpec(str(path), None, "fp32", False, ("en",))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, model_cache: Path, tiny: ModelSpec) -> Path:
    """A data directory with documents, indexed with the default model."""
    folder = tmp_path_factory.mktemp("template")
    site = Site(Settings(data_dir=folder, models_cache=model_cache, log_level="error"), tiny)
    for number in range(DOCUMENTS):
        site.put(f"{number}.md", text_of(number))
    site.idle()
    site.close()
    return folder


@pytest.fixture
def site(template: Path, tmp_path: Path, model_cache: Path, tiny: ModelSpec) -> Iterator[Site]:
    folder = tmp_path / "data"
    shutil.copytree(template, folder)
    built = Site(Settings(data_dir=folder, models_cache=model_cache, log_level="error"), tiny)
    yield built
    built.close()


@pytest.fixture
def searching(site: Site) -> Iterator[Callable[[], int]]:
    """Searches without a pause, in every mode, until the test ends; gives how many there were so far."""
    target = site.put(
        "always.md", "# Zebra crossing\n\nThe zebra crossing is painted every spring by the facility team."
    )
    site.idle()
    until(lambda: target in site.found("zebra crossing painted", Mode.KEYWORD))  # which follows behind the vectors
    stop, wrong, done = threading.Event(), list[str](), [0]

    def run() -> None:
        while not stop.is_set():
            for mode in (Mode.HYBRID, Mode.SEMANTIC, Mode.KEYWORD):
                try:
                    found = site.found("zebra crossing painted", mode)
                    # A tiny model with random weights ranks as it likes; but it finds something at every moment.
                    if (len(found) < 3 and mode is not Mode.KEYWORD) or (
                        mode is not Mode.SEMANTIC and target not in found
                    ):
                        wrong.append(f"{mode}: {found}")
                except Exception as error:
                    wrong.append(f"{mode}: {error!r}")
                done[0] += 1

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield lambda: done[0]
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]


def test_search_goes_on_while_the_model_changes_and_back(site: Site, searching: Callable[[], int]) -> None:
    old = site.engine.embedder.fingerprint
    site.begin(share=0.2)
    new = site.change().model_id
    # Meanwhile documents come, change, move and go.
    edited = site.put("3.md", text_of(3, "A word that is new: okapi."))
    site.put("new.md", text_of(99))
    with site.database.transaction() as session:
        other = create_space(session, site.owner, "Other", SpaceKind.TEAM).id
    moved, removed = site.put("5.md", text_of(5)), site.put("7.md", text_of(7))
    with site.database.transaction() as session:
        documents.change_document(session, site.owner, moved, space_id=other)
        documents.delete_document(session, site.owner, removed)
    site.idle()
    site.ready()
    site.follows(new)
    assert site.engine.embedder.fingerprint == old
    assert edited in site.found("okapi")

    previous = site.change().previous_id
    site.turn(model_change.flip)
    assert site.engine.embedder.dimensions == 32
    before = searching()
    site.put("later.md", text_of(50, "It was written after the flip: quokka."))
    site.idle()
    until(lambda: searching() > before + 10)
    site.follows(new)
    site.follows(previous)  # which is kept for going back

    site.turn(model_change.rollback)
    assert site.engine.embedder.fingerprint == old
    assert site.found("quokka")
    until(lambda: searching() > before + 20)
    site.follows(previous)


def test_reconciling_leaves_both_models_alone_and_cuts_anew_after_the_flip(site: Site) -> None:
    site.begin()
    site.ready()
    change = site.change()
    assert site.reconcile().consistent
    site.follows(change.model_id)
    site.turn(model_change.flip)
    report = site.reconcile()
    assert (report.stale, report.missing_vectors, report.orphan_vectors) == (DOCUMENTS, 0, 0)
    site.idle()
    site.follows(change.model_id)
    site.follows(change.previous_id)
    assert site.reconcile().consistent


def test_the_end_of_a_change_deletes_what_is_not_in_use(site: Site) -> None:
    site.begin()
    site.ready()
    site.turn(model_change.flip)
    with pytest.raises(Conflict, match="just now"), site.database.transaction() as session:
        model_change.drop(session)
    with site.database.transaction() as session:
        gone = model_change.drop(session, utcnow() + timedelta(minutes=1))
    assert gone
    for collection in gone:
        site.engine.vectors.drop(collection)
    with site.database.reading() as session:
        now = model_change.standing(session)
        assert (now.active.dimensions if now.active else None, now.change) == (32, None)
        assert session.scalar(select(func.count(IndexModel.id))) == 1
    assert not set(gone) & set(site.engine.vectors.collections())
    assert site.found("travel costs", Mode.SEMANTIC)
    with pytest.raises(Conflict, match="go back"), site.database.transaction() as session:
        model_change.rollback(session)
    # The model of the database is served at the next start too, whatever the settings say.
    site.runtime.stop()
    site.engine.close()
    site.open()
    assert site.engine.embedder.dimensions == 32


def test_a_change_that_is_given_up_leaves_nothing(site: Site) -> None:
    before = set(site.engine.vectors.collections())
    site.begin()
    site.ready()
    assert set(site.engine.vectors.collections()) - before
    with site.database.transaction() as session:
        session.execute(update(ModelChange).values(gate={"passed": False, "says": "Nothing is found."}))
    with pytest.raises(Conflict, match="Nothing is found"), site.database.transaction() as session:
        model_change.flip(session)
    with site.database.transaction() as session:
        gone = model_change.drop(session)
    for collection in gone:
        site.engine.vectors.drop(collection)
    assert set(site.engine.vectors.collections()) == before
    with pytest.raises(NotFound), site.database.transaction() as session:
        model_change.drop(session)
    assert site.reconcile().consistent


def test_what_must_not_be_is_refused(site: Site) -> None:
    with pytest.raises(NotFound, match="nexus index migrate"), site.database.transaction() as session:
        model_change.flip(session)
    active = ModelSpec.of_settings(site.settings)
    with pytest.raises(Conflict, match="already"), site.database.transaction() as session:
        model_change.start(session, active, site.engine.embedder, 1.0)
    site.begin(share=0.01)
    with pytest.raises(Conflict, match="only one that is ready"), site.database.transaction() as session:
        model_change.flip(session)
    with pytest.raises(NexusError):
        ModelSpec("no/such-model", None, "fp32", False, ("en",)).load(site.settings)


def test_what_was_embedded_with_the_model_before_is_not_committed_after_the_flip(site: Site) -> None:
    site.begin()
    site.ready()
    stale = site.runtime._make_indexer()
    site.turn(model_change.flip)
    site.runtime._relay.request_stop()
    edited = site.put("3.md", text_of(3, "okapi"))
    from ingest.sources import SourceKey

    (landed,) = stale._pipeline.run([SourceKey("document", edited)])
    assert landed.outcome == "moved_on"


def test_a_model_whose_files_changed_is_not_taken_for_the_one_of_the_index(site: Site) -> None:
    with site.database.transaction() as session:
        session.execute(update(IndexModel).values(fingerprint="another-384-fp32"))
    site.runtime.stop()
    site.engine.close()
    site.engine = RetrievalEngine.open(site.settings, site.database)
    site.runtime = IngestRuntime(site.settings, site.database, site.engine)
    with pytest.raises(Unavailable, match="nexus index migrate"):
        _ = site.engine.embedder
    until(lambda: site.engine.keywords.wait_for(1, timeout=1))
    assert site.found("travel costs")  # by keywords


def test_building_survives_kill_9(template: Path, tmp_path: Path, model_cache: Path, tiny: ModelSpec) -> None:
    folder = tmp_path / "data"
    shutil.copytree(template, folder)
    settings = Settings(data_dir=folder, models_cache=model_cache, log_level="error")
    site = Site(settings, tiny)
    site.runtime.stop()
    site.engine.close()
    site.begin(share=0.03)
    command = [sys.executable, "-m", "tests.ingest.serve_model_change", str(folder), str(model_cache)]
    done = 0
    for _ in range(2):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda done=done: site.change().done > done)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert site.change().state == "building", "the kill came too late to prove anything"
        done = site.change().done
    site.begin(share=1.0)  # the same again goes on, faster
    site.open()
    site.ready()
    site.follows(site.change().model_id)
    site.turn(model_change.flip)
    assert site.found("parental leave", Mode.SEMANTIC)
    site.close()
