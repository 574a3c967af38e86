"""A page of all that a query finds, with the total, the facets and the cursor of the next page.

What is found: what words find, and the best of both legs by all evidence (fused) over all that the asker may read.
Filters choose from that, so that a facet's count is what choosing it shows. Where the legs have more than they were
asked for, they are asked again for what meets the filters, so that nothing is lost among better ones elsewhere.
Without words, all that meets the filters is found. Everything is counted; what words find is read as far as pages go.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from retrieval import analyzer
from retrieval.access import hydrate, matching_chunks, where_to_look
from retrieval.candidates import Asked, Ranking
from retrieval.catalogue import NO_SOURCES, Mask, Sources
from retrieval.engine import RetrievalEngine
from retrieval.explanation import Explanation, LegPart
from retrieval.facets import count_facets, meets
from retrieval.fusion import Candidate
from retrieval.hits import as_hits
from retrieval.paging import mark, next_cursor, shown_before
from retrieval.query_language import ParsedQuery
from retrieval.spelling import correct
from retrieval.timing import Clock
from retrieval.types import Correction, Filters, Hit, Mode, Passage, Query, SearchResult, Sort

# Candidates of each leg that are ranked by all evidence, and of words alone besides: on the first page, and at most (on
# the last, and by date). 2,000 of these instead of 400 took 44 ms more at 100,000 chunks.
_DEPTH = 100
_BY_WORDS, _MOST_BY_WORDS = 400, 25_600
_MOST_EXCLUDED = 2_000
# When there is more than these: chunks that meet the filters, and how many of them are ranked.
_MAX_FILTERED_CHUNKS = 2_000
_DEEP = 1_000
_BEST_OF_GROUP = 3


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates in order that exist and may be read, before filters, and all `sources` that were found, also where
    words find more than was looked at. `asked`, where words were searched, knows what was looked at for that, and
    `place_of` where the candidates' sources are among all. `cut`: more than the candidates meets the filters."""

    candidates: Sequence[Candidate]
    sources: Sources
    mode: Mode
    asked: Asked | None = None
    place_of: Mapping[str, int] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True, slots=True)
class _Ask:
    """Whose page of what: `parsed` is the query's text, `filters` all that came of it and of the request, `shown` what
    the pages before have shown."""

    session: Session
    subject: Subject
    engine: RetrievalEngine
    query: Query
    parsed: ParsedQuery
    filters: Filters
    clock: Clock
    shown: frozenset[bytes]


def find_page(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    query: Query,
    parsed: ParsedQuery,
    filters: Filters,
    clock: Clock,
) -> SearchResult:
    """The page; `parsed` is the query's text, `filters` all that came of it and of the request."""
    ask = _Ask(session, subject, engine, query, parsed, filters, clock, shown_before(query, subject))
    # The newest of all may be anywhere among them.
    by_words = max(_BY_WORDS, 4 * len(ask.shown)) if query.sort is Sort.RELEVANCE else _MOST_BY_WORDS
    while True:
        page, cut = _page(ask, by_words)
        if page.next_cursor is not None or not cut or by_words >= _MOST_BY_WORDS:
            return page
        by_words *= 4


def _page(ask: _Ask, by_words: int) -> tuple[SearchResult, bool]:
    """The page of what is found when so many chunks are read of what words find, and whether they find more."""
    query, clock = ask.query, ask.clock
    meant: Correction | None = None
    if not ask.parsed.text:
        found, ask = _browse(ask)
        clock.lap("legs")
    else:
        found = _find(ask, by_words)
        if query.correct and found.asked is not None:
            terms = found.asked.terms_of(candidate.chunk_id for candidate in found.candidates)
            spaces, shared = found.asked.spaces, found.asked.shared
            better = correct(ask.session, ask.subject, ask.engine, ask.parsed, spaces, shared, terms)
            if better is not None:
                meant = Correction(_retyped(query.text, ask.parsed, better.replaced), better.nothing_found)
                if better.nothing_found:
                    ask = replace(ask, parsed=_corrected(ask.parsed, better.replaced))
                    found = _find(ask, by_words)
            clock.lap("correct")
    met = meets(found.sources, ask.filters)
    ordered = _in_order(query, found, met, len(ask.shown))
    clock.lap("order")
    if query.group:
        groups, more = _grouped(ask, ordered)
        shows = [_key(candidate) for group in groups for candidate, _ in group[:1]]
        hits: list[tuple[Candidate, Passage]] = [pair for group in groups for pair in group]
    else:
        groups, hits, more = [], *_listed(ask, ordered)
        shows = [candidate.chunk_id for candidate, _ in hits]
    clock.lap("hydrate")
    marked = as_hits(hits, ask.parsed.text)
    clock.lap("highlight")
    facets = count_facets(ask.session, ask.subject, found.sources, ask.filters) if query.facets else None
    if query.facets:
        clock.lap("facets")
    page = SearchResult(
        marked,
        found.mode,
        {},
        total=int(met.sum()),
        groups=_regrouped(marked) if query.group else None,
        facets=facets,
        next_cursor=next_cursor(query, ask.subject, ask.shown, shows) if more else None,
        did_you_mean=meant,
        by_meaning_alone=_by_meaning_alone(found, ask.parsed),
    )
    return page, found.cut


