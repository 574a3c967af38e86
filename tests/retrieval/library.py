"""A small library to search in: real database, real indexes, rows as the pipeline writes them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from fastapi import FastAPI
from fastapi.testclient import TestClient

from core_api.auth.subject import Subject
from core_api.domains.users.service import as_subject, create_user
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import (
    Chunk,
    Document,
    IndexState,
    IndexStatus,
    Space,
    SpaceKind,
    SpaceMember,
    SpaceRole,
    SystemRole,
    utcnow,
)
from core_api.outbox import next_change
from retrieval import service
from retrieval.analyzer import language
from retrieval.embedding import Embedder
from retrieval.endpoints import router
from retrieval.engine import RetrievalEngine
from retrieval.keywords import KeywordIndex
from retrieval.passages import content_sha256, embedded_text
from retrieval.placement import place
from retrieval.types import Filters, Mode, Query, SearchResult
from retrieval.vectors import VectorRow, VectorStore
from tests.applications import application
from tests.factories import bearer


class Library:
    """People, spaces, documents and both indexes in a folder."""

    def __init__(self, settings: Settings, database: Database, embedder: Embedder) -> None:
        self.settings = settings
        self.database = database
        self.keywords = KeywordIndex.open(self.settings.keywords_dir)
        self.vectors = VectorStore.open(self.settings)
        self.engine = RetrievalEngine(embedder, self.vectors, self.keywords, self.settings)
        self._filling = False

    def person(self, name: str = "Kim", role: SystemRole = SystemRole.MEMBER) -> Subject:
        with self.database.transaction() as session:
            return as_subject(create_user(session, name, role))

    def space(self, *members: Subject, name: str = "Team", kind: SpaceKind = SpaceKind.TEAM) -> str:
        with self.database.transaction() as session:
            space = Space(name=name, kind=kind)
            session.add(space)
            session.flush()
            for member in members:
                session.add(SpaceMember(space_id=space.id, user_id=member.user_id, role=SpaceRole.EDITOR))
            return space.id

    def add(
        self,
        space_id: str,
        author: Subject,
        *passages: str,
        title: str = "Note",
        tags: Sequence[str] = (),
        category: str | None = None,
        updated_at: datetime | None = None,
        heading: str = "",
    ) -> str:
        """A document of these passages, indexed; gives its id."""
        with self.database.transaction() as session:
            document = Document(
                space_id=space_id,
                title=title,
                tags=list(tags),
                category=category,
                author_id=author.user_id,
                updated_at=updated_at or utcnow(),
            )
            session.add(document)
            session.flush()
            document_id = document.id
        self.write(document_id, *passages, heading=heading)
        return document_id

    def write(self, document_id: str, *passages: str, heading: str = "") -> None:
        """Index a document with these passages in place of those it had."""
        fingerprint = self.engine.embedder.fingerprint
        with self.database.transaction() as session:
            document = session.get(Document, document_id)
            assert document is not None
            session.query(Chunk).filter(Chunk.source_id == document_id).delete()
            target = place(session, document.space_id, fingerprint)
            embedded = [embedded_text(document.title, heading, passage) for passage in passages]
            ids, start = [], 0
            for ordinal, passage in enumerate(passages):
                ids.append(f"document:{document_id}:{ordinal}")
                session.add(
                    Chunk(
                        id=ids[-1],
                        space_id=document.space_id,
                        source_kind="document",
                        source_id=document_id,
                        version=document.version,
                        ordinal=ordinal,
                        title=document.title,
                        heading=heading,
                        text=passage,
                        start=start,
                        end=start + len(passage),
                        page=None,
                        language=language(passage),
                        content_sha256=content_sha256(embedded[ordinal]),
                    )
                )
                start += len(passage) + 1
            session.merge(
                IndexState(
                    source_kind="document",
                    source_id=document_id,
                    space_id=document.space_id,
                    status=IndexStatus.INDEXED if passages else IndexStatus.DELETED,
                    chunk_count=len(passages),
                    change_seq=next_change(session),
                )
            )
            if passages:
                rows = zip(ids, embedded, self.engine.embedder.embed_passages(embedded), strict=True)
                space_id = document.space_id
                self.vectors.upsert(
                    target.collection, [VectorRow(id_, space_id, content_sha256(text), v) for id_, text, v in rows]
                )
        if not self._filling:
            self.keywords.catch_up(self.database)

    @contextmanager
    def filling(self) -> Iterator[None]:
        """The keyword index takes what is written meanwhile at once, at the end."""
        self._filling = True
        yield
        self._filling = False
        self.keywords.catch_up(self.database)

    def search(
        self,
        subject: Subject,
        text: str,
        mode: Mode = Mode.HYBRID,
        k: int = 10,
        per_source: int = 3,
        filters: Filters | None = None,
    ) -> SearchResult:
        with self.database.reading() as session:
            return service.search(session, subject, self.engine, Query(text, k, mode, filters or Filters(), per_source))

    def found(self, subject: Subject, text: str, mode: Mode = Mode.HYBRID, filters: Filters | None = None) -> list[str]:
        """Ids of the documents found, best first."""
        hits = self.search(subject, text, mode, filters=filters).hits
        return list(dict.fromkeys(hit.source.id for hit in hits))

    def client(self, subject: Subject) -> TestClient:
        """The search API, as this person."""
        app: FastAPI = application(self.settings, self.database, [router])
        app.state.engine = self.engine
        return TestClient(app, headers=bearer(self.database, subject), raise_server_exceptions=False)

    def close(self) -> None:
        self.engine.close()
        self.database.dispose()
