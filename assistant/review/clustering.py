"""Like questions together: by meaning where the embedding model knows the language, else by the rare words they share.

The same questions in the same order give the same clusters: each joins the cluster whose first question is most like
it, or begins one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrieval import analyzer

# From two dozen pairs of questions: two wordings of one question are mostly above (cosine of all-MiniLM-L6-v2
# 0.66-0.93; "How many sick days are there?" and "How many vacation days do I get?" have 0.65), two questions of one
# topic below. Where in doubt they stay apart: a reviewer sees two clusters, and no wrong one.
SAME_MEANING = 0.66
SAME_WORDS = 0.55


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: the words that tell (`telling_words`), and its vector (L2-normalised), None where the embedding model
    does not know its language."""

    words: frozenset[str]
    vector: NDArray[np.float32] | None


def telling_words(question: str) -> frozenset[str]:
    """One term for each word of a question that is no stop word: its stem; of a Korean word the first two syllables,
    which endings leave alone ("승인하나요", "승인은")."""
    return frozenset(token.terms[0] for token in analyzer.tokens(question) if token.terms)


def cluster(questions: Sequence[Asked], rarity: Mapping[str, float]) -> list[list[int]]:
    """The questions by their places, in clusters, in the order in which these began. `rarity` says how much each word
    tells (retrieval.keywords.KeywordIndex.rarity)."""
    clusters: list[list[int]] = []
    by_meaning, by_words = _ByMeaning(), _ByWords(rarity)
    for place, question in enumerate(questions):
        # What the model knows and what it does not are never put together: they are in different languages.
        number = by_words.like(question.words) if question.vector is None else by_meaning.like(question.vector)
        if number is not None:
            clusters[number].append(place)
            continue
        if question.vector is None:
            by_words.begin(len(clusters), question.words)
        else:
            by_meaning.begin(len(clusters), question.vector)
        clusters.append([place])
    return clusters


class _ByMeaning:
    """The clusters of questions that have a vector."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._vectors: list[NDArray[np.float32]] = []

    def begin(self, number: int, vector: NDArray[np.float32]) -> None:
        self._numbers.append(number)
        self._vectors.append(vector)

    def like(self, vector: NDArray[np.float32]) -> int | None:
        if not self._vectors:
            return None
        cosines = np.stack(self._vectors) @ vector
        best = int(np.argmax(cosines))
        return self._numbers[best] if cosines[best] >= SAME_MEANING else None


class _ByWords:
    """The clusters of questions that have none."""

    def __init__(self, rarity: Mapping[str, float]) -> None:
        self._rarity = rarity
        self._words: dict[int, frozenset[str]] = {}
        self._having: dict[str, list[int]] = defaultdict(list)

    def begin(self, number: int, words: frozenset[str]) -> None:
        self._words[number] = words
        for word in words:
            self._having[word].append(number)

    def like(self, words: frozenset[str]) -> int | None:
        near = sorted({number for word in words for number in self._having.get(word, ())})
        likeness = {number: self._share(words, self._words[number]) for number in near}
        best = max(near, key=lambda number: (likeness[number], -number), default=None)
        return best if best is not None and likeness[best] >= SAME_WORDS else None

    def _share(self, one: frozenset[str], other: frozenset[str]) -> float:
        """How much of what both say they say both."""
        together = sum(self._rarity[word] for word in sorted(one | other))
        return sum(self._rarity[word] for word in sorted(one & other)) / together if together else 0.0
