"""The real parts around the pipeline (SQLite, Chroma, Tantivy, a parser child, the embedding model), for one test."""

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from core_api.domains.documents import service as documents
from core_api.domains.spaces.service import create_space
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from core_api.models import (
    Chunk,
    Document,
    IndexState,
    OutboxEvent,
    Space,
    SpaceIndex,
    SpaceKind,
    SpaceMember,
    SpaceRole,
)
from ingest.indexing import Indexer
from ingest.pipeline import Pipeline
from ingest.queue import claim
from ingest.reconcile import Reconciler, Report
from ingest.sandbox import Sandbox
from ingest.sources import SourceKey
from retrieval.embedding.base import Embedder, Vectors
from retrieval.keywords import KeywordIndex
from retrieval.vectors import VectorStore


class CountingEmbedder:
    """The real embedder, counting the passages that it embeds."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.passages: list[str] = []
        self.before: threading.Event | None = None  # embedding waits for it
        self.started = threading.Event()
        self.error: Exception | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._embedder, name)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.started.set()
        if self.before is not None:
            assert self.before.wait(30)
        if self.error is not None:
            raise self.error
        self.passages += texts
        return self._embedder.embed_passages(texts)


@dataclass
class House:
    """One data directory with everything open, and what a test wants to do and know."""

    settings: Settings
    database: Database
    embedder: CountingEmbedder
    sandbox: Sandbox
    vectors: VectorStore = field(init=False)
    keywords: KeywordIndex = field(init=False)

    def __post_init__(self) -> None:
        with self.database.transaction() as session:
            self.owner, _ = ensure_owner(session)
        self.files = open_files(self.settings)
        self.vectors = VectorStore.open(self.settings)
        self.keywords = KeywordIndex.open(self.settings.keywords_dir)
        self.pipeline = self.make_pipeline()
        self.indexer = Indexer(self.settings, self.database, self.pipeline)
        self.space = self.make_space("Team")

    def make_pipeline(self, chunk_tokens: int = 192) -> Pipeline:
        return Pipeline(
            self.settings, self.database, self.embedder, self.vectors, self.sandbox, self.files, chunk_tokens
        )

    def make_space(self, name: str, kind: SpaceKind = SpaceKind.TEAM) -> str:
        with self.database.transaction() as session:
            if kind is not SpaceKind.PERSONAL:
                return create_space(session, self.owner, name, kind).id
            # A person has one; here the owner is in several.
            space = Space(name=name, kind=kind)
            session.add(space)
            session.flush()
            session.add(SpaceMember(space_id=space.id, user_id=self.owner.user_id, role=SpaceRole.OWNER))
            return space.id

    def put(
        self, path: str, content: str | bytes, space: str | None = None, title: str | None = None, **labels: Any
    ) -> str:
        """Upload a file; gives the document's id."""
        data = content.encode() if isinstance(content, str) else content
        stored = self.files.put(io.BytesIO(data), 10**9)
        name = Path(path).name
        with self.database.transaction() as session:
            document, _ = documents.put_document(
                session,
                self.owner,
                space or self.space,
                documents.Content(stored, name, documents.guess_media_type(name, None)),
                path=path,
                title=title,
                **labels,
            )
            return document.id

    def change(self, document_id: str, *, title: str | None = None, space: str | None = None, **labels: Any) -> None:
        with self.database.transaction() as session:
            documents.change_document(session, self.owner, document_id, title=title, space_id=space, **labels)

    def delete(self, document_id: str) -> None:
        with self.database.transaction() as session:
            documents.delete_document(session, self.owner, document_id)

    def look(self, document_id: str) -> None:
        """Index one document, whatever the queue says."""
        self.pipeline.run([SourceKey("document", document_id)])

    def index(self) -> None:
        """Index what is due, as the relay does."""
        while keys := self._claim():
            self.indexer.index(keys)

    def _claim(self) -> list[SourceKey]:
        with self.database.transaction() as session:
            return claim(session, 16, self.settings.ingest_max_tries)

    def reconcile(self) -> Report:
        return Reconciler(
            self.database,
            self.vectors,
            self.keywords,
            self.files,
            pipeline=self.pipeline.name,
            fingerprint=self.embedder.fingerprint,
            grace_seconds=0,
        ).run()

    def chunks(self, document_id: str | None = None) -> list[Chunk]:
        with self.database.reading() as session:
            statement = select(Chunk).order_by(Chunk.source_id, Chunk.ordinal)
            if document_id is not None:
                statement = statement.where(Chunk.source_id == document_id)
            return list(session.scalars(statement))

    def state(self, document_id: str) -> IndexState:
        with self.database.reading() as session:
            state = session.get(IndexState, ("document", document_id))
            assert state is not None
            return state

    def events(self) -> list[OutboxEvent]:
        with self.database.reading() as session:
            return list(session.scalars(select(OutboxEvent)))

    def document(self, document_id: str) -> Document | None:
        with self.database.reading() as session:
            return session.get(Document, document_id)

    def assert_consistent(self) -> None:
        """The chunks of the database are those of the vector store and of the keyword index, and every live document's
        chunks are those of its current version."""
        chunks = {chunk.id: (chunk.space_id, chunk.content_sha256) for chunk in self.chunks()}
        stored: dict[str, tuple[str, str]] = {}
        for collection in self.vectors.collections():
            for id_, space_id, sha in self.vectors.ids(collection):
                assert id_ not in stored, f"{id_} has two vectors"
                stored[id_] = (space_id, sha)
        assert stored == chunks
        self.keywords.catch_up(self.database)
        assert len(self.keywords) == len(chunks)
        with self.database.reading() as session:
            placed = {row.space_id: row.collection for row in session.scalars(select(SpaceIndex))}
            for id_, (space_id, _) in chunks.items():
                assert id_ in self.vectors.get(placed[space_id], [id_])
            for document in session.scalars(select(Document).where(Document.deleted_at.is_(None))):
                mine = self.chunks(document.id)
                assert [chunk.ordinal for chunk in mine] == list(range(len(mine)))
                assert {chunk.version for chunk in mine} <= {document.version}
                assert {chunk.space_id for chunk in mine} <= {document.space_id}
                assert {chunk.title for chunk in mine} <= {document.title}
            owned = session.scalar(select(func.count(Chunk.id)).where(Chunk.source_id.not_in(select(Document.id))))
            assert owned == 0

    def close(self) -> None:
        self.keywords.close()
        self.vectors.close()
        self.database.dispose()
