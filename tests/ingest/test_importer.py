"""An import brings files in, tells what becomes of each, and never duplicates."""

import asyncio
import contextlib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from core_api.infra.database import Database
from ingest.endpoints import router
from ingest.entries import Entry, Problem, Selection, expand, without_doubles
from ingest.importer import Event, Failed, Finished, Found, ImportOptions, Indexed, Removed, Uploaded
from ingest.importer import import_sources as run_import
from ingest.importer import watch as run_watch
from ingest.parsers.limits import Limits
from ingest.runtime import IngestRuntime
from retrieval.engine import RetrievalEngine
from tests.applications import application
from tests.factories import bearer
from tests.ingest.house import House


@pytest.fixture
def app(house: House) -> Iterator[FastAPI]:
    """The API with ingestion running."""
    served = application(house.settings, house.database, [router])
    engine = RetrievalEngine(house.embedder, house.vectors, house.keywords, house.settings)  # type: ignore[arg-type]
    runtime = IngestRuntime(house.settings, house.database, engine)
    served.state.engine, served.state.ingest = engine, runtime
    runtime.start()
    yield served
    runtime.stop()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of two pages, one of them in a folder below."""
    folder = tmp_path / "docs"
    (folder / "hr").mkdir(parents=True)
    (folder / "welcome.md").write_text("# Welcome\n\nThe office opens at nine.")
    (folder / "hr" / "leave.md").write_text("# Leave\n\nAsk two weeks before.")
    return folder


def connect(app: FastAPI, house: House) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://nexus.test",
        headers=bearer(house.database, house.owner),
        timeout=60,
    )


def do_import(app: FastAPI, house: House, *sources: Path, options: ImportOptions | None = None) -> list[Event]:
    async def run() -> list[Event]:
        async with connect(app, house) as client:
            return [event async for event in run_import(client, [str(s) for s in sources], house.space, options)]

    return asyncio.run(run())


def of(events: list[Event], kind: type) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


def paths(*sources: Path | str, selection: Selection | None = None, limits: Limits | None = None) -> list[str]:
    found = [item for source in sources for item in expand(str(source), selection or Selection(), limits or Limits())]
    return [item.path for item in without_doubles(found) if isinstance(item, Entry)]


def problems(*sources: Path | str, limits: Limits | None = None) -> list[Problem]:
    found = [item for source in sources for item in expand(str(source), Selection(), limits or Limits())]
    return [item for item in without_doubles(found) if isinstance(item, Problem)]


def test_a_folder_is_imported_and_every_file_is_followed_to_its_end(app: FastAPI, house: House, docs: Path) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    events = do_import(app, house, docs)
    assert events[0] == Found(3, sum(file.stat().st_size for file in docs.rglob("*.*")))
    assert {event.path for event in of(events, Uploaded)} == {"docs/broken.pdf", "docs/hr/leave.md", "docs/welcome.md"}
    assert {event.path for event in of(events, Indexed)} == {"docs/hr/leave.md", "docs/welcome.md"}
    (failure,) = of(events, Failed)
    assert failure.path == "docs/broken.pdf"
    assert failure.message
    assert isinstance(events[-1], Finished)
    assert (events[-1].created, events[-1].indexed, events[-1].failed) == (3, 2, 1)
    house.assert_consistent()


def test_importing_again_changes_nothing_and_embeds_nothing(app: FastAPI, house: House, docs: Path) -> None:
    do_import(app, house, docs)
    house.embedder.passages = []
    last = do_import(app, house, docs)[-1]
    assert isinstance(last, Finished)
    assert (last.created, last.updated, last.unchanged, last.indexed, last.chunks) == (0, 0, 2, 2, 0)
    assert house.embedder.passages == []


def test_a_changed_file_updates_its_document(app: FastAPI, house: House, docs: Path) -> None:
    do_import(app, house, docs)
    (docs / "welcome.md").write_text("# Welcome\n\nThe office opens at ten.")
    last = do_import(app, house, docs)[-1]
    assert isinstance(last, Finished)
    assert (last.created, last.updated, last.unchanged) == (0, 1, 1)
    assert any("ten" in chunk.text for chunk in house.chunks())
    assert not any("nine" in chunk.text for chunk in house.chunks())


def test_a_part_of_an_imported_folder_is_the_same_documents(app: FastAPI, house: House, docs: Path) -> None:
    do_import(app, house, docs)
    (docs / "hr" / "leave.md").write_text("# Leave\n\nAsk three weeks before.")
    for part in (docs / "hr" / "leave.md", docs / "hr"):
        events = do_import(app, house, part)
        assert [event.path for event in of(events, Uploaded)] == ["docs/hr/leave.md"]
    assert len({chunk.source_id for chunk in house.chunks()}) == 2
    assert any("three" in chunk.text for chunk in house.chunks())


def test_the_members_of_an_archive_become_documents(app: FastAPI, house: House, tmp_path: Path) -> None:
    archive = tmp_path / "policies.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("travel/rail.md", "Take the train.")
        target.writestr("../../outside.md", "Stay in.")
        target.writestr(".git/config", "[core]")
    events = do_import(app, house, archive)
    names = {event.path.split("/", 1)[1] for event in of(events, Indexed)}
    assert names == {"policies.zip/travel/rail.md", "policies.zip/outside.md"}


def test_a_missing_file_is_told_and_stops_nothing(app: FastAPI, house: House, docs: Path) -> None:
    events = do_import(app, house, docs / "nowhere", docs / "welcome.md")
    (failure,) = of(events, Failed)
    assert failure.code == "nothing_found"
    assert len(of(events, Indexed)) == 1


def test_a_file_that_is_too_large_is_told_and_stops_nothing(app: FastAPI, house: House, docs: Path) -> None:
    app.state.settings = house.settings.model_copy(update={"max_upload_bytes": 1000})
    (docs / "large.txt").write_text("word " * 1000)
    events = do_import(app, house, docs)
    (failure,) = of(events, Failed)
    assert (failure.path, failure.code) == ("docs/large.txt", "too_large")
    assert "NEXUS_MAX_UPLOAD_BYTES" in failure.message
    assert len(of(events, Indexed)) == 2


def test_without_a_sign_in_every_file_says_so(app: FastAPI, house: House, docs: Path) -> None:
    async def run() -> list[Event]:
        async with connect(app, house) as client:
            client.headers["Authorization"] = "Bearer nonsense"
            return [event async for event in run_import(client, [str(docs)], house.space)]

    events = asyncio.run(run())
    assert [event.code for event in of(events, Failed)] == ["unauthenticated"] * 2


def test_a_server_that_is_not_there_is_told_once_tried_and_ends_the_import(docs: Path) -> None:
    async def run() -> list[Event]:
        async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as client:
            return [event async for event in run_import(client, [str(docs)], "space")]

    events = asyncio.run(run())
    assert {event.code for event in of(events, Failed)} == {"unreachable"}
    assert "nexus serve" in of(events, Failed)[0].message
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize(("status", "words"), [(413, "larger"), (507, "disk"), (502, "502")])
def test_errors_of_servers_in_between_are_put_into_words(docs: Path, status: int, words: str) -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(status, text="<html>no</html>"))

    async def run() -> list[Event]:
        async with httpx.AsyncClient(transport=transport, base_url="http://proxy.test") as client:
            return [event async for event in run_import(client, [str(docs)], "space")]

    failures = of(asyncio.run(run()), Failed)
    assert len(failures) == 2
    assert all(failure.code == f"http_{status}" and words in failure.message for failure in failures)


def test_a_busy_server_is_asked_again(docs: Path) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) == 1:
            return httpx.Response(503, headers={"Retry-After": "0"})
        if request.method == "GET":
            return httpx.Response(200, json={"items": [], "next_cursor": None})
        document = {"id": "1", "index": {"status": "indexed", "chunk_count": 1}}
        return httpx.Response(201, json={"document": document, "outcome": "created"})

    async def run() -> list[Event]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://busy.test") as client:
            return [event async for event in run_import(client, [str(docs / "welcome.md")], "space")]

    assert len(of(asyncio.run(run()), Indexed)) == 1
    assert [request.url for request in asked].count(asked[0].url) == 2


def test_a_watched_folder_is_followed(app: FastAPI, house: House, docs: Path) -> None:
    do_import(app, house, docs)

    async def run() -> list[Event]:
        seen: list[Event] = []

        async def until(kind: type, path: str) -> None:
            while not any(isinstance(event, kind) and getattr(event, "path", "") == path for event in seen):
                await asyncio.sleep(0.05)

        async def follow(client: httpx.AsyncClient) -> None:
            async for event in run_watch(client, [str(docs)], house.space):
                seen.append(event)

        async with connect(app, house) as client, asyncio.timeout(60):
            task = asyncio.create_task(follow(client))
            await asyncio.sleep(1)
            (docs / "welcome.md").write_text("# Welcome\n\nThe office opens at noon.")
            await until(Indexed, "docs/welcome.md")
            (docs / "new.md").write_text("A new page.")
            (docs / ".hidden.md").write_text("Not for you.")
            await until(Indexed, "docs/new.md")
            (docs / "hr" / "leave.md").unlink()
            await until(Removed, "docs/hr/leave.md")
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        return seen

    seen = asyncio.run(run())
    assert not any(".hidden" in getattr(event, "path", "") for event in seen)
    assert not of(seen, Failed)
    with contextlib.closing(_live_paths(house.database)) as live:
        assert set(live) == {"docs/welcome.md", "docs/new.md"}


def _live_paths(database: Database) -> Iterator[str]:
    from core_api.models import Document

    with database.reading() as session:
        for document in session.query(Document).filter(Document.deleted_at.is_(None)):
            yield document.path or ""


def test_hidden_files_and_clutter_are_left_out_unless_asked_for(docs: Path) -> None:
    for name in (".env", ".git/config", "node_modules/x/readme.md", "~$open.docx", "__pycache__/a.pyc"):
        file = docs / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    assert paths(docs) == ["docs/welcome.md", "docs/hr/leave.md"]
    assert len(paths(docs, selection=Selection(hidden=True))) == 7
    assert paths(docs / ".env") == ["docs/.env"]  # named by a person


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(include=("*.md",)), ["docs/a.md", "docs/hr/b.md"]),
        (Selection(include=("hr/**/*.md",)), ["docs/hr/b.md"]),
        (Selection(exclude=("hr/*",)), ["docs/a.md", "docs/c.txt"]),
        (Selection(include=("*.md", "*.txt"), exclude=("a.*",)), ["docs/c.txt", "docs/hr/b.md"]),
    ],
)
def test_patterns_choose_files(tmp_path: Path, selection: Selection, expected: list[str]) -> None:
    folder = tmp_path / "docs"
    (folder / "hr").mkdir(parents=True)
    for name in ("a.md", "hr/b.md", "c.txt"):
        (folder / name).write_text("x")
    assert sorted(paths(folder, selection=selection)) == expected


def test_a_file_has_the_same_path_however_it_is_named(docs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ["docs/welcome.md"]
    assert paths(docs / "welcome.md") == expected
    assert paths(str(docs / "*.md")) == expected
    assert paths(docs, selection=Selection(include=("welcome*",))) == expected
    monkeypatch.chdir(docs)
    assert paths("welcome.md") == paths("*.md") == paths("./welcome.md") == expected
    assert paths(".", selection=Selection(include=("welcome*",))) == expected


def test_a_recursive_glob_keeps_the_folders_below_its_base(docs: Path) -> None:
    assert sorted(paths(str(docs / "**" / "*.md"))) == ["docs/hr/leave.md", "docs/welcome.md"]
    assert [problem.code for problem in problems(str(docs / "*.pdf"))] == ["nothing_found"]


def test_a_path_is_taken_once(docs: Path, tmp_path: Path) -> None:
    assert paths(docs, docs / "welcome.md").count("docs/welcome.md") == 1
    other = tmp_path / "elsewhere" / "docs"
    other.mkdir(parents=True)
    (other / "welcome.md").write_text("Another one.")
    assert [problem.code for problem in problems(docs, other)] == ["same_path"]


def _zip(path: Path, fill: Callable[[zipfile.ZipFile], None]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        fill(target)
    return path


def test_archives_are_bounded_by_members_and_size(tmp_path: Path) -> None:
    many = _zip(tmp_path / "many.zip", lambda z: [z.writestr(f"{n}.txt", "x") for n in range(20)])  # type: ignore[func-returns-value]
    (problem,) = problems(many, limits=Limits(archive_max_members=10))
    assert problem.code == "too_large"
    big = _zip(tmp_path / "big.zip", lambda z: z.writestr("a.txt", "x" * 3_000_000))
    (problem,) = problems(big, limits=Limits(archive_max_bytes=1_000_000))
    assert problem.code == "too_large"


def test_a_member_that_expands_too_far_fails_alone(app: FastAPI, house: House, tmp_path: Path) -> None:
    def fill(target: zipfile.ZipFile) -> None:
        target.writestr("bomb.txt", "0" * 5_000_000)
        target.writestr("fine.txt", "A normal text.")

    events = do_import(app, house, _zip(tmp_path / "mixed.zip", fill))
    (failure,) = of(events, Failed)
    assert failure.path.endswith("mixed.zip/bomb.txt")
    assert failure.code == "too_large"
    assert [event.path.rsplit("/", 1)[1] for event in of(events, Indexed)] == ["fine.txt"]


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    whole = _zip(tmp_path / "whole.zip", lambda z: z.writestr("a.txt", "x" * 5000)).read_bytes()
    (tmp_path / "cut.zip").write_bytes(b"\x00" * 40 + whole[60:])
    found = list(expand(str(tmp_path / "cut.zip"), Selection(), Limits()))
    assert len(found) == 1  # told here, or sent as it is for the server to say what is wrong
