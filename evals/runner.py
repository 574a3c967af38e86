"""Puts a collection through the product's own path (documents, ingestion, indexes) and opens it for search.

Each collection has a data directory of its own beneath `evals/corpora`, named by its content and the embedding model,
and is kept: the next run finds it indexed. Nothing of it mixes with the user's documents.
"""

import io
import mimetypes
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import func, select

from core_api.auth.subject import Subject
from core_api.domains.documents.service import Content, put_document
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.errors import Unavailable
from core_api.infra.migrate import upgrade
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore, open_files
from core_api.models import Document, IndexState, IndexStatus, OutboxEvent, Space, SpaceKind, SpaceMember, SpaceRole
from core_api.outbox import last_change
from evals.datasets import CorpusDocument, corpus_digest
from ingest.runtime import IngestRuntime
from retrieval.engine import RetrievalEngine

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""

_SPACE = "Evaluation"
_BATCH = 200
_MAX_BYTES = 50 * 2**20
# A collection's documents are judged by their text: one without a title gets none, or the name of a made-up file would
# be embedded with each of its passages.
_NO_TITLE = " "


def no_progress(_step: str, _done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class IndexedCorpus:
    """A collection that is indexed and can be asked as `subject`. `document_ids` maps the ids of documents in the
    database to those in the collection; `failed` are those (of the collection) that could not be indexed, with the
    reason."""

    settings: Settings
    database: Database
    engine: RetrievalEngine
    subject: Subject
    document_ids: dict[str, str]
    failed: dict[str, str]
    index_seconds: float


@contextmanager
def indexed_corpus(
    settings: Settings, name: str, documents: Sequence[CorpusDocument], progress: Progress = no_progress
) -> Iterator[IndexedCorpus]:
    """The collection, indexed with the embedding model of `settings`; indexes what is missing first.

    Raises Unavailable when another run works on the same collection, or a part cannot be opened.
    """
    own = _own_settings(settings, name, documents)
    own.data_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(own.data_dir / "evaluation.lock")
    try:
        lock.acquire(timeout=1)
    except Timeout as error:
        raise Unavailable(f"Another evaluation of {name} is running; wait for it to end.") from error
    database = Database(own.resolved_database_url)
    try:
        upgrade(database)
        with database.transaction() as session:
            subject, _ = ensure_owner(session)
        engine = RetrievalEngine.open(own, database)
        try:
            began = time.perf_counter()
            _put_documents(own, database, subject, documents, progress)
            _index(own, database, engine, len(documents), progress)
            seconds = time.perf_counter() - began
            ids, failed = _outcome(database)
            yield IndexedCorpus(own, database, engine, subject, ids, failed, seconds)
        finally:
            engine.close()
    finally:
        database.dispose()
        lock.release()


def _own_settings(settings: Settings, name: str, documents: Sequence[CorpusDocument]) -> Settings:
    model = "".join(c if c.isalnum() else "-" for c in f"{settings.embedding_model}-{settings.embedding_precision}")
    folder = settings.data_dir / "evals" / "corpora" / f"{name}-{corpus_digest(documents)}-{model[-40:]}"
    return settings.model_copy(
        update={
            "data_dir": folder.resolve(),
            "models_cache": settings.models_dir.resolve(),
            "database_url": None,
            "chroma_url": None,
            "redis_url": None,
            "storage_url": None,
        }
    )


def _put_documents(
    settings: Settings,
    database: Database,
    subject: Subject,
    documents: Sequence[CorpusDocument],
    progress: Progress,
) -> None:
    files = open_files(settings)
    with database.transaction() as session:
        space_id = session.scalar(select(Space.id).where(Space.name == _SPACE))
        if space_id is None:
            space = Space(name=_SPACE, kind=SpaceKind.TEAM)
            session.add(space)
            session.flush()
            session.add(SpaceMember(space_id=space.id, user_id=subject.user_id, role=SpaceRole.OWNER))
            space_id = space.id
        known = set(session.scalars(select(Document.path).where(Document.space_id == space_id)))
    missing = [document for document in documents if document.id not in known]
    for start in range(0, len(missing), _BATCH):
        contents = [
            _content(files, document, number)
            for number, document in enumerate(missing[start : start + _BATCH], start=start)
        ]
        with database.transaction() as session:
            for document, content in zip(missing[start : start + _BATCH], contents, strict=True):
                title = document.title.strip()[:500] or (None if document.file else _NO_TITLE)
                put_document(session, subject, space_id, content, path=document.id, title=title)
        progress("Storing", min(start + _BATCH, len(missing)), len(missing))


def _content(files: FileStore, document: CorpusDocument, number: int) -> Content:
    if document.file is None:
        return Content(files.put(io.BytesIO(document.text.encode()), _MAX_BYTES), f"{number}.txt", "text/plain")
    media_type = mimetypes.guess_type(document.file.name)[0]
    with document.file.open("rb") as stream:
        return Content(files.put(stream, _MAX_BYTES), document.file.name, media_type or "application/octet-stream")


def _index(settings: Settings, database: Database, engine: RetrievalEngine, total: int, progress: Progress) -> None:
    engine.wait()
    runtime = IngestRuntime(settings, database, engine)
    runtime.start()
    try:
        while not runtime.wait_idle(timeout=1.0):
            progress("Indexing", _settled(database), total)
    finally:
        runtime.stop()
    with database.reading() as session:
        goal = last_change(session)
        waiting = session.scalar(select(func.count()).where(OutboxEvent.parked_at.is_not(None)))
    if waiting:
        raise Unavailable(f"{waiting} documents could not be indexed after several tries; see the log.")
    if not engine.keywords.wait_for(goal, timeout=600):
        raise Unavailable("The keyword index does not catch up; see the log.")
    progress("Indexing", total, total)


def _settled(database: Database) -> int:
    with database.reading() as session:
        done = (IndexStatus.INDEXED, IndexStatus.FAILED)
        return session.scalar(select(func.count()).select_from(IndexState).where(IndexState.status.in_(done))) or 0


def _outcome(database: Database) -> tuple[dict[str, str], dict[str, str]]:
    ids: dict[str, str] = {}
    failed: dict[str, str] = {}
    with database.reading() as session:
        rows = session.execute(
            select(Document.id, Document.path, IndexState.status, IndexState.error).join(
                IndexState, IndexState.source_id == Document.id
            )
        )
        for document_id, path, status, error in rows:
            ids[document_id] = path or document_id
            if status == IndexStatus.FAILED:
                failed[path or document_id] = error or "no reason given"
    return ids, failed


def corpora_dir(settings: Settings) -> Path:
    """Where indexed collections are kept; it may be deleted at any time."""
    return settings.data_dir / "evals" / "corpora"
