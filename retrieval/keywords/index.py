"""Searching the keyword index.

Tantivy's BM25 has k1 = 1.2 and b = 0.75 built in. Rescoring with other constants was measured with our analyser and not
worth its time: k1 = 0.9, b = 0.4 changes KorQuAD by +0.002 and XQuAD by +0.003 MRR@10, SciFact by -0.002 and Cranfield
by -0.009 nDCG@10.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import tantivy

from retrieval import analyzer
from retrieval.keywords.replica import Replica
from retrieval.keywords.support import Support, Vocabulary, Words, judge

# One field of all words decides; a word of the title or of a heading counts a little more than one of the body.
_FIELD_BOOSTS = {"words": 1.0, "title": 0.2, "heading": 0.2}
_MAX_QUERY_TERMS = 48
# Of the best so many that words find, the words are read at once: they are likely to be asked for (`support`).
_CLOSE = 100
# Chunks whose ids are kept, at 200 bytes each, chunks whose words are, at 400, and words that have a number, at 150.
_MOST_IDS = 200_000
_MOST_READ = 30_000
_MOST_WORDS = 300_000

# Tantivy's own counting ends at 65,000 buckets.
_BY_SOURCE = {"sources": {"terms": {"field": "number", "size": 65_000, "segment_size": 65_000}}}

Hits = Sequence[tuple[float, tantivy.DocAddress]]


@dataclass(frozen=True, slots=True)
class _Read:
    """The words of chunks, by key (layout.schema)."""

    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    passages: dict[int, Words] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        return len(self.passages) >= _MOST_READ or len(self.vocabulary) >= _MOST_WORDS


class KeywordIndex(Replica):
    """BM25 over analysed chunks, for readers in many threads and one writer. Searching needs no database."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        # What has been read of the index, by key (layout.schema).
        self._ids: dict[int, str] = {}
        self._read = _Read()

    def __len__(self) -> int:
        """Chunks in the index."""
        return int(self._index.searcher().num_docs)

    def search(
        self,
        text: str,
        k: int,
        space_ids: Sequence[str],
        *,
        sources: Sequence[str] | None = None,
        phrases: Sequence[str] = (),
        excluded: Sequence[str] = (),
    ) -> list[tuple[str, float]]:
        """The chunks of these spaces that match `text`, with their BM25 scores, best first.

        `sources` (source terms) narrows it further. A chunk must have all `phrases`, word by word, and none of what is
        `excluded`. Any text is a valid query: it has no syntax.
        """
        met, searcher = self._met, self._index.searcher()
        words = self._asked(self._known_terms(searcher, analyzer.analyze(text)))
        query = self._matching(words, space_ids, sources, phrases, excluded)
        if k <= 0 or query is None:
            return []
        hits = searcher.search(query, limit=k, count=False).hits
        keys, ids = self._chunks(searcher, met, hits)
        self._read_words(self._reading(), searcher, keys[:_CLOSE], hits)
        return [(chunk_id, score) for chunk_id, (score, _) in zip(ids, hits, strict=True)]

    def matching(
        self,
        text: str,
        space_ids: Sequence[str],
        *,
        sources: Sequence[str] | None = None,
        phrases: Sequence[str] = (),
        excluded: Sequence[str] = (),
    ) -> set[int]:
        """The sources, by the `number` of their terms, of all chunks that `search` would find, were there no `k`."""
        searcher = self._index.searcher()
        terms = self._known_terms(searcher, analyzer.analyze(text))
        words = [(tantivy.Occur.Should, self._term("words", term, "basic")) for term in terms]
        query = self._matching(words, space_ids, sources, phrases, excluded)
        if query is None:
            return set()
        counted = searcher.aggregate(query, _BY_SOURCE)["sources"]
        if not counted["sum_other_doc_count"]:
            return {bucket["key"] for bucket in counted["buckets"]}
        # Three times the work, and without scores a third of what it would be with them.
        hits = searcher.search(tantivy.Query.const_score_query(query, 1.0), limit=searcher.num_docs, count=False).hits
        return set(cast("list[int]", searcher.fast_field_values("number", [address for _, address in hits])))

    def near(
        self, word: str, edits: int, k: int, space_ids: Sequence[str], *, sources: Sequence[str] | None = None
    ) -> list[str]:
        """Chunks of these spaces with a word that is at most so many edits (1 or 2; two letters that changed places are
        one) away from `word`; of Hangul with a pair of syllables at most one syllable away from one of its pairs."""
        if not space_ids or sources == []:
            return []
        required = [self._any_of("space", space_ids)]
        if sources is not None:
            required.append(self._any_of("source", sources))
        field, terms = "exact", analyzer.exact_terms(word)
        if analyzer.is_cjk(word):
            field, terms, edits = "words", list(analyzer.word_terms(word)), 1
        similar = [tantivy.Query.fuzzy_term_query(self._schema, field, term, edits) for term in terms]
        if not similar:
            return []
        required.append(tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in similar]))
        met, searcher = self._met, self._index.searcher()
        return self._chunks(searcher, met, searcher.search(self._all_of(required), limit=k, count=False).hits)[1]

    def support(self, text: str, chunk_ids: Sequence[str]) -> dict[str, Support]:
        """How well the words of `text` support each of some hundred chunks, whichever leg found them.

        From the stored words of the chunks: a query for these chunks alone would cost Tantivy as much as one for all.
        """
        terms = analyzer.analyze(text)
        if not terms or not chunk_ids:
            return {}
        met, searcher, read = self._met, self._index.searcher(), self._reading()
        words = {chunk_id: read.passages.get(met.get(chunk_id, -1)) for chunk_id in chunk_ids}
        if unread := [chunk_id for chunk_id, known in words.items() if known is None]:
            hits = searcher.search(self._any_of("id", unread), limit=len(unread), count=False).hits
            keys, ids = self._chunks(searcher, met, hits)
            words.update(zip(ids, self._read_words(read, searcher, keys, hits), strict=True))
        known = {chunk_id: passage for chunk_id, passage in words.items() if passage is not None}
        judged = judge(terms, self._idf(searcher, set(terms)), list(known.values()), read.vocabulary)
        return dict(zip(known, judged, strict=True))

    def having(self, chunk_ids: Sequence[str], phrases: Sequence[str], excluded: Sequence[str]) -> set[str]:
        """Of these chunks those that have all phrases and nothing that is excluded."""
        if not chunk_ids:
            return set()
        met, searcher = self._met, self._index.searcher()
        query = self._all_of([self._any_of("id", chunk_ids), *self._quoted(phrases)], excluded)
        hits = searcher.search(query, limit=len(chunk_ids), count=False).hits
        return set(self._chunks(searcher, met, hits)[1])

    def rarity(self, terms: Sequence[str]) -> dict[str, float]:
        """How much each term tells: BM25's idf, ln(1 + (N - n + 0.5) / (n + 0.5)), n of the N chunks having it."""
        return self._idf(self._index.searcher(), terms)

    # --- what was found

    def _chunks(self, searcher: tantivy.Searcher, met: dict[str, int], hits: Hits) -> tuple[list[int], list[str]]:
        """The keys and the ids of what was found."""
        keys = cast("list[int]", searcher.fast_field_values("key", [address for _, address in hits]))
        known = self._ids
        if len(known) + len(keys) > _MOST_IDS:
            known = self._ids = {}
        for key, (_, address) in zip(keys, hits, strict=True):
            if key not in known:
                known[key] = searcher.doc(address)["id"][0]
        ids = [known[key] for key in keys]
        if len(met) + len(keys) > _MOST_IDS:
            met.clear()
        met.update(zip(ids, keys, strict=True))
        return keys, ids

    def _reading(self) -> _Read:
        """Where words are read to; who began with the one before goes on with it."""
        if self._read.is_full:
            self._read = _Read()
        return self._read

    def _read_words(self, read: _Read, searcher: tantivy.Searcher, keys: Sequence[int], hits: Hits) -> list[Words]:
        """The words of the first of what was found, as many as there are keys."""
        known = read.passages
        for key, (_, address) in zip(keys, hits, strict=False):
            if key not in known:
                known[key] = read.vocabulary.read(searcher.doc(address)["words"][0])
        return [known[key] for key in keys]

    # --- parts of queries

    def _idf(self, searcher: tantivy.Searcher, terms: Collection[str]) -> dict[str, float]:
        total = searcher.num_docs
        counts = {term: searcher.doc_freq("words", term) for term in terms}
        # A count may include deleted chunks, so that n can pass N for a moment.
        return {term: math.log1p((max(0, total - count) + 0.5) / (count + 0.5)) for term, count in counts.items()}

    def _known_terms(self, searcher: tantivy.Searcher, terms: Iterable[str]) -> dict[str, int]:
        """The terms that occur, with how often they stand in the query; of many the rarest."""
        frequencies = {term: searcher.doc_freq("words", term) for term in set(terms)}
        counts = {term: count for term, count in Counter(terms).items() if frequencies[term]}
        if len(counts) > _MAX_QUERY_TERMS:
            # They say most and cost least.
            rarest = sorted(counts, key=lambda term: frequencies[term])[:_MAX_QUERY_TERMS]
            counts = {term: counts[term] for term in rarest}
        return counts

    def _asked(self, counts: dict[str, int]) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        return [
            (tantivy.Occur.Should, _boosted(self._term(field, term, "freq"), boost * count))
            for field, boost in _FIELD_BOOSTS.items()
            for term, count in counts.items()
        ]

    def _matching(
        self,
        words: list[tuple[tantivy.Occur, tantivy.Query]],
        space_ids: Sequence[str],
        sources: Sequence[str] | None,
        phrases: Sequence[str],
        excluded: Sequence[str],
    ) -> tantivy.Query | None:
        """What has any of the words and all of the rest; None where that can be nothing."""
        if not space_ids or sources == []:
            return None
        required = [self._any_of("space", space_ids)]
        if sources is not None:
            required.append(self._any_of("source", sources))
        quoted = self._quoted(phrases)
        if words:
            required.append(tantivy.Query.boolean_query(words))
            required += [tantivy.Query.const_score_query(phrase, 0.0) for phrase in quoted]
        elif quoted:  # nothing but words like "to be or not to be"
            required += quoted
        else:
            return None
        return self._all_of(required, excluded)

    def _quoted(self, phrases: Iterable[str]) -> list[tantivy.Query]:
        """A query for each phrase; one without a letter or digit asks for nothing."""
        queries = []
        for phrase in phrases:
            terms: list[str | tuple[int, str]] = [*analyzer.exact_terms(phrase)]
            if len(terms) == 1:
                queries.append(self._term("exact", str(terms[0]), "position"))
            elif terms:
                queries.append(tantivy.Query.phrase_query(self._schema, "exact", terms))
        return queries

    def _all_of(self, required: Iterable[tantivy.Query], excluded: Iterable[str] = ()) -> tantivy.Query:
        parts = [(tantivy.Occur.Must, part) for part in required]
        parts += [(tantivy.Occur.MustNot, part) for part in self._quoted(excluded)]
        return tantivy.Query.boolean_query(parts)

    def _any_of(self, field: str, values: Sequence[str]) -> tantivy.Query:
        if len(values) == 1:
            query = self._term(field, values[0], "basic")
        else:
            query = tantivy.Query.term_set_query(self._schema, field, list(values))
        return tantivy.Query.const_score_query(query, 0.0)

    def _term(self, field: str, term: str, option: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, term, option)


def _boosted(query: tantivy.Query, boost: float) -> tantivy.Query:
    return query if boost == 1 else tantivy.Query.boost_query(query, boost)
