"""The change of the embedding model: search goes on, nothing is missing, vectors of two models never meet."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from core_api.domains.documents import service as documents
from core_api.domains.spaces.service import create_space
from core_api.infra.errors import Conflict, NexusError, NotFound, Unavailable
from core_api.infra.settings import Settings
from core_api.models import IndexModel, ModelChange, SpaceKind, utcnow
from evals import model_gate
from ingest import model_change, model_yielding
from ingest.runtime import IngestRuntime
from ingest.sources import SourceKey
from retrieval.active_model import ModelSpec
from retrieval.engine import RetrievalEngine
from retrieval.types import Mode
from tests.databases import Databases
from tests.ingest.site import Site, text_of, until
from tests.retrieval.test_embedding import make_model

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = 18


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ModelSpec:
    """Another model: tiny, with 32 dimensions."""
    path = make_model(tmp_path_factory.mktemp("model"), "mean")
    return ModelSpec(str(path), None, "fp32", False, ("en",))


@dataclass(frozen=True)
class Template:
    """A data directory with documents, indexed with the default model, and the database that belongs to it."""

    folder: Path
    url: str
    databases: Databases
    model_cache: Path

    def copy(self, folder: Path) -> Settings:
        """The settings of a copy."""
        shutil.copytree(self.folder, folder)
        url = self.databases.copy_of(self.url)
        return Settings(data_dir=folder, database_url=url, models_cache=self.model_cache, log_level="error")


@pytest.fixture(scope="module")
def template(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, model_cache: Path, tiny: ModelSpec
) -> Template:
    """Documents, indexed with the default model."""
    made = Template(tmp_path_factory.mktemp("template"), databases.copy(), databases, model_cache)
    settings = Settings(data_dir=made.folder, database_url=made.url, models_cache=model_cache, log_level="error")
    site = Site(settings, tiny)
    for number in range(DOCUMENTS):
        site.put(f"{number}.md", text_of(number))
    site.idle()
    site.close()
    return made


@pytest.fixture
def site(template: Template, tmp_path: Path, tiny: ModelSpec) -> Iterator[Site]:
    """A copy of them, everything running."""
    settings = template.copy(tmp_path / "data")
    built = Site(settings, tiny)
    yield built
    built.close()
    template.databases.drop(settings.resolved_database_url)


@pytest.fixture
def searching(site: Site) -> Iterator[Callable[[], int]]:
    """Searches again and again, in every mode, until the test ends; gives how many there were so far."""
    target = site.put(
        "always.md", "# Zebra crossing\n\nThe zebra crossing is painted every spring by the facility team."
    )
    site.idle()
    until(lambda: target in site.found("zebra crossing painted", Mode.KEYWORD))  # which follows behind the vectors
    stop, wrong, done = threading.Event(), list[str](), [0]

    def run() -> None:
        while not stop.wait(0.01):
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
    site.begin(share=0.5)
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


@pytest.mark.one_mode
def test_a_turn_succeeds_while_an_import_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model before, which follows, is far slower than the one that imports."""
    monkeypatch.setattr(model_yielding, "_LAG_SECONDS", 1)
    monkeypatch.setattr(model_yielding, "_LEAST_LAG", 16)
    site.begin()
    site.ready()
    site.turn(model_change.flip)
    stop, written = threading.Event(), [0]

    def import_without_end() -> None:
        while not stop.wait(0.1 if site.waiting() > 32 else 0):
            site.put(f"bulk/{written[0]}.md", f"# Bulk {written[0]}\n\n" + "The team writes a request for it. " * 18)
            written[0] += 1

    importer = threading.Thread(target=import_without_end)
    importer.start()
    try:
        before = len(site.chunks())
        until(lambda: len(site.chunks()) > before + 60)
        site.turn(model_change.rollback)
        before = len(site.chunks())
        until(lambda: len(site.chunks()) > before)  # it goes on, with the model before
    finally:
        stop.set()
        importer.join()
    site.idle()
    assert len({id_.split(":")[1] for id_ in site.chunks()}) == DOCUMENTS + written[0]
    site.follows(site.change().previous_id)


@pytest.mark.one_mode
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


@pytest.mark.one_mode
def test_a_change_that_is_given_up_in_the_middle_leaves_nothing(site: Site) -> None:
    before = set(site.engine.vectors.collections())
    site.begin(share=0.05)
    until(lambda: site.change().done > 0)
    with site.database.transaction() as session:
        gone = model_change.drop(session)
    for collection in gone:
        site.engine.vectors.drop(collection)
    site.runtime.follower.stop()
    assert set(site.engine.vectors.collections()) == before
    assert site.reconcile().consistent


@pytest.mark.one_mode
def test_building_goes_on_when_what_it_needs_is_back(site: Site) -> None:
    model = Path(site.tiny.model)
    site.runtime.follower.stop()
    site.begin()
    away = model.rename(model.with_name("away"))
    site.runtime.stop()
    site.engine.close()
    site.open()
    try:
        until(lambda: "neither a directory" in (site.change().error or ""))
        assert site.change().state == "building"
    finally:
        away.rename(model)
    site.runtime.follower.wake()
    site.ready()
    assert site.change().error is None
    site.follows(site.change().model_id)


@pytest.mark.one_mode
def test_the_gate_does_not_pass_what_it_cannot_tell(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_gate, "_QUERIES", 20)
    report = model_gate.compare_models(site.database, site.engine, site.engine, lambda: None)
    assert (report["queries"], report["verdict"], report["passed"]) == (20, "too_few_questions", False)
    monkeypatch.setattr(model_gate, "_LEAST_QUERIES", 20)
    report = model_gate.compare_models(site.database, site.engine, site.engine, lambda: None)
    assert (report["verdict"], report["passed"]) == ("passed", True)


@pytest.mark.one_mode
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
    (landed,) = stale._pipeline.run([SourceKey("document", edited)])
    assert landed.outcome == "moved_on"


@pytest.mark.one_mode
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


@pytest.mark.one_mode
def test_building_survives_kill_9(template: Template, tmp_path: Path, tiny: ModelSpec) -> None:
    settings = template.copy(tmp_path / "data")
    site = Site(settings, tiny)
    site.runtime.stop()
    site.engine.close()
    site.begin(share=0.03)
    command = [sys.executable, "-m", "tests.ingest.serve_model_change"]
    environment = {**os.environ, "NEXUS_DATA_DIR": str(settings.data_dir)}
    environment |= {"NEXUS_MODELS_CACHE": str(settings.models_cache)}
    environment |= {"NEXUS_DATABASE_URL": settings.resolved_database_url}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: site.change().done > 0)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert site.change().state == "building", "the kill came too late to prove anything"
    site.begin(share=1.0)  # the same again goes on, faster
    site.open()
    site.ready()
    site.follows(site.change().model_id)
    site.turn(model_change.flip)
    assert site.found("parental leave", Mode.SEMANTIC)
    site.close()
