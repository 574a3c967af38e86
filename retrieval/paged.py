"""A page of all that a query finds, with the total, the facets and the cursor of the next page.

What is found: the best of both legs over all that the asker may read (fused), then what words alone find besides.
Filters choose from that, so that a facet's count is what choosing it shows. Where the legs have more than they were
asked for, they are asked again for what meets the filters, so that nothing is lost among better ones elsewhere.
Without words, all that meets the filters is found.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from retrieval import analyzer
from retrieval.access import existing, hydrate, matching_chunks, where_to_look
from retrieval.candidates import Asked
from retrieval.engine import RetrievalEngine
from retrieval.explanation import Explanation, LegPart
from retrieval.facets import SourceRow, all_sources, count_facets, meets, sources_of
from retrieval.fusion import Candidate
from retrieval.hits import as_hits
from retrieval.paging import mark, next_cursor, shown_before
from retrieval.query_language import ParsedQuery
from retrieval.sources import SOURCE_KINDS
from retrieval.spelling import correct
from retrieval.timing import Clock
from retrieval.types import Correction, Filters, Hit, Mode, Passage, Query, SearchResult, Sort

# Candidates of each leg that are ranked by all evidence, and of words alone besides: 2,000 of these instead of 400 took
# 44 ms more at 100,000 chunks.
_DEPTH = 100
_BY_WORDS = 400
_MOST_EXCLUDED = 2_000
# When there is more than these: chunks that meet the filters, and how many of them are ranked.
_MAX_FILTERED_CHUNKS = 2_000
_DEEP = 1_000
_BEST_OF_GROUP = 3


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates in order that exist and may be read, before filters. `asked`, where words were searched, knows what
    was looked at for that; `sources`, where all were listed, has them already. `cut`: words find more than was looked
    at; `cut_filtered`: of what meets the filters, too."""

    candidates: Sequence[Candidate]
    mode: Mode
    asked: Asked | None = None
    sources: Sequence[SourceRow] | None = None
    cut: bool = False
    cut_filtered: bool = False


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
    shown = shown_before(query, subject)
    meant: Correction | None = None
    if not parsed.text:
        found, filters = _browse(session, subject, engine, query, parsed, filters)
        clock.lap("legs")
    else:
        found = _find(session, subject, engine, query, parsed, filters, clock)
        if query.correct and found.asked is not None:
            terms = found.asked.terms_of(candidate.chunk_id for candidate in found.candidates)
            better = correct(session, subject, engine, parsed, found.asked.spaces, found.asked.shared, terms)
            if better is not None:
                meant = Correction(_retyped(query.text, parsed, better.replaced), better.nothing_found)
                if better.nothing_found:
                    parsed = _corrected(parsed, better.replaced)
                    found = _find(session, subject, engine, query, parsed, filters, clock)
            clock.lap("correct")
    rows: Sequence[SourceRow] = ()
    if query.facets or filters.any or _by_date(query, found.candidates):  # else nothing of a source has to be known
        rows = found.sources if found.sources is not None else sources_of(session, subject, _keys(found.candidates))
        passing = {row.key: row for row in rows if meets(row, filters)}
        ordered = _in_order(query, found.candidates, passing)
        total = len(passing)
    else:
        ordered, total = list(found.candidates), len(_keys(found.candidates))
    clock.lap("sources")
    if query.group:
        groups, more = _grouped(session, subject, query, ordered, shown)
        shows = [_key(candidate) for group in groups for candidate, _ in group[:1]]
        hits: list[tuple[Candidate, Passage]] = [pair for group in groups for pair in group]
    else:
        groups, hits, more = [], *_listed(session, subject, query, ordered, shown)
        shows = [candidate.chunk_id for candidate, _ in hits]
    clock.lap("hydrate")
    marked = as_hits(hits, parsed.text)
    clock.lap("highlight")
    facets = count_facets(session, subject, rows, filters, at_least=found.cut) if query.facets else None
    if query.facets:
        clock.lap("facets")
    return SearchResult(
        marked,
        found.mode,
        {},
        total=total,
        at_least=found.cut_filtered,
        groups=_regrouped(marked) if query.group else None,
        facets=facets,
        next_cursor=next_cursor(query, subject, shown, shows) if more else None,
        did_you_mean=meant,
        by_meaning_alone=_by_meaning_alone(found, parsed),
    )


def _find(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    query: Query,
    parsed: ParsedQuery,
    filters: Filters,
    clock: Clock,
) -> Found:
    spaces, shared = where_to_look(session, subject, Filters())
    asked = Asked.of(session, engine, query.mode, parsed, spaces, shared)
    if not (spaces or shared.source_ids):
        return Found((), asked.mode)
    clock.lap("access")
    candidates: list[Candidate] = []
    full, cut, cut_filtered = True, False, False
    if not filters.source_ids:
        ranking = asked.ranked(_DEPTH, explain=query.explain, words_depth=_BY_WORDS)
        candidates, full = ranking.candidates, ranking.full
        cut = cut_filtered = ranking.cut
        clock.lap("legs")
        if full:
            candidates = [*candidates, *_by_words(candidates, ranking.by_words, explain=query.explain)]
            clock.lap("words")
    there = existing(session, subject, [candidate.chunk_id for candidate in candidates])
    candidates = [candidate for candidate in candidates if candidate.chunk_id in there]
    if filters.any and full:
        chunks = matching_chunks(session, subject, filters, _MAX_FILTERED_CHUNKS)
        if chunks is None or chunks:
            if chunks is None:
                spaces, shared = where_to_look(session, subject, filters)
                asked = Asked.of(session, engine, query.mode, parsed, spaces, shared)
            ranking = asked.ranked(_DEEP, chunks, explain=query.explain)
            again, cut_filtered = ranking.candidates, ranking.cut
            known = {candidate.chunk_id for candidate in again}
            again += [candidate for candidate in candidates if candidate.chunk_id not in known]
            again.sort(key=lambda candidate: (-candidate.score, candidate.chunk_id))
            there = existing(session, subject, [candidate.chunk_id for candidate in again])
            candidates = [candidate for candidate in again if candidate.chunk_id in there]
        else:  # nothing meets the filters
            cut_filtered = False
    clock.lap("existing")
    return Found(candidates, asked.mode, asked, cut=cut or cut_filtered, cut_filtered=cut_filtered)


