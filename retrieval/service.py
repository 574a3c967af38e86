"""Search: who asks, what may they read, which passages fit, and the database's word on each of them.

The two legs run in parallel over the asker's spaces only, what they find is ranked by all evidence (retrieval.fusion),
and the best are read from the database, which decides again (retrieval.access). Filters other than spaces are applied
there, over more candidates than asked for; only when too few survive are the legs asked again, for the chunks that meet
them. A paged query goes its own way (retrieval.paged).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.infra.metrics import search_step
from retrieval.access import hydrate, matching_chunks, where_to_look
from retrieval.candidates import Asked
from retrieval.engine import RetrievalEngine
from retrieval.fusion import Candidate
from retrieval.hits import as_hits
from retrieval.paged import find_page
from retrieval.query_fields import apply_fields
from retrieval.query_language import parse
from retrieval.timing import Clock
from retrieval.types import AppliedField, Passage, Query, SearchResult, Understood

# Candidates of each leg: at least this many, and several for every hit asked for.
_MIN_DEPTH = 100
_DEPTH_PER_HIT = 3
# The second look, when filters or deleted sources left too few.
_DEEP = 1_000
_MAX_FILTERED_CHUNKS = 2_000


@search_step("total")
def search(session: Session, subject: Subject, engine: RetrievalEngine, query: Query) -> SearchResult:
    """The passages that answer `query`, of those that `subject` may read, best first.

    A hybrid query in a language that the embedding model does not know, or while the model cannot be reached, is
    searched by keywords; the result's `mode` says so. Raises Unavailable when what the mode needs is not there.
    """
    clock = Clock()
    parsed = parse(query.text)
    filters = query.filters
    fields: tuple[AppliedField, ...] = ()
    if parsed.fields:
        filters, fields = apply_fields(session, subject, parsed.fields, filters)
    understood = Understood(parsed.text, parsed.phrases, parsed.excluded, fields)
    if query.k <= 0:
        return SearchResult((), query.mode, clock.finish(), understood=understood)
    engine.require_ready(semantic=False)
    engine.catalogue.follow(session)
    if query.paged:
        page = find_page(session, subject, engine, query, parsed, filters, clock)
        return replace(page, took_ms=clock.finish(), understood=understood)
    spaces, shared = where_to_look(session, subject, filters)
    if not (spaces or shared.source_ids) or not parsed.text:
        return SearchResult((), query.mode, clock.finish(), understood=understood)
    query = replace(query, filters=filters)
    asked = Asked.of(session, engine, query.mode, parsed, spaces, shared)
    clock.lap("access")

    depth = max(_MIN_DEPTH, _DEPTH_PER_HIT * query.k)
    found: list[tuple[Candidate, Passage]] = []
    full = True
    if not filters.source_ids:  # which leaves so little that over-fetching would find nothing
        ranking = asked.ranked(depth, explain=query.explain)
        clock.lap("legs")
        found, full = _collect(session, subject, query, ranking.candidates), ranking.full
        clock.lap("hydrate")
    if len(found) < query.k and full:
        found = _look_again(session, subject, query, asked)
        clock.lap("second_look")
    hits = as_hits(found, parsed.text)
    clock.lap("highlight")
    return SearchResult(hits, asked.mode, clock.finish(), understood=understood)


def _look_again(session: Session, subject: Subject, query: Query, asked: Asked) -> list[tuple[Candidate, Passage]]:
    """Too few of the best survived: ask for the chunks that meet the filters, or, where these are many, deeper."""
    chunks = None
    if query.filters.narrow:
        chunks = matching_chunks(session, subject, query.filters, _MAX_FILTERED_CHUNKS)
        if chunks == []:
            return []
    return _collect(session, subject, query, asked.ranked(_DEEP, chunks, explain=query.explain).candidates)


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
