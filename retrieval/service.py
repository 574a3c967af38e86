"""Search: who asks, what may they read, which passages fit, and the database's word on each of them.

The two legs run in parallel over the asker's spaces only, their scores are fused (retrieval.fusion), and the best are
read from the database, which decides again (retrieval.access). Filters other than spaces are applied there, over more
candidates than asked for; only when too few survive are the legs asked again, for the chunks that meet them.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from retrieval import analyzer
from retrieval.access import hydrate, matching_chunks, where_to_look
from retrieval.candidates import Asked
from retrieval.engine import RetrievalEngine
from retrieval.fusion import Candidate
from retrieval.highlight import excerpt, highlights
from retrieval.types import Hit, Passage, Query, SearchResult

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
    asked = Asked.of(session, engine, query.mode, text, spaces, shared)
    clock.lap("access")

    depth = max(_MIN_DEPTH, _DEPTH_PER_HIT * query.k)
    hits: list[tuple[Candidate, Passage]] = []
    if not query.filters.source_ids:  # which leaves so little that over-fetching would find nothing
        ranking = asked.ranked(depth)
        clock.lap("legs")
        hits = _collect(session, subject, query, ranking.candidates)
        clock.lap("hydrate")
        full = ranking.full
    else:
        full = True
    if len(hits) < query.k and full:
        hits = _look_again(session, subject, query, asked)
        clock.lap("second_look")

    terms = frozenset(analyzer.analyze(asked.query.text))
    result = tuple(_hit(candidate, passage, terms) for candidate, passage in hits)
    clock.lap("highlight")
    return SearchResult(result, asked.mode, clock.finish())


def _look_again(session: Session, subject: Subject, query: Query, asked: Asked) -> list[tuple[Candidate, Passage]]:
    """Too few of the best survived: ask for the chunks that meet the filters, or, where these are many, deeper."""
    chunks = None
    if query.filters.narrow:
        chunks = matching_chunks(session, subject, query.filters, _MAX_FILTERED_CHUNKS)
        if chunks == []:
            return []
    return _collect(session, subject, query, asked.ranked(_DEEP, chunks).candidates)


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
