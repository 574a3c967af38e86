"""How well the words of a query support one passage, by more than BM25 over the index can tell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, count, pairwise

# As in Tantivy.
_K1, _B = 1.2, 0.75
# What two words of the query that stand side by side in the passage count, beside each of them by itself.
_NEIGHBOURS = 0.2


@dataclass(frozen=True, slots=True)
class Support:
    """`words` is BM25 of a passage, `proximity` what neighbouring words add to it, `coverage` the share (0..1) of the
    query's words that the passage has, each counted by its rarity; `terms` are those."""

    words: float
    proximity: float
    coverage: float
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """The terms of a query, ready to judge passages. `pairs` are its neighbours, with the rarity of both."""

    counts: Mapping[str, int]
    rarity: Mapping[str, float]
    pairs: Mapping[tuple[str, str], float]
    total: float
    average: float

    @classmethod
    def of(cls, terms: Sequence[str], rarity: Mapping[str, float], average: float) -> "Question":
        """`rarity` is the idf of every term, `average` the usual number of terms of a passage."""
        pairs = {(one, other): rarity[one] + rarity[other] for one, other in pairwise(terms) if one != other}
        return cls(Counter(terms), rarity, pairs, sum(rarity[term] for term in terms), max(average, 1.0))

    def judge(self, words: Sequence[str]) -> Support:
        """The support of a passage of these words."""
        counts, rarity, pairs = self.counts, self.rarity, self.pairs
        found: dict[str, int] = {}
        beside: dict[tuple[str, str], int] = {}
        last, before = "", -2
        for place in compress(count(), map(counts.__contains__, words)):
            word = words[place]
            found[word] = found.get(word, 0) + 1
            if place == before + 1 and (last, word) in pairs:
                beside[last, word] = beside.get((last, word), 0) + 1
            last, before = word, place
        norm = _K1 * (1 - _B + _B * len(words) / self.average)
        bm25 = near = covered = 0.0
        for term, n in found.items():
            weight = counts[term] * rarity[term]
            covered += weight
            bm25 += weight * n * (_K1 + 1) / (n + norm)
        for pair, n in beside.items():
            near += pairs[pair] * n * (_K1 + 1) / (n + norm)
        share = min(1.0, covered / self.total) if self.total else 0.0
        return Support(bm25, _NEIGHBOURS * near, share, tuple(found))