def _find(ask: _Ask, by_words: int) -> Found:
    session, subject, engine, clock = ask.session, ask.subject, ask.engine, ask.clock
    filters, mode, explain = ask.filters, ask.query.mode, ask.query.explain
    readable = spaces, shared = where_to_look(session, subject, Filters())
    asked = Asked.of(session, engine, mode, ask.parsed, spaces, shared)
    if not (spaces or shared.source_ids):
        return Found((), NO_SOURCES, asked.mode)
    clock.lap("access")
    candidates: list[Candidate] = []
    matching: Collection[int] = ()
    full, cut = True, False
    if not filters.source_ids:
        ranking = asked.ranked(_DEPTH, explain=explain, words_depth=by_words, count=True)
        full, cut, matching = ranking.full, ranking.cut, ranking.matching
        clock.lap("legs")
        candidates = [*ranking.candidates, *_by_words(ranking, explain=explain)]
        clock.lap("words")
    if filters.any and full:
        chunks = matching_chunks(session, subject, filters, _MAX_FILTERED_CHUNKS)
        if chunks is None or chunks:
            if chunks is None:
                asked = Asked.of(session, engine, mode, ask.parsed, *where_to_look(session, subject, filters))
            count = bool(filters.source_ids)
            ranking = asked.ranked(_DEEP, chunks, explain=explain, words_depth=by_words, count=count)
            again, cut = [*ranking.candidates, *_by_words(ranking, explain=explain)], ranking.cut
            matching = matching or ranking.matching
            known = {candidate.chunk_id for candidate in again}
            candidates = [*again, *(candidate for candidate in candidates if candidate.chunk_id not in known)]
            candidates.sort(key=lambda candidate: (-candidate.score, candidate.chunk_id))
        else:  # nothing meets the filters
            cut = False
    clock.lap("again")
    split = [candidate.chunk_id.rpartition(":") for candidate in candidates]
    keys = dict.fromkeys(key for key, _, _ in split)
    sources = engine.catalogue.named(keys, matching, *readable)
    place_of = {key: place for place, key in enumerate(islice(sources.keys, len(keys)))}
    chunks_of = sources.table["chunks"][: len(keys)].tolist()
    there = [
        candidate
        for candidate, (key, _, ordinal) in zip(candidates, split, strict=True)
        if (at := place_of.get(key)) is not None and int(ordinal) < chunks_of[at]
    ]
    clock.lap("sources")
    return Found(there, sources, asked.mode, asked, place_of, cut)


def _by_words(ranking: Ranking, *, explain: bool) -> list[Candidate]:
    """What words find beyond what was ranked, below all of that."""
    ranked, found = ranking.candidates, ranking.by_words
    known = {candidate.chunk_id for candidate in ranked}
    scores = {chunk_id: score for chunk_id, score in found.items() if chunk_id not in known}
    if not scores:
        return []
    last, best = ranked[-1].score if ranked else 1.0, max(scores.values())
    order = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))
    candidates = [Candidate(id_, last * scores[id_] / best, {"keyword": scores[id_]}) for id_ in order]
    return list(map(_explained(found, last, best), candidates)) if explain else candidates


def _explained(found: Mapping[str, float], last: float, best: float) -> Callable[[Candidate], Candidate]:
    """Says of what words alone have found how they did; they count as much as the last of what was ranked."""
    ranks = {id_: rank for rank, id_ in enumerate(sorted(found, key=lambda id_: (-found[id_], id_)), 1)}

    def explained(candidate: Candidate) -> Candidate:
        score = found[candidate.chunk_id]
        part = LegPart(ranks[candidate.chunk_id], score, score / best, last)
        return replace(candidate, explain=Explanation({"keyword": part}, candidate.score, (), candidate.score))

    return explained


def _by_meaning_alone(found: Found, parsed: ParsedQuery) -> bool:
    """Whether a search for words and meaning has found no word: who typed letters at random had better know it."""
    without = not any("keyword" in candidate.scores for candidate in found.candidates)
    return found.mode is Mode.HYBRID and without and bool(found.candidates and analyzer.analyze(parsed.text))


def _browse(ask: _Ask) -> tuple[Found, _Ask]:
    """All sources, for the filters to choose from, newest first; each is shown by its beginning."""
    if not ask.filters.any:
        return Found((), NO_SOURCES, ask.query.mode), ask
    if ask.parsed.excluded:
        ask = replace(ask, filters=replace(ask.filters, not_source_ids=_having_excluded(ask)))
    sources = ask.engine.catalogue.readable(*where_to_look(ask.session, ask.subject, Filters()))
    return Found((), sources, ask.query.mode), ask