def _by_words(ranked: Sequence[Candidate], found: Mapping[str, float], *, explain: bool) -> list[Candidate]:
    """What words find beyond what was ranked, below all of that."""
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


def _browse(
    session: Session, subject: Subject, engine: RetrievalEngine, query: Query, parsed: ParsedQuery, filters: Filters
) -> tuple[Found, Filters]:
    """All sources, for the filters to choose from, newest first; each is shown by its beginning."""
    if not filters.any:
        return Found((), query.mode), filters
    if parsed.excluded:
        filters = replace(filters, not_source_ids=_having(session, subject, engine, parsed.excluded))
    if filters.source_ids:
        rows = sources_of(session, subject, [f"{kind}:{id_}" for kind in SOURCE_KINDS for id_ in filters.source_ids])
    else:
        rows = all_sources(session, subject)
    return Found([Candidate(f"{row.key}:0", 0.0, {}) for row in rows], query.mode, sources=rows), filters


def _having(session: Session, subject: Subject, engine: RetrievalEngine, excluded: Sequence[str]) -> tuple[str, ...]:
    """The sources that have a word or phrase that is excluded."""
    engine.require_ready(semantic=False)
    spaces, shared = where_to_look(session, subject, Filters())
    sources: set[str] = set()
    for phrase in excluded:
        one = Asked.of(session, engine, Mode.KEYWORD, ParsedQuery(phrase, phrases=(phrase,)), spaces, shared)
        sources.update(chunk_id.split(":")[1] for chunk_id in one.by_words(_MOST_EXCLUDED))
    return tuple(sources)


def _in_order(query: Query, candidates: Sequence[Candidate], passing: dict[str, SourceRow]) -> list[Candidate]:
    """The candidates of the sources that pass, as the query sorts them."""
    kept = [candidate for candidate in candidates if _key(candidate) in passing]
    if not _by_date(query, kept):
        return kept
    kept.sort(key=lambda candidate: -candidate.score)
    newest = query.sort is not Sort.OLDEST
    return sorted(kept, key=lambda candidate: (passing[_key(candidate)].updated_at, _key(candidate)), reverse=newest)


def _by_date(query: Query, candidates: Sequence[Candidate]) -> bool:
    """Whether dates order the candidates: as the query says, or where nothing else does."""
    return query.sort is not Sort.RELEVANCE or not any(candidate.score for candidate in candidates)


def _listed(
    session: Session, subject: Subject, query: Query, ordered: Sequence[Candidate], shown: frozenset[bytes]
) -> tuple[list[tuple[Candidate, Passage]], bool]:
    """The next `k` that were not shown, at most `per_source` of a source over all pages, and whether there are more."""
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
        passages = hydrate(session, subject, [candidate.chunk_id for candidate in page], Filters())
        for candidate in page:
            passage, key = passages.get(candidate.chunk_id), _key(candidate)
            if passage is None or (query.per_source and of_source.get(key, 0) >= query.per_source):
                continue
            if len(taken) == query.k:
                return taken, True
            of_source[key] = of_source.get(key, 0) + 1
            taken.append((candidate, passage))
    return taken, False


def _grouped(
    session: Session, subject: Subject, query: Query, ordered: Sequence[Candidate], shown: frozenset[bytes]
) -> tuple[list[list[tuple[Candidate, Passage]]], bool]:
    """The next `k` sources that were not shown, each with its best passages, and whether there are more."""
    groups: dict[str, list[Candidate]] = {}
    most = query.per_source or _BEST_OF_GROUP
    for candidate in ordered:
        group = groups.setdefault(_key(candidate), [])
        if len(group) < most:
            group.append(candidate)
    waiting = [group for key, group in groups.items() if not shown or mark(key) not in shown]
    page = waiting[: query.k]
    ids = [candidate.chunk_id for group in page for candidate in group]
    passages = hydrate(session, subject, ids, Filters())
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


def _keys(candidates: Sequence[Candidate]) -> dict[str, None]:
    return dict.fromkeys(map(_key, candidates))


def _corrected(parsed: ParsedQuery, replaced: dict[str, str]) -> ParsedQuery:
    words = tuple(replaced.get(word, word) for word in parsed.words)
    return replace(parsed, text=" ".join((*words, *parsed.phrases)), words=words)


def _retyped(text: str, parsed: ParsedQuery, replaced: dict[str, str]) -> str:
    """What was typed, with the words that were meant; what only looks like them (a tag, a quotation) stays."""
    for word, end in zip(reversed(parsed.words), reversed(parsed.word_ends), strict=True):
        if word in replaced:
            text = text[: end - len(word)] + replaced[word] + text[end:]
    return text
