"""The candidates of a query: what both legs propose of the spaces that its asker may read.

The legs run in parallel; retrieval.fusion joins what they give.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from core_api.infra.errors import Unavailable
from core_api.models import Document
from retrieval import analyzer
from retrieval.access import Shared
from retrieval.engine import RetrievalEngine
from retrieval.fusion import Leg
from retrieval.keywords import source_term
from retrieval.placement import targets
from retrieval.types import Mode
from retrieval.vectors import Target

log = structlog.get_logger()

# The dense leg's share where the embedding model covers the query's language. Measured (SciFact train and Cranfield
# nDCG@10, XQuAD-en MRR@10): 0.4: 0.724, 0.419, 0.972; 0.5: 0.725, 0.424, 0.973; 0.6: 0.720, 0.420, 0.972. BM25 keeps
# its natural zero, cosines are scaled between the leg's worst and best. Working out the missing score of a candidate
# that only one leg found changes none of these figures by more than 0.003.
DENSE_WEIGHT = 0.5


@dataclass(slots=True)
class Asked:
    """A query made ready for the legs; `mode` is what is really done."""

    engine: RetrievalEngine
    mode: Mode
    text: str
    spaces: Sequence[str]
    shared: Shared
    targets: Sequence[Target]
    shared_targets: Sequence[Target]

    @classmethod
    def of(
        cls,
        session: Session,
        engine: RetrievalEngine,
        mode: Mode,
        text: str,
        spaces: Sequence[str],
        shared: Shared,
    ) -> "Asked":
        if mode is Mode.HYBRID:
            mode = _effective(engine, text)
        engine.require_ready(semantic=mode is Mode.SEMANTIC)
        asked = cls(engine, mode, text, spaces, shared, [], [])
        if mode is not Mode.KEYWORD:
            asked.targets = targets(session, spaces, engine.embedder.fingerprint)
            asked.shared_targets = targets(session, shared.space_ids, engine.embedder.fingerprint)
        return asked

    def legs(self, depth: int, chunks: Sequence[tuple[str, str, str]] | None = None) -> list[Leg]:
        """Both legs' best `depth` chunks, of `chunks` only where given."""
        dense: Future[dict[str, float]] | None = None
        if self.mode is not Mode.KEYWORD:
            dense = self.engine.pool.submit(self._dense, depth, chunks)
        legs: list[Leg] = []
        if self.mode is not Mode.SEMANTIC:
            legs.append(Leg("keyword", self._keyword(depth, chunks), 1 - DENSE_WEIGHT, floor=0.0))
        if dense is not None:
            try:
                legs.append(Leg("semantic", dense.result(), DENSE_WEIGHT))
            except Unavailable as error:
                if self.mode is Mode.SEMANTIC:
                    raise
                log.warning("search_without_vectors", error=str(error))
                self.mode = Mode.KEYWORD
        return legs

    def _keyword(self, depth: int, chunks: Sequence[tuple[str, str, str]] | None) -> dict[str, float]:
        find = self.engine.keywords.search
        if chunks is not None:
            sources = sorted({source_term(kind, id_) for _, kind, id_ in chunks})
            return dict(find(self.text, depth, [*self.spaces, *self.shared.space_ids], sources=sources))
        found = dict(find(self.text, depth, self.spaces))
        if self.shared.source_ids:
            sources = [source_term(Document.__source_kind__, id_) for id_ in self.shared.source_ids]
            found |= find(self.text, depth, self.shared.space_ids, sources=sources)
        return found

    def _dense(self, depth: int, chunks: Sequence[tuple[str, str, str]] | None) -> dict[str, float]:
        find, embedding = self.engine.vectors.query, self.engine.embed_query(self.text)
        if chunks is not None:
            ids = [chunk_id for chunk_id, _, _ in chunks]
            return dict(find([*self.targets, *self.shared_targets], embedding, depth, ids))
        found = dict(find(self.targets, embedding, depth))
        if self.shared_targets:
            found |= find(self.shared_targets, embedding, depth, self.shared.chunk_ids)
        return found


def _effective(engine: RetrievalEngine, text: str) -> Mode:
    """What a hybrid query comes to: the model must know its language and be there."""
    engine.require_ready(semantic=False)
    try:
        engine.require_ready()
    except Unavailable as error:
        if "Retry-After" in error.headers:  # it is loading: the asker had better wait than get less without knowing
            raise
        log.warning("search_without_embedding", error=str(error))
        return Mode.KEYWORD
    return Mode.HYBRID if engine.embedder.covers(analyzer.language(text)) else Mode.KEYWORD