def _having_excluded(ask: _Ask) -> tuple[str, ...]:
    """The sources that have a word or phrase that is excluded."""
    spaces, shared = where_to_look(ask.session, ask.subject, Filters())
    sources: set[str] = set()
    for phrase in ask.parsed.excluded:
        alone = ParsedQuery(phrase, phrases=(phrase,))
        one = Asked.of(ask.session, ask.engine, Mode.KEYWORD, alone, spaces, shared)
        sources.update(chunk_id.split(":")[1] for chunk_id in one.by_words(_MOST_EXCLUDED))
    return tuple(sources)


def _in_order(query: Query, found: Found, met: Mask, shown: int) -> Sequence[Candidate]:
    """The candidates of the sources that meet the filters, as the query sorts them. Where all sources were listed, as
    many of them as the page may come to when so many were shown before."""
    place_of = found.place_of
    newest = query.sort is not Sort.OLDEST
    if found.asked is None:
        places = np.flatnonzero(met)
        order = places[np.lexsort((found.sources.table["number"][places], found.sources.table["updated"][places]))]
        first = (order[::-1] if newest else order)[: shown + 2 * query.k + 2]
        return [Candidate(f"{found.sources.keys[place]}:0", 0.0, {}) for place in first]
    kept = [candidate for candidate in found.candidates if met[place_of[_key(candidate)]]]
    if not _by_date(query, kept):
        return kept
    kept.sort(key=lambda candidate: -candidate.score)
    dates = found.sources.table["updated"].tolist()
    return sorted(kept, key=lambda candidate: (dates[place_of[_key(candidate)]], _key(candidate)), reverse=newest)


def _by_date(query: Query, candidates: Sequence[Candidate]) -> bool:
    """Whether dates order the candidates: as the query says, or where nothing else does."""
    return query.sort is not Sort.RELEVANCE or not any(candidate.score for candidate in candidates)


def _listed(ask: _Ask, ordered: Sequence[Candidate]) -> tuple[list[tuple[Candidate, Passage]], bool]:
    """The next `k` that were not shown, at most `per_source` of a source over all pages, and whether there are more."""
    query, shown = ask.query, ask.shown
    of_source: dict[str, int] = {}
    waiting: list[Candidate] = []
    for candidate in ordered:
        if shown and mark(candidate.chunk_id) in shown:
            of_source[_key(candidate)] = of_source.get(_key(candidate), 0) + 1
        else:
            waiting.append(candidate)
    taken: list[tuple[Candidate, Passage]] = []
    batch = 2 * query.k + 2
    for start in range(0, len(waiting), batch):
        page = waiting[start : start + batch]
        passages = hydrate(ask.session, ask.subject, [candidate.chunk_id for candidate in page], Filters())
        for candidate in page:
            passage, key = passages.get(candidate.chunk_id), _key(candidate)
            if passage is None or (query.per_source and of_source.get(key, 0) >= query.per_source):
                continue
            if len(taken) == query.k:
                return taken, True
            of_source[key] = of_source.get(key, 0) + 1
            taken.append((candidate, passage))
    return taken, False


def _grouped(ask: _Ask, ordered: Sequence[Candidate]) -> tuple[list[list[tuple[Candidate, Passage]]], bool]:
    """The next `k` sources that were not shown, each with its best passages, and whether there are more."""
    query, shown = ask.query, ask.shown
    groups: dict[str, list[Candidate]] = {}
    most = query.per_source or _BEST_OF_GROUP
    for candidate in ordered:
        group = groups.setdefault(_key(candidate), [])
        if len(group) < most:
            group.append(candidate)
    waiting = [group for key, group in groups.items() if not shown or mark(key) not in shown]
    page = waiting[: query.k]
    ids = [candidate.chunk_id for group in page for candidate in group]
    passages = hydrate(ask.session, ask.subject, ids, Filters())
    found = [
        [(candidate, passages[candidate.chunk_id]) for candidate in group if candidate.chunk_id in passages]
        for group in page
    ]
    return [group for group in found if group], len(waiting) > query.k


def _regrouped(hits: Sequence[Hit]) -> tuple[tuple[Hit, ...], ...]:
    groups: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        groups.setdefault((hit.source.kind, hit.source.id), []).append(hit)
    return tuple(tuple(group) for group in groups.values())


def _key(candidate: Candidate) -> str:
    return candidate.chunk_id.rpartition(":")[0]


def _corrected(parsed: ParsedQuery, replaced: dict[str, str]) -> ParsedQuery:
    words = tuple(replaced.get(word, word) for word in parsed.words)
    return replace(parsed, text=" ".join((*words, *parsed.phrases)), words=words)


def _retyped(text: str, parsed: ParsedQuery, replaced: dict[str, str]) -> str:
    """What was typed, with the words that were meant; what only looks like them (a tag, a quotation) stays."""
    for word, end in zip(reversed(parsed.words), reversed(parsed.word_ends), strict=True):
        if word in replaced:
            text = text[: end - len(word)] + replaced[word] + text[end:]
    return text
