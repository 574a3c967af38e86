"""Search: who asks, what may they read, which passages fit, and the database's word on each of them.

The two legs run in parallel over the asker's spaces only, their scores are fused (retrieval.fusion), and the best are
read from the database, which decides again (retrieval.access). Filters other than spaces are applied there, over more
candidates than asked for; only when too few survive are the legs asked again, for the chunks that meet them.
"""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, fields

import structlog
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.infra.errors import Unavailable
from core_api.models import Document
from retrieval import analyzer
from retrieval.access import Shared, hydrate, matching_chunks, where_to_look
from retrieval.engine import RetrievalEngine
from retrieval.fusion import Candidate, Leg, fuse
from retrieval.highlight import excerpt, highlights
from retrieval.keywords import source_term
from retrieval.placement import targets
from retrieval.types import Hit, Mode, Passage, Query, SearchResult
from retrieval.vectors import Target

log = structlog.get_logger()

# The dense leg's share where the embedding model covers the query's language. Measured (SciFact train and Cranfield
# nDCG@10, XQuAD-en MRR@10): 0.4: 0.724, 0.419, 0.972; 0.5: 0.725, 0.424, 0.973; 0.6: 0.720, 0.420, 0.972. BM25 keeps
# its natural zero, cosines are scaled between the leg's worst and best. Working out the missing score of a candidate
# that only one leg found changes none of these figures by more than 0.003.
DENSE_WEIGHT = 0.5
# Candidates of each leg: at least this many, and several for every hit asked for.
_MIN_DEPTH = 100
_DEPTH_PER_HIT = 3
# The second look, when filters or deleted sources left too few.
_DEEP = 1_000
_MAX_FILTERED_CHUNKS = 2_000


def search(session: Session, subject: Subject, engine: RetrievalEngine, query: Query) -> SearchResult:
    """The passages that answer `query`, of those that `subject` may read, best first.

    A hybrid query in a language that the embedding model does not know, or while the model cannot be reached, is
    searched by keywords; the result's `mode` says so. Raises Unavailable when what the mode needs is not there.
    """
    clock = _Clock()
    text = query.text.strip()
    spaces, shared = where_to_look(session, subject, query.filters)
    if not (spaces or shared.source_ids) or not text or query.k <= 0:
        return SearchResult((), query.mode, clock.finish())
    asked = _Asked.of(session, engine, query.mode, text, spaces, shared)
    clock.lap("access")

    depth = max(_MIN_DEPTH, _DEPTH_PER_HIT * query.k)
    hits: list[tuple[Candidate, Passage]] = []
    if not query.filters.source_ids:  # which leaves so little that over-fetching would find nothing
        legs = asked.legs(depth)
        clock.lap("legs")
        hits = _collect(session, subject, query, fuse(legs))
        clock.lap("hydrate")
        full = any(len(leg.scores) >= depth for leg in legs)
    else:
        full = True
    if len(hits) < query.k and full:
        hits = _look_again(session, subject, query, asked)
        clock.lap("second_look")

    terms = frozenset(analyzer.analyze(text))
    result = tuple(_hit(candidate, passage, terms) for candidate, passage in hits)
    clock.lap("highlight")
    return SearchResult(result, asked.mode, clock.finish())


@dataclass(slots=True)
class _Asked:
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
    ) -> "_Asked":
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


def _look_again(session: Session, subject: Subject, query: Query, asked: _Asked) -> list[tuple[Candidate, Passage]]:
    """Too few of the best survived: ask for the chunks that meet the filters, or, where these are many, deeper."""
    chunks = None
    if query.filters.narrow:
        chunks = matching_chunks(session, subject, query.filters, _MAX_FILTERED_CHUNKS)
        if chunks == []:
            return []
    return _collect(session, subject, query, fuse(asked.legs(_DEEP, chunks)))


def _collect(
    session: Session, subject: Subject, query: Query, candidates: Sequence[Candidate]
) -> list[tuple[Candidate, Passage]]:
    """The best `k` that the database allows, at most `per_source` of one source."""
    taken: list[tuple[Candidate, Passage]] = []
    of_source: Counter[tuple[str, str]] = Counter()
    batch = max(20, 2 * query.k)
    for start in range(0, len(candidates), batch):
        page = candidates[start : start + batch]
        passages = hydrate(session, subject, [candidate.chunk_id for candidate in page], query.filters)
        for candidate in page:
            passage = passages.get(candidate.chunk_id)
            if passage is None:
                continue
            key = (passage.source.kind, passage.source.id)
            if query.per_source and of_source[key] >= query.per_source:
                continue
            of_source[key] += 1
            taken.append((candidate, passage))
            if len(taken) == query.k:
                return taken
    return taken


def _hit(candidate: Candidate, passage: Passage, terms: frozenset[str]) -> Hit:
    marks = highlights(passage.text, terms)
    return Hit(
        **{field.name: getattr(passage, field.name) for field in fields(Passage)},
        score=candidate.score,
        scores=candidate.scores,
        highlights=marks,
        excerpt=excerpt(passage.text, marks),
    )


class _Clock:
    """Wall time by step, in milliseconds."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._laps[name] = round((now - self._last) * 1000, 2)
        self._last = now

    def finish(self) -> dict[str, float]:
        return {**self._laps, "total": round((time.perf_counter() - self._start) * 1000, 2)}
