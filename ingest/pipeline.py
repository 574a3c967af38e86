"""The pipeline: looks at sources and makes the indexes say what they say now.

Three phases (docs/architecture.md, "Staying consistent"): read the rows and let go of the database; parse, chunk and
embed with no transaction open; write. Nothing is assumed about why a source is looked at: the pipeline compares what
the source is with what is indexed of it, and does what is missing. So an event that comes twice, late or in the wrong
order does no harm.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from core_api.infra.database import Database
from core_api.infra.metrics import CHUNKS_EMBEDDED, index_step
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore
from core_api.models import IndexStatus, VersionText
from ingest.chunking import CHUNK_TOKENS, CHUNKING_VERSION, Chunker, Passage
from ingest.model_yielding import wait_for_turn
from ingest.sandbox import Sandbox
from ingest.sources import Snapshot, SourceKey, read_sources
from ingest.text import ExtractedText, join, restore
from ingest.turns import EmbeddingTurns
from ingest.types import ParseFailed
from ingest.work import Indexed, Landed, Work, read_indexed
from ingest.writer import IndexWriter
from retrieval.embedding.base import Embedder, Vectors
from retrieval.passages import embed_whole
from retrieval.vectors import VectorRow, VectorStore

logger = logging.getLogger(__name__)

PARSING_VERSION = "1"
_SLICE = 64
"""Passages embedded in one turn: about two seconds of work on two cores."""
_BATCH_CHARS = 2_000_000
_BATCH_SECONDS = 5.0


def pipeline_name(embedder: Embedder, chunk_tokens: int = CHUNK_TOKENS) -> str:
    """Names everything that decides what is indexed of a source, apart from the source."""
    return f"parse{PARSING_VERSION}-chunk{CHUNKING_VERSION}.{chunk_tokens}-{embedder.fingerprint}"


def _no_news() -> None:
    """Nobody waits for signs of life."""


@dataclass(slots=True)
class _Looked:
    """What phase one found."""

    snapshots: dict[SourceKey, Snapshot]
    indexed: dict[SourceKey, Indexed]
    texts: dict[str, ExtractedText] = field(default_factory=dict)


class Pipeline:
    """Indexes sources. Thread-safe: threads share the embedder in turns, and no source is given to two at a time."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        embedder: Embedder,
        vectors: VectorStore,
        sandbox: Sandbox,
        files: FileStore,
        chunk_tokens: int = CHUNK_TOKENS,
    ) -> None:
        self._settings = settings
        self._database = database
        self._embedder = embedder
        self._vectors = vectors
        self._sandbox = sandbox
        self._files = files
        self._chunk_tokens = chunk_tokens
        self._turns = EmbeddingTurns()
        self.name = pipeline_name(embedder, chunk_tokens)
        self._writer = IndexWriter(database, vectors, embedder.fingerprint, self.name)

    def run(self, keys: Sequence[SourceKey], alive: Callable[[], None] = _no_news) -> list[Landed]:
        """Index these sources together, so that embedding batches are full and writes are few.

        `alive` is called between steps, to keep leases. Errors other than files that cannot be read pass through;
        sources that are not written yet are not acknowledged then.
        """
        looked = self._look(keys)
        landed: list[Landed] = []
        works: list[Work] = []
        began, size = time.monotonic(), 0
        for key in keys:
            works.append(work := self._prepare(key, looked))
            size += sum(len(passage.text) for passage in work.passages)
            alive()
            # Big files are not held in memory together, and small ones do not wait for slow ones.
            if size > _BATCH_CHARS or time.monotonic() - began > _BATCH_SECONDS:
                landed += self._write(works, alive)
                works, began, size = [], time.monotonic(), 0
        return landed + self._write(works, alive)

    def _write(self, works: Sequence[Work], alive: Callable[[], None]) -> list[Landed]:
        if not works:
            return []
        writing = [work for work in works if work.writes]
        wait_for_turn(self._database, alive)
        self._writer.announce(writing)
        self._embed(writing, alive)
        wait_for_turn(self._database, alive)
        self._writer.delete_left_over(writing)
        return self._writer.commit(works)

    # Phase one

    def _look(self, keys: Sequence[SourceKey]) -> _Looked:
        with self._database.reading() as session:
            looked = _Looked(read_sources(session, keys), read_indexed(session, keys, self._embedder.fingerprint))
            for key, snapshot in looked.snapshots.items():
                # A text is extracted again only when the pipeline is another than it was extracted with.
                indexed = looked.indexed[key]
                if indexed.pipeline == self.name and not self._is_current(snapshot, indexed):
                    stored = session.get(VersionText, snapshot.content.version_id)
                    if stored is not None:
                        text = restore(stored.text, stored.blocks, stored.parser)
                        looked.texts[snapshot.content.version_id] = text
        return looked

    # Phase two

    def _prepare(self, key: SourceKey, looked: _Looked) -> Work:
        snapshot, indexed = looked.snapshots.get(key), looked.indexed[key]
        work = Work(key, snapshot, indexed)
        if snapshot is None or snapshot.deleted or self._is_current(snapshot, indexed):
            work.unchanged = snapshot is not None and not snapshot.deleted
            return work
        try:
            work.extracted = looked.texts.get(snapshot.content.version_id)
            if work.extracted is None:
                work.extracted = self._extract(snapshot)
                work.text_is_new = True
            if not snapshot.title_given and work.extracted.title:
                work.title = work.extracted.title[:500]
            with index_step("chunk"):
                work.passages = Chunker(self._embedder, self._chunk_tokens).chunk(work.title, work.extracted)
        except ParseFailed as failure:
            # The words are for whoever may read the document (IndexState.error): they may name what is in it.
            logger.info("%s %s cannot be indexed: %s", key.kind, key.id, failure.reason)
            work.failure = failure
            work.extracted, work.passages = None, []
        return work

    def _is_current(self, snapshot: Snapshot, indexed: Indexed) -> bool:
        return (
            indexed.status == IndexStatus.INDEXED
            and indexed.pipeline == self.name
            and indexed.version == snapshot.version
            and indexed.space_id == snapshot.space_id
            and indexed.title == snapshot.title
        )

    @index_step("parse")
    def _extract(self, snapshot: Snapshot) -> ExtractedText:
        content = snapshot.content
        parsed = self._sandbox.parse(self._files.existing(content.sha256), content.filename, content.media_type)
        extracted = join(parsed, self._settings.parse_output_chars)
        for note in extracted.notes:
            logger.info("%s %s: %s", snapshot.key.kind, snapshot.key.id, note)
        return extracted

    def _embed(self, works: Sequence[Work], alive: Callable[[], None]) -> None:
        """Write the vectors of all passages: those of known content are taken from the index, the others are made.

        They are written slice by slice, so that a big import that is interrupted goes on where it was.
        """
        missing: dict[str, list[tuple[Work, int, Passage]]] = {}
        for work in works:
            known = self._known_vectors(work)
            ready: list[VectorRow] = []
            for ordinal, passage in enumerate(work.passages):
                vector = known.get(passage.content_sha256)
                if vector is None:
                    missing.setdefault(passage.content_sha256, []).append((work, ordinal, passage))
                else:
                    ready.append(work.vector_row(ordinal, vector))
            self._writer.write_vectors(work, ready)
        # Texts of like length together waste the least padding.
        shas = sorted(missing, key=lambda sha: len(missing[sha][0][2].embedded))
        for start in range(0, len(shas), _SLICE):
            part = shas[start : start + _SLICE]
            with self._turns.turn(len(shas) - start):
                passages = [missing[sha][0][2] for sha in part]
                with index_step("embed"):
                    embeddings = embed_whole(
                        self._embedder, [each.embedded for each in passages], [each.tokens for each in passages]
                    )
                CHUNKS_EMBEDDED.inc(len(part))
            self._write_slice(part, embeddings, missing)
            alive()

    @index_step("write_vectors")
    def _write_slice(
        self, shas: Sequence[str], embeddings: Vectors, missing: dict[str, list[tuple[Work, int, Passage]]]
    ) -> None:
        rows: dict[int, tuple[Work, list[VectorRow]]] = {}
        for sha, embedding in zip(shas, embeddings, strict=True):
            for work, ordinal, _ in missing[sha]:
                work.embedded += 1
                rows.setdefault(id(work), (work, []))[1].append(work.vector_row(ordinal, embedding))
        by_collection: dict[str, list[VectorRow]] = {}
        for work, made in rows.values():
            by_collection.setdefault(work.collection, []).extend(made)
        for collection, made in by_collection.items():
            self._vectors.upsert(collection, made)

    def _known_vectors(self, work: Work) -> dict[str, "np.ndarray[tuple[int], np.dtype[np.float32]]"]:
        """Vectors by content hash that are in the index for this source: under its chunks' ids, or under the ids that
        are being written now (a try before this one may have come so far)."""
        if not work.indexed.chunks and work.indexed.unfinished is None:
            return {}
        wanted = {passage.content_sha256 for passage in work.passages}
        places = [(work.collection, [work.chunk_id(ordinal) for ordinal in range(len(work.passages))])]
        if work.indexed.collection is not None:
            old = [id_ for id_, sha in work.indexed.chunks.items() if sha in wanted]
            places.append((work.indexed.collection, old))
        known = {}
        for collection, ids in places:
            for row in self._vectors.get(collection, ids).values():
                if row.content_sha256 in wanted:
                    known[row.content_sha256] = row.embedding
        return known
