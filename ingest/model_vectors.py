"""The vectors of one embedding model, made what the chunks are: those that are missing are embedded, those that no
chunk has are deleted. What is there already is known by its content hash, so nothing is embedded twice.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

import structlog
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.infra.errors import NotFound
from core_api.models import Chunk, IndexModel, IndexState, ModelSource, SpaceIndex
from ingest.chunking import CHUNK_TOKENS
from ingest.pieces import Tokens
from ingest.sources import SourceKey, of_sources
from retrieval.embedding import Embedder
from retrieval.passages import embed_whole, embedded_text
from retrieval.placement import place
from retrieval.vectors import VectorRow, VectorStore

log = structlog.get_logger()

_LEAST_WRITTEN = 16
"""Rows that are written at a time: one by one, Chroma takes longer than the model."""


class Worker(Protocol):
    """Who makes the vectors. All but `rest` raise when there is nothing to go on with."""

    def look(self) -> None:
        """Called now and then."""

    def batch(self) -> int:
        """How many passages are to be embedded next."""

    def rest(self, passages: int, seconds: float) -> None:
        """Called after each batch, with how long it took."""

    def hold(self, session: Session) -> object:
        """Called at the beginning of each transaction that writes: until its end nobody else works on this model."""


class ModelVectors:
    """The collections of one embedding model. For one thread."""

    def __init__(
        self, database: Database, store: VectorStore, model: IndexModel, embedder: Embedder, worker: Worker
    ) -> None:
        self.embedder = embedder
        self._database = database
        self._store = store
        self._model = model
        self._tokens = Tokens(embedder)
        self._worker = worker
        self._written_to: set[str] = set()

    def sync(self, keys: Sequence[SourceKey]) -> list[ModelSource]:
        """Make the vectors of these sources what their chunks are; gives what is held of each that has any, to be
        recorded."""
        self._written_to.clear()
        chunks: dict[SourceKey, list[Chunk]] = {key: [] for key in keys}
        with self._database.reading() as session:
            for chunk in session.scalars(select(Chunk).where(of_sources(Chunk, keys)).order_by(Chunk.ordinal)):
                chunks[SourceKey(chunk.source_kind, chunk.source_id)].append(chunk)
            mine = select(ModelSource).where(ModelSource.model_id == self._model.id, of_sources(ModelSource, keys))
            held = list(session.scalars(mine))
        spaces = {chunk.space_id for rows in chunks.values() for chunk in rows} | {row.space_id for row in held}
        collection_of = self._places(spaces)
        wanted: dict[str, list[Chunk]] = defaultdict(list)
        gone: dict[str, set[str]] = defaultdict(set)
        for row in held:
            if row.space_id in collection_of:
                ids = (f"{row.source_kind}:{row.source_id}:{ordinal}" for ordinal in range(row.chunk_count))
                gone[collection_of[row.space_id]].update(ids)
        for rows in chunks.values():
            for chunk in rows:
                if chunk.space_id in collection_of:
                    wanted[collection_of[chunk.space_id]].append(chunk)
                    gone[collection_of[chunk.space_id]].discard(chunk.id)
        for collection, rows in wanted.items():
            self._write(collection, rows)
        for collection, left in gone.items():
            self._store.delete(collection, sorted(left))
        return [
            ModelSource(
                model_id=self._model.id,
                source_kind=key.kind,
                source_id=key.id,
                space_id=rows[0].space_id,
                chunk_count=len(rows),
            )
            for key, rows in chunks.items()
            if rows
        ]

    def wrong_sources(self, position: int) -> list[SourceKey]:
        """The sources whose chunks are not those in the collections, of the changes up to a position; vectors that no
        chunk has are deleted."""
        with self._database.reading() as session:
            spaces = set(session.scalars(select(Chunk.space_id).distinct()))
        by_collection: dict[str, list[str]] = defaultdict(list)
        for space_id, collection in self._places(spaces).items():
            by_collection[collection].append(space_id)
        wrong: set[SourceKey] = set()
        for collection, space_ids in by_collection.items():
            with self._database.reading() as session:
                rows = session.execute(
                    select(Chunk.id, Chunk.space_id, Chunk.content_sha256)
                    .join(
                        IndexState,
                        (IndexState.source_kind == Chunk.source_kind) & (IndexState.source_id == Chunk.source_id),
                    )
                    .where(Chunk.space_id.in_(space_ids), IndexState.change_seq <= position)
                )
                expected = {id_: (space_id, sha) for id_, space_id, sha in rows}
            strange = []
            for number, (id_, space_id, sha) in enumerate(self._store.ids(collection)):
                if number % 1_000 == 0:
                    self._worker.look()
                if expected.get(id_) == (space_id, sha):
                    del expected[id_]
                else:
                    strange.append(id_)
            # One that came with a later change is made again when that change is looked at.
            self._store.delete(collection, strange)
            wrong.update(SourceKey(*id_.split(":")[:2]) for id_ in expected)
        return sorted(wrong)

    def drop_unknown(self) -> None:
        """Drop the collections that were written to after their change had been ended by somebody else."""
        for collection in self._written_to:
            with self._database.reading() as session:
                known = session.scalar(select(exists().where(SpaceIndex.collection == collection)))
            if not known:
                self._store.drop(collection)

    def _places(self, spaces: Iterable[str]) -> dict[str, str]:
        """The collection of each space; a space that is gone has none."""
        found: dict[str, str] = {}
        missing = []
        with self._database.reading() as session:
            for space_id in sorted(spaces):
                placed = session.get(SpaceIndex, (space_id, self._model.fingerprint))
                if placed is None:
                    missing.append(space_id)
                else:
                    found[space_id] = placed.collection
        if missing:
            with self._database.transaction() as session:
                self._worker.hold(session)
                for space_id in missing:
                    try:
                        found[space_id] = place(session, space_id, self._model.fingerprint).collection
                    except NotFound:
                        log.info("space_is_gone", space_id=space_id)
        return found

    def _write(self, collection: str, chunks: Sequence[Chunk]) -> None:
        """Embed what is not in the collection yet; written little by little, so that a kill costs little."""
        there = self._store.get(collection, [chunk.id for chunk in chunks])
        missing = []
        for chunk in chunks:
            row = there.get(chunk.id)
            if row is None or (row.content_sha256, row.space_id) != (chunk.content_sha256, chunk.space_id):
                missing.append(chunk)
        missing.sort(key=lambda chunk: len(chunk.text))  # texts of like length together waste the least padding
        rows: list[VectorRow] = []
        done = 0
        while done < len(missing):
            batch = self._worker.batch()
            began = time.monotonic()
            made = self._embed(missing[done : done + batch])
            rows += made
            done += len(made)
            if len(rows) >= _LEAST_WRITTEN or done == len(missing):
                self._written_to.add(collection)
                self._store.upsert(collection, rows)
                rows = []
            self._worker.rest(len(made), time.monotonic() - began)

    def _embed(self, chunks: Sequence[Chunk]) -> list[VectorRow]:
        # Titles are shortened as in ingest.chunking, by this model's own measure.
        titles = [self._tokens.clip(" ".join(chunk.title.split()), CHUNK_TOKENS // 6) for chunk in chunks]
        texts = [embedded_text(title, chunk.heading, chunk.text) for title, chunk in zip(titles, chunks, strict=True)]
        vectors = embed_whole(self.embedder, texts, self.embedder.count_tokens(texts))
        return [
            VectorRow(chunk.id, chunk.space_id, chunk.content_sha256, vector)
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]
