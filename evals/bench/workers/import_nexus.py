"""The product's import, from files to all three indexes, by the same parts that serve."""

import io
import time
from pathlib import Path, PurePath

from sqlalchemy import func, select

from core_api.auth.subject import Subject
from core_api.domains.documents.service import Content, put_document
from core_api.domains.spaces.service import create_space
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from core_api.models import Chunk, IndexState, IndexStatus, SpaceKind
from core_api.outbox import last_change
from evals.bench.corpus import text_files
from evals.bench.process import memory, serve
from evals.bench.workers.imports import Parameters, Result
from ingest.relay import BATCH
from ingest.runtime import IngestRuntime
from retrieval.embedding import Embedder
from retrieval.engine import RetrievalEngine
from retrieval.passages import embedded_text
from retrieval.service import search
from retrieval.types import Query

_TIMEOUT = 3600
_EDIT_TIMEOUT = 60


def measure(text: str) -> Result:
    """Import the folder into a new data directory, then embed its chunks again for comparison."""
    parameters = Parameters.model_validate_json(text)
    settings = Settings(
        data_dir=parameters.work_dir / "data",
        models_cache=parameters.models_cache,
        embedding_precision=parameters.precision,
        embedding_threads=parameters.threads,
        database_url=None,
        chroma_url=None,
    )
    settings.data_dir.mkdir(parents=True)
    database = Database(settings.resolved_database_url)
    upgrade(database)
    with database.transaction() as session:
        owner, _ = ensure_owner(session)
        space = create_space(session, owner, "Benchmark", SpaceKind.TEAM).id
        warm = create_space(session, owner, "Warm-up", SpaceKind.TEAM).id
    engine = RetrievalEngine.open(settings, database)
    runtime = IngestRuntime(settings, database, engine)
    try:
        engine.wait()
        runtime.start()
        # A server's parser children and libraries are loaded by its first documents; the others' are loaded too. Enough
        # for a batch on each thread, and with markup in them, for the parsers of both.
        pages = [parameters.work_dir / f"warm-{number}.md" for number in range(BATCH * settings.ingest_threads)]
        for page in pages:
            page.write_text(f"# Warm-up\n\n<p>{page.stem} wakes up a parser.</p>\n", encoding="utf-8")
        _put(settings, database, owner, warm, parameters.work_dir, pages)
        _finish(database, runtime, engine)
        idle = memory().peak_mb

        files = text_files(parameters.corpus)
        began = time.perf_counter()
        _put(settings, database, owner, space, parameters.corpus, files)
        _finish(database, runtime, engine)
        seconds = time.perf_counter() - began
        peak = memory()
        chunks, texts = _chunks(database, space)
        raw = _raw_seconds(engine.embedder, texts)
        edits = [
            _edit_ms(settings, database, engine, owner, space, parameters.corpus, path, number)
            for number, path in enumerate(files[: parameters.edits])
        ]
    finally:
        runtime.stop()
        engine.close()
        database.dispose()
    return Result(
        name=f"nexus {parameters.precision}",
        files=len(files),
        characters=sum(len(path.read_text(encoding="utf-8", errors="replace")) for path in files),
        chunks=chunks,
        seconds=seconds,
        raw_seconds=raw,
        cut=0,
        idle_mb=idle,
        memory=peak,
        edits_ms=edits,
    )


def _put(settings: Settings, database: Database, owner: Subject, space: str, root: Path, files: list[Path]) -> None:
    for path in files:
        _put_one(settings, database, owner, space, path.relative_to(root), path.read_bytes())


def _put_one(
    settings: Settings, database: Database, owner: Subject, space: str, path: PurePath, content: bytes
) -> None:
    stored = open_files(settings).put(io.BytesIO(content), settings.max_upload_bytes)
    media_type = "text/markdown" if path.suffix == ".md" else "text/plain"
    with database.transaction() as session:
        put_document(session, owner, space, Content(stored, path.name, media_type), path=path.as_posix())


def _edit_ms(
    settings: Settings,
    database: Database,
    engine: RetrievalEngine,
    owner: Subject,
    space: str,
    root: Path,
    path: Path,
    number: int,
) -> float:
    """Put a new sentence into the middle of a page; milliseconds until a search finds its word."""
    word = f"freshword{number:04}"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    prose = [at for at, line in enumerate(lines) if line[:1].isalpha() and len(line.split()) > 8]
    lines.insert(prose[len(prose) // 2] + 1 if prose else len(lines), f"The {word} is new.")
    began = time.perf_counter()
    _put_one(settings, database, owner, space, path.relative_to(root), "\n".join(lines).encode())
    while time.perf_counter() - began < _EDIT_TIMEOUT:
        with database.reading() as session:
            found = search(session, owner, engine, Query(word, k=5))
        if any(word in hit.text for hit in found.hits):
            return (time.perf_counter() - began) * 1000
        time.sleep(0.01)
    raise TimeoutError(f"an edit of {path.name} was not found within {_EDIT_TIMEOUT} s")


def _finish(database: Database, runtime: IngestRuntime, engine: RetrievalEngine) -> None:
    if not runtime.wait_idle(_TIMEOUT):
        raise TimeoutError(f"the import did not end within {_TIMEOUT} s")
    with database.reading() as session:
        failed = session.scalars(select(IndexState.error).where(IndexState.status == IndexStatus.FAILED)).all()
        goal = last_change(session)
    if failed:
        raise RuntimeError(f"{len(failed)} files could not be imported: {failed[:3]}")
    if not engine.keywords.wait_for(goal, timeout=60):
        raise TimeoutError("the keyword index did not catch up within 60 s")


def _chunks(database: Database, space: str) -> tuple[int, list[str]]:
    """How many chunks there are, and the different texts among them."""
    with database.reading() as session:
        count = session.scalar(select(func.count()).select_from(Chunk).where(Chunk.space_id == space)) or 0
        rows = session.execute(select(Chunk.title, Chunk.heading, Chunk.text).where(Chunk.space_id == space))
        return count, list(dict.fromkeys(embedded_text(title, heading, text) for title, heading, text in rows))


def _raw_seconds(embedder: Embedder, texts: list[str]) -> float:
    began = time.perf_counter()
    embedder.embed_passages(texts)
    return time.perf_counter() - began


if __name__ == "__main__":
    serve(measure)
