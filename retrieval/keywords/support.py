"""How well the words of a query support each of some passages, by more than BM25 over the index can tell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, count, pairwise

import numpy as np
from numpy.typing import NDArray

# As in Tantivy.
_K1, _B = 1.2, 0.75
# What two words of the query that stand side by side in the passage count, beside each of them by itself.
_NEIGHBOURS = 0.2

Words = NDArray[np.int32]
"""The words of a passage in order, shape (words,), as a Vocabulary numbers them."""


class Vocabulary(dict[str, int]):
    """A number for each word, so that passages are kept and compared as numbers. Thread-safe."""

    def __init__(self) -> None:
        self._numbers = count()

    def __missing__(self, word: str) -> int:
        # Of two threads that meet a word at once one wastes its number.
        return self.setdefault(word, next(self._numbers))

    def read(self, text: str) -> Words:
        """The words of a text with blanks between them."""
        words = text.split()
        return np.fromiter(map(self.__getitem__, words), np.int32, len(words))


@dataclass(frozen=True, slots=True)
class Support:
    """`words` is BM25 of a passage, `proximity` what neighbouring words add to it, `coverage` the share (0..1) of the
    query's words that the passage has, each counted by its rarity; `terms` are those."""

    words: float
    proximity: float
    coverage: float
    terms: tuple[str, ...] = ()


def judge(
    terms: Sequence[str], rarity: Mapping[str, float], passages: Sequence[Words], vocabulary: Vocabulary
) -> list[Support]:
    """The support of each passage for a query of these terms, with the idf of each term."""
    if not passages:
        return []
    total = sum(rarity[term] for term in terms)
    counts = Counter(terms)
    known = sorted((number, term) for term in counts if (number := vocabulary.get(term)) is not None)
    asked = [term for _, term in known]
    if not asked:
        return [Support(0.0, 0.0, 0.0)] * len(passages)
    # The places of the query's words, in all passages one after the other.
    lengths = np.array([len(words) for words in passages])
    text, numbers = np.concatenate(passages), np.array([number for number, _ in known], dtype=np.int32)
    nearest = np.searchsorted(numbers[:-1], text)
    places = np.flatnonzero(numbers[nearest] == text)
    at = np.searchsorted(lengths.cumsum(), places, side="right")  # in which passage
    term = nearest[places]
    norm = _K1 * (1 - _B + _B * lengths / max(float(lengths.mean()), 1.0))

    found = _counted(at, term, len(passages), len(asked))
    weights = np.array([counts[one] * rarity[one] for one in asked])
    words = _saturated(found, norm) @ weights
    coverage = (found > 0) @ weights / total if total else np.zeros(len(passages))

    place_of = {one: place for place, one in enumerate(asked)}
    pairs = {
        place_of[one] * len(asked) + place_of[other]: rarity[one] + rarity[other]
        for one, other in pairwise(terms)
        if one != other and one in place_of and other in place_of
    }
    proximity = np.zeros(len(passages))
    if pairs:
        codes = np.array(sorted(pairs))
        side_by_side = np.flatnonzero((np.diff(places) == 1) & (np.diff(at) == 0))
        code = term[side_by_side] * len(asked) + term[side_by_side + 1]
        pair = np.searchsorted(codes[:-1], code)
        is_asked = codes[pair] == code
        beside = _counted(at[side_by_side][is_asked], pair[is_asked], len(passages), len(codes))
        proximity = _NEIGHBOURS * (_saturated(beside, norm) @ np.array([pairs[one] for one in codes.tolist()]))
    figures = zip(words.tolist(), proximity.tolist(), np.minimum(1.0, coverage).tolist(), found.tolist(), strict=True)
    return [Support(bm25, near, share, tuple(compress(asked, there))) for bm25, near, share, there in figures]


def _counted(rows: NDArray[np.intp], columns: NDArray[np.intp], height: int, width: int) -> NDArray[np.intp]:
    return np.bincount(rows * width + columns, minlength=height * width).reshape(height, width)


def _saturated(frequencies: NDArray[np.intp], norm: NDArray[np.float64]) -> NDArray[np.float64]:
    """BM25's part for how often something stands in a passage; `norm` is by the passage's length."""
    return frequencies * (_K1 + 1) / (frequencies + norm[:, None])
