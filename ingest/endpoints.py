"""HTTP for the index: its state, and what an admin can do about it."""

import dataclasses
import errno
import time
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from core_api.audit import Actor, record
from core_api.auth.dependencies import (
    DatabaseDep,
    FilesDep,
    IndexManager,
    Reader,
    ReadSession,
    SettingsDep,
    WriteSession,
)
from core_api.http.pagination import Cursor
from core_api.infra.errors import NotFound
from core_api.infra.storage import disk_full, ensure_room
from core_api.models import Space, new_id
from core_api.outbox import last_change
from ingest import reconcile, status
from ingest.pipeline import pipeline_name
from ingest.runtime import IngestRuntime
from ingest.sources import SourceKey
from retrieval.carrying import VectorBatch, read_batches, write_file
from retrieval.engine import RetrievalEngine
from retrieval.vectors import VectorStore

router = APIRouter(prefix="/index", tags=["index"])

_EXPORT_SECONDS = 3600.0
"""An older file was left by a command that did not come to its end."""


class ReindexRequest(BaseModel):
    """What to read again; without a space, everything."""

    model_config = ConfigDict(extra="forbid")

    space_id: str | None = Field(default=None, max_length=36)


class RetryRequest(BaseModel):
    """What to try again; without a source, everything that failed."""

    model_config = ConfigDict(extra="forbid")

    source_kind: str = Field(default="document", max_length=32)
    source_id: str | None = Field(default=None, max_length=36)


class Requeued(BaseModel):
    """How many sources the pipeline looks at again."""

    requeued: int


class ExportRead(BaseModel):
    """Where the vectors are."""

    name: str = Field(description="A file in `exports` of the data directory, for whoever has that.")
    vectors: int


class ReconcileRead(BaseModel):
    """What reconciling compared, what was wrong, and what was done about it; each is a count."""

    sources: int
    chunks: int
    vectors: int
    waiting: int = Field(description="Sources that are being indexed anyway; they were not compared.")
    never_indexed: int
    stale: int = Field(description="Sources indexed at another version, in another space, or with older settings.")
    not_deleted: int = Field(description="Sources that are deleted or gone, but were still indexed.")
    wrong_chunks: int = Field(description="Sources whose chunks are not those that were written.")
    missing_vectors: int
    wrong_vectors: int
    orphan_vectors: int
    orphan_collections: int
    left_behind: int
    promoted: int
    missing_files: int
    unused_files: int
    keywords_rebuilt: bool
    requeued: int = Field(description="Sources that the pipeline looks at again because of this.")
    consistent: bool = Field(description="Whether nothing was wrong.")


@router.get("/status")
def read_status(
    request: Request,
    subject: Reader,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200, description="How many failures at most.")] = 100,
) -> status.IndexStatusRead:
    """What is indexed, what waits, what failed and why, of what you may read (an admin: of everything)."""
    engine: RetrievalEngine = request.app.state.engine
    runtime: IngestRuntime = request.app.state.ingest
    failures, next_cursor = status.list_failures(session, subject, cursor, limit)
    embedding = keyword_lag = None
    if engine.ready:
        embedding = status.EmbeddingRead(
            name=engine.embedder.name, fingerprint=engine.embedder.fingerprint, dimensions=engine.embedder.dimensions
        )
        keyword_lag = max(0, last_change(session) - engine.keywords.position)
    return status.IndexStatusRead(
        sources=status.count_sources(session, subject),
        chunks=status.count_chunks(session, subject),
        queue=status.read_queue(session, subject),
        keyword_lag=keyword_lag,
        embedding=embedding,
        lag_ms=status.lags(runtime.freshness.lags_ms()),
        failures=failures,
        next_cursor=next_cursor,
    )


@router.post("/reconcile")
def run_reconcile(request: Request, subject: IndexManager, database: DatabaseDep, files: FilesDep) -> ReconcileRead:
    """Compare the database with its indexes, and repair what differs. Repairs that need embedding are queued."""
    engine: RetrievalEngine = request.app.state.engine
    reconciler = reconcile.Reconciler(
        database,
        engine.vectors,
        engine.keywords,
        files,
        pipeline=pipeline_name(engine.embedder),
        fingerprint=engine.embedder.fingerprint,
    )
    report = reconciler.run()
    with database.transaction() as session:
        record(session, Actor.of(subject), "index.reconciled", "index", **dataclasses.asdict(report))
    return ReconcileRead(**dataclasses.asdict(report), consistent=report.consistent)


@router.post("/vectors/export")
def export_vectors(settings: SettingsDep, request: Request, subject: IndexManager, database: DatabaseDep) -> ExportRead:
    """Write all vectors into a file of the data directory. `nexus backup` asks for it, and takes it away."""
    engine: RetrievalEngine = request.app.state.engine
    folder = settings.exports_dir
    folder.mkdir(mode=0o700, exist_ok=True)
    ensure_room(folder, settings.min_free_bytes)
    for old in folder.glob("vectors-*"):
        if time.time() - old.stat().st_mtime > _EXPORT_SECONDS:
            old.unlink(missing_ok=True)
    path = folder / f"vectors-{new_id()}"
    try:
        with database.reading() as session:
            vectors = write_file(path, _each_of_now(session, engine.vectors))
    except OSError as error:
        path.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            raise disk_full(folder) from error
        raise
    with database.transaction() as session:
        record(session, Actor.of(subject), "index.vectors_exported", "index", vectors=vectors)
    return ExportRead(name=path.name, vectors=vectors)


@router.post("/reindex")
def run_reindex(subject: IndexManager, session: WriteSession, body: ReindexRequest | None = None) -> Requeued:
    """Read everything (of a space) again, and embed what has changed."""
    space_id = body.space_id if body is not None else None
    if space_id is not None and session.get(Space, space_id) is None:
        raise NotFound(f"There is no space {space_id!r}.")
    requeued = reconcile.reindex(session, space_id)
    record(session, Actor.of(subject), "index.reindexed", "space", space_id or "", requeued=requeued)
    return Requeued(requeued=requeued)


@router.post("/retry")
def run_retry(_subject: IndexManager, session: WriteSession, body: RetryRequest | None = None) -> Requeued:
    """Try again what failed or was parked."""
    key = None
    if body is not None and body.source_id is not None:
        key = SourceKey(body.source_kind, body.source_id)
    return Requeued(requeued=reconcile.retry(session, key))


def _each_of_now(session: Session, store: VectorStore) -> Iterator[VectorBatch]:
    for batch in read_batches(session, store):
        session.rollback()
        yield batch
