"""The candidates of a query: what both legs propose of the spaces that its asker may read, in their order.

The legs run in parallel. What either has found is then judged by all evidence (retrieval.fusion), unless the asker
chose one leg: that one is shown as it is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog
from sqlalchemy.orm import Session

from core_api.infra.errors import Unavailable
from core_api.infra.metrics import search_step
from core_api.models import Document
from retrieval import analyzer
from retrieval.access import Shared
from retrieval.embedding import Embedder
from retrieval.engine import RetrievalEngine
from retrieval.fusion import Candidate, Evidence, Legs, Vector, alone, fuse
from retrieval.keywords import source_term
from retrieval.placement import targets
from retrieval.query_language import ParsedQuery, parse
from retrieval.query_weights import weights_of
from retrieval.rerank import reranked
from retrieval.tie_breakers import room_for, settled
from retrieval.types import Mode
from retrieval.vectors import Target

log = structlog.get_logger()


Chunks = Sequence[tuple[str, str, str]]
"""(chunk id, source kind, source id)."""

Scored = list[tuple[str, float]]
"""Chunks with their scores, best first."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Candidates, best first. `full`: a leg gave as many as it was asked for, so that there may be more. `by_words`:
    the BM25 scores of what words alone find, as deep as was asked for; `cut`: words find more than that, and `matching`
    are the sources of it, by the `number` of their terms, where they were asked for."""

    candidates: list[Candidate]
    full: bool
    by_words: Mapping[str, float]
    cut: bool
    matching: Collection[int]


@dataclass(slots=True)
class Asked:
    """A query made ready for the legs. `wanted` is the mode that was asked for, `mode` what is really done: a hybrid
    query whose language the embedding model does not know is judged by all that words can tell."""

    session: Session
    engine: RetrievalEngine
    wanted: Mode
    mode: Mode
    query: ParsedQuery
    spaces: Sequence[str]
    shared: Shared
    targets: Sequence[Target]
    shared_targets: Sequence[Target]
    # One for the whole search: vectors of two models are never compared, should another become active meanwhile.
    embedder: Embedder | None = None
    # Which terms of the query each chunk has that was looked at closely.
    _terms: dict[str, Collection[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        session: Session,
        engine: RetrievalEngine,
        mode: Mode,
        query: ParsedQuery | str,
        spaces: Sequence[str],
        shared: Shared,
    ) -> "Asked":
        if isinstance(query, str):
            query = parse(query)
        wanted = mode
        if mode is Mode.HYBRID:
            mode = _effective(engine, query.text)
        engine.require_ready(semantic=mode is Mode.SEMANTIC)
        asked = cls(session, engine, wanted, mode, query, spaces, shared, [], [])
        if mode is not Mode.KEYWORD:
            asked.embedder = embedder = engine.embedder
            asked.targets = targets(session, spaces, embedder.fingerprint)
            asked.shared_targets = targets(session, shared.space_ids, embedder.fingerprint)
        return asked

    def ranked(
        self,
        depth: int,
        chunks: Chunks | None = None,
        *,
        explain: bool = False,
        words_depth: int = 0,
        count: bool = False,
    ) -> Ranking:
        """The candidates among both legs' best `depth` chunks, of `chunks` only where given. All of them have the
        phrases of the query, and none has what it excludes. What words find is told to `words_depth` at least;
        `count`: and where there is more, the sources of all of it."""
        words_depth = 0 if self.wanted is Mode.SEMANTIC else max(depth, words_depth)
        found, semantic, matching = self._legs(depth, chunks, words_depth, count)
        by_words, keyword = _joined(found), _joined(found, depth)
        full = any(len(leg) >= depth for leg in (keyword, semantic))
        cut = _is_cut(found, words_depth)
        if self.query.phrases or self.query.excluded:
            proposed = sorted({*keyword, *semantic})
            allowed = self.engine.keywords.having(proposed, self.query.phrases, self.query.excluded)
            keyword = {id_: score for id_, score in keyword.items() if id_ in allowed}
            semantic = {id_: score for id_, score in semantic.items() if id_ in allowed}
        if self.wanted is Mode.KEYWORD:
            return Ranking(alone("keyword", keyword, explain=explain), full, by_words, cut, matching)
        if self.wanted is Mode.SEMANTIC:
            return Ranking(alone("semantic", semantic, explain=explain), full, by_words, cut, matching)
        legs = Legs(keyword, semantic)
        evidence = self._evidence(legs.shortlist)
        self._terms.update({id_: support.terms for id_, support in evidence.support.items()})
        settings = self.engine.settings
        with search_step("fuse"):
            candidates = fuse(legs, evidence, weights_of(self.query), room=room_for(settings), explain=explain)
            candidates = settled(self.engine.catalogue, self.engine.usage, settings, candidates)
        candidates = reranked(self.session, settings, self.engine.reranker, self.query.text, candidates)
        return Ranking(candidates, full, by_words, cut, matching)

    def by_words(self, depth: int) -> dict[str, float]:
        """The best `depth` chunks that words alone find, with their BM25 scores; none where only meaning is asked."""
        return {} if self.wanted is Mode.SEMANTIC else _joined(self._keyword(depth, None))

    def matching(self) -> set[int]:
        """The sources of all chunks that words find, by the `number` of their terms."""
        find, text = self.engine.keywords.matching, self.query.text
        phrases, excluded = self.query.phrases, self.query.excluded
        found = find(text, self.spaces, phrases=phrases, excluded=excluded)
        sources = [source_term(Document.__source_kind__, id_) for id_ in self.shared.source_ids]
        return found | find(text, self.shared.space_ids, sources=sources, phrases=phrases, excluded=excluded)

    def terms_of(self, chunk_ids: Iterable[str]) -> set[str]:
        """Terms of the query that one of these chunks has, as far as they were looked at."""
        return {term for chunk_id in chunk_ids for term in self._terms.get(chunk_id, ())}

    def _legs(
        self, depth: int, chunks: Chunks | None, words_depth: int, count: bool
    ) -> tuple[list[Scored], dict[str, float], Collection[int]]:
        """What words find in each part, what is near in meaning, and `Ranking.matching`."""
        dense: Future[dict[str, float]] | None = None
        # What has a phrase is found by the words; the best by meaning would seldom be among them.
        by_phrase = bool(self.query.phrases)
        if self.mode is not Mode.KEYWORD and not by_phrase:
            dense = self.engine.vectors_asked.ask(self._dense, depth, chunks)
        keyword: list[Scored] = []
        if self.mode is not Mode.SEMANTIC or by_phrase:
            keyword = self._keyword(max(depth, words_depth), chunks)
        # The question is still being embedded.
        matching = self.matching() if count and _is_cut(keyword, words_depth) else ()
        if self.mode is Mode.KEYWORD:
            return keyword, {}, matching
        try:
            if dense is None:
                dense = self.engine.vectors_asked.ask(self._cosines, list(_joined(keyword, depth)))
            return keyword, self.engine.vectors_asked.answer(dense), matching
        except Unavailable as error:
            self._go_without_vectors(error)
            return keyword, {}, matching

    def _go_without_vectors(self, error: Unavailable) -> None:
        """From now on the words alone decide, and the result says so; unless only meaning was asked for."""
        if self.mode is Mode.SEMANTIC:
            raise error
        log.warning("search_without_vectors", error=str(error))
        self.mode = Mode.KEYWORD

    @search_step("evidence")
    def _evidence(self, ids: Sequence[str]) -> Evidence:
        if self.mode is Mode.KEYWORD:
            return Evidence(self.engine.keywords.support(self.query.text, ids), None, {})
        vectors = self.engine.vectors_asked.ask(self._vectors, ids)
        support = self.engine.keywords.support(self.query.text, ids)
        try:
            near = self.engine.vectors_asked.answer(vectors)
            return Evidence(support, self.engine.embed_query(self.query.text, self.embedder), near)
        except Unavailable as error:
            self._go_without_vectors(error)
            return Evidence(support, None, {})

    @search_step("keywords")
    def _keyword(self, depth: int, chunks: Chunks | None) -> list[Scored]:
        """The best of the spaces, and of the documents that are shared out of others, each best first."""
        find, text = self.engine.keywords.search, self.query.text
        phrases, excluded = self.query.phrases, self.query.excluded
        if chunks is not None:
            sources = sorted({source_term(kind, id_) for _, kind, id_ in chunks})
            spaces = [*self.spaces, *self.shared.space_ids]
            return [find(text, depth, spaces, sources=sources, phrases=phrases, excluded=excluded)]
        found = [find(text, depth, self.spaces, phrases=phrases, excluded=excluded)]
        if self.shared.source_ids:
            sources = [source_term(Document.__source_kind__, id_) for id_ in self.shared.source_ids]
            spaces = list(self.shared.space_ids)
            found.append(find(text, depth, spaces, sources=sources, phrases=phrases, excluded=excluded))
        return found

    def _dense(self, depth: int, chunks: Chunks | None) -> dict[str, float]:
        find, embedding = self.engine.vectors.query, self.engine.embed_query(self.query.text, self.embedder)
        with search_step("vectors"):
            if chunks is not None:
                ids = [chunk_id for chunk_id, _, _ in chunks]
                return dict(find([*self.targets, *self.shared_targets], embedding, depth, ids))
            found = dict(find(self.targets, embedding, depth))
            if self.shared_targets:
                found |= find(self.shared_targets, embedding, depth, self.shared.chunk_ids)
            return found

    def _cosines(self, ids: Sequence[str]) -> dict[str, float]:
        embedding = self.engine.embed_query(self.query.text, self.embedder)
        return dict(self.engine.vectors.query([*self.targets, *self.shared_targets], embedding, len(ids), ids))

    def _vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        return self.engine.vectors.vectors([*self.targets, *self.shared_targets], ids)


def _is_cut(parts: Sequence[Scored], depth: int) -> bool:
    """Whether words find more than they were asked for; of a search by meaning alone (0) nobody wants to know."""
    return bool(depth) and any(len(part) >= depth for part in parts)


def _joined(parts: Sequence[Scored], most: int | None = None) -> dict[str, float]:
    """The best `most` of each part."""
    joined: dict[str, float] = {}
    for part in parts:
        joined.update(part[:most])
    return joined


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
