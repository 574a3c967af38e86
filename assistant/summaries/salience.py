"""Which sentences say most of a text: relevance to the whole (or to a question) without saying a thing twice.

A sentence is first looked at by its words (terms that are frequent here and rare elsewhere), by its passage (the
cosine of the passage's vector, which the index has, to the mean of all: LexRank's centrality with the centroid, Erkan
and Radev, 2004) and by its place. The best of that are embedded, and chosen by maximal marginal relevance (Carbonell
and Goldstein, 1998). In a language that the embedding model does not know, the weights of the words stand for vectors.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from assistant.answers.candidates import Candidate
from assistant.answers.questions import Question
from assistant.answers.scoring import TermWeights
from core_api.infra.errors import Unavailable
from retrieval.embedding import Embedder

log = structlog.get_logger()

Vector = NDArray[np.float32]

SHORTLIST = 64
"""Sentences that are embedded for one summary: about 2,000 tokens, half a second of one core."""

_RELEVANCE = 0.7  # MMR's lambda: the rest is for being new
_WORDS, _PASSAGE, _MEANING = 0.5, 0.5, 0.6
_FIRST, _FIRST_OF_PASSAGE = 0.15, 0.08
_DEPENDENT, _FRAGMENT, _QUESTION, _TWICE_IN_SECTION = 0.2, 0.1, 0.25, 0.15
_GOOD_CHARS = (40, 320)
_BAD_LENGTH = 0.15
# Of a question's summary only what has to do with it, beside the best sentence.
_WORTH = 0.45
_SAME = 0.9


@dataclass(frozen=True, slots=True)
class Measure:
    """What sentences are measured by: the rarity of terms in the index, the embedding model where it knows the
    language, and the vectors of the passages that the index has, by chunk id."""

    weights: TermWeights
    embedder: Embedder | None
    passages: Mapping[str, Vector]


def pick(
    pool: Sequence[Candidate],
    sections: Sequence[str],
    measure: Measure,
    most: int,
    question: Question | None = None,
) -> list[int]:
    """Indices of at most `most` sentences of `pool` (in reading order), most telling first; `sections` names the part
    of the text that each belongs to, so that a summary is not all about one of them."""
    if not pool or most < 1:
        return []
    words = _by_words(pool, measure, question)
    first = words + _PASSAGE * _by_passage(pool, measure, question) + _by_form(pool)
    shortlist = _shortlist(first, sections)
    vectors, aim = _vectors([pool[index] for index in shortlist], measure, question)
    relevance = _unit(first[shortlist])
    if aim is not None:
        relevance = (1 - _MEANING) * relevance + _MEANING * _unit(vectors @ aim)
    chosen = _marginal(relevance, vectors @ vectors.T, [sections[index] for index in shortlist], most, question)
    return [shortlist[index] for index in chosen]


def _by_words(pool: Sequence[Candidate], measure: Measure, question: Question | None) -> NDArray[np.float64]:
    """Of a question the share that a sentence has of it; else how much it has of what the text speaks of."""
    if question is not None:
        weights = measure.weights(question.terms)
        total = sum(weights.values()) or 1.0
        own = [sum(weights[term] for term in weights.keys() & set(one.terms)) for one in pool]
        around = [sum(weights[term] for term in weights.keys() & (set(one.terms) | one.context)) for one in pool]
        return np.array([(0.7 * a + 0.3 * b) / total for a, b in zip(own, around, strict=True)])
    counts = Counter(term for one in pool for term in set(one.terms))
    rarity = measure.weights(list(counts))
    weights = {term: math.log1p(count) * rarity[term] for term, count in counts.items() if count > 1}
    scores = [
        sum(weights.get(term, 0.0) for term in set(one.terms)) / (len(set(one.terms)) + 4.0) ** 0.7 for one in pool
    ]
    return _WORDS * _unit(np.array(scores))


def _by_passage(pool: Sequence[Candidate], measure: Measure, question: Question | None) -> NDArray[np.float64]:
    """Of a question how its search ranked the passage; else how near the passage is to the middle of all."""
    if question is not None:
        return _unit(np.array([one.evidence.hit.score for one in pool]), floor=0.0)
    vectors = measure.passages
    if not vectors:
        return np.zeros(len(pool))
    middle = np.stack(list(vectors.values())).mean(axis=0)
    cosines = {id_: float(vector @ middle) for id_, vector in vectors.items()}
    lowest = min(cosines.values())
    return _unit(np.array([cosines.get(one.evidence.hit.chunk_id, lowest) for one in pool]))


def _by_form(pool: Sequence[Candidate]) -> NDArray[np.float64]:
    scores = np.zeros(len(pool))
    seen: set[str] = set()
    for index, one in enumerate(pool):
        if one.evidence.hit.chunk_id not in seen:
            seen.add(one.evidence.hit.chunk_id)
            scores[index] += _FIRST_OF_PASSAGE if index else _FIRST
        length = len(one.text)
        scores[index] -= _BAD_LENGTH if not _GOOD_CHARS[0] <= length <= _GOOD_CHARS[1] else 0.0
        scores[index] -= _DEPENDENT if one.dependent else 0.0
        scores[index] -= _FRAGMENT if one.fragment else 0.0
        scores[index] -= _QUESTION if one.text.endswith("?") else 0.0
    return scores


def _shortlist(first: NDArray[np.float64], sections: Sequence[str]) -> list[int]:
    """The sentences to look at closely: the best of each section, then the best of all."""
    order = [int(index) for index in np.argsort(-first, kind="stable")]
    best: dict[str, int] = {}
    for index in order:
        best.setdefault(sections[index], index)
    leading = list(best.values())[: SHORTLIST // 2]
    return list(dict.fromkeys([*leading, *order]))[:SHORTLIST]


def _vectors(
    pool: Sequence[Candidate], measure: Measure, question: Question | None
) -> tuple[NDArray[np.float32], Vector | None]:
    """L2-normalised vectors of the sentences, and the one to be near to (None: where words have said that already)."""
    embedder = measure.embedder
    if embedder is not None:
        texts = [one.text for one in pool] + ([question.text] if question is not None else [])
        try:
            found = embedder.embed_queries(texts)
        except Unavailable as error:
            log.warning("summary_without_embedding", error=str(error))
        else:
            if question is not None:
                return found[:-1], found[-1]
            whole = np.stack(list(measure.passages.values())) if measure.passages else found
            middle = whole.mean(axis=0)
            return found, np.asarray(middle / max(float(np.linalg.norm(middle)), 1e-12), dtype=np.float32)
    terms = sorted({term for one in pool for term in one.terms})
    weights = measure.weights(terms)
    column = {term: place for place, term in enumerate(terms)}
    matrix = np.zeros((len(pool), max(1, len(terms))), dtype=np.float32)
    for row, one in enumerate(pool):
        for term in one.terms:
            matrix[row, column[term]] = weights[term]
    return matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12), None


def _marginal(
    relevance: NDArray[np.float64],
    likeness: NDArray[np.float32],
    sections: Sequence[str],
    most: int,
    question: Question | None,
) -> list[int]:
    chosen: list[int] = []
    of_section: Counter[str] = Counter()
    open_ = set(range(len(relevance)))
    least = _WORTH * float(relevance.max()) if question is not None else -math.inf
    while open_ and len(chosen) < most:

        def gain(index: int) -> float:
            said = float(likeness[index, chosen].max()) if chosen else 0.0
            spread = _TWICE_IN_SECTION * of_section[sections[index]] if question is None else 0.0
            return _RELEVANCE * float(relevance[index]) - (1 - _RELEVANCE) * said - spread

        best = max(sorted(open_), key=gain)
        open_.discard(best)
        if relevance[best] < least or (chosen and float(likeness[best, chosen].max()) >= _SAME):
            continue
        chosen.append(best)
        of_section[sections[best]] += 1
    return chosen


def _unit(values: NDArray[np.floating], floor: float | None = None) -> NDArray[np.float64]:
    """The values brought to 0..1 (from `floor`, if it is given)."""
    low = float(values.min()) if floor is None else floor
    return np.asarray((values - low) / max(float(values.max()) - low, 1e-12), dtype=np.float64)
