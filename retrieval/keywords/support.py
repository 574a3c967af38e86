"""How well the words of a query support one passage, by more than BM25 over the index can tell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

# As in Tantivy.
_K1, _B = 1.2, 0.75
# What two words of the query that stand side by side in the passage count, beside each of them by itself.
_NEIGHBOURS = 0.2


@dataclass(frozen=True, slots=True)
class Support:
    """`words` is BM25 of a passage, `proximity` what neighbouring words add to it, `coverage` the share (0..1) of the
    query's words that the passage has, each counted by its rarity."""

    words: float
    proximity: float
    coverage: float


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
        counts = self.counts
        kept = [(place, word) for place, word in enumerate(words) if word in counts]
        found = Counter([word for _, word in kept])
        norm = _K1 * (1 - _B + _B * len(words) / self.average)
        bm25 = sum(counts[term] * self.rarity[term] * n * (_K1 + 1) / (n + norm) for term, n in found.items())
        near = 0.0
        if len(found) > 1:
            beside = Counter(
                (one, other)
                for (place, one), (next_place, other) in pairwise(kept)
                if next_place == place + 1 and (one, other) in self.pairs
            )
            near = sum(self.pairs[pair] * n * (_K1 + 1) / (n + norm) for pair, n in beside.items())
        covered = sum(counts[term] * self.rarity[term] for term in found)
        return Support(bm25, _NEIGHBOURS * near, min(1.0, covered / self.total) if self.total else 0.0)
