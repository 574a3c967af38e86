"""Which sentences of the passages answer the question.

A sentence is scored by how it matches the question (half by the embeddings' cosine, where the model knows the language,
half by the share of the question's terms in it, weighted by their rarity), by its passage's score, and by whether it
holds the kind of thing that was asked for. Measured over all sentences of the eight best paragraphs, the three best
sentences hold the gold answer for 94% of XQuAD-en's questions and 91% of KorQuAD's (see docs).
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from assistant.answer_types import defines, holds, is_special_case, points_elsewhere
from assistant.candidates import Candidate, candidates
from assistant.questions import Question, QuestionType
from assistant.types import Confidence, Selection
from core_api.infra.errors import Unavailable
from retrieval.analyzer import analyze
from retrieval.embedding import Embedder
from retrieval.types import Hit

log = structlog.get_logger()

# Rarity of terms: ln-idf by term, from the whole index.
TermWeights = Callable[[Sequence[str]], Mapping[str, float]]

_EMBEDDED = 28  # sentences embedded for one answer: about 900 tokens, 0.2 s on two cores
_MOST_SENTENCES = 3
_PASSAGE_WEIGHT = 0.5
_PASSAGE_WEIGHT_LEXICAL = 0.8
# What a sentence leaves to its nearest heading, or to the question or lead-in before it, counts almost as if it said
# it; what only the title or a heading farther up has, less.
_LEAD_SHARE = 0.75
_CONTEXT_SHARE = 0.4
_TYPE_BONUS = 0.08
_SUBJECT_BONUS = 0.15
_LIST_BONUS = 0.06
_LIST_PENALTY = 0.1
# A pointer ("See the guide for more"), and a special case where none was asked for ("If you are an intern, ...").
_POINTER_PENALTY = 0.1
_CASE_PENALTY = 0.05
_DEPENDENT_PENALTY = 0.04  # "This ..." does not say what it is about
_WORTH = 0.65  # a further sentence is shown when it scores at least this share of the best
_DUPLICATE = 0.8
_SIDE_BY_SIDE = 2


def select(
    question: Question,
    hits: Sequence[Hit],
    *,
    embedder: Embedder | None,
    weights: TermWeights,
    most: int = _MOST_SENTENCES,
) -> Selection:
    """The at most `most` sentences (or whole lists) that answer best, in reading order; none where nothing supports an
    answer. `hits` are the passages found, best first. Without an embedder the words alone decide."""
    pool = candidates(hits)
    if not pool or not question.terms:
        return Selection((), 0.0, Confidence.NONE)
    scores = _Scores(question, pool, hits, embedder, weights)
    chosen = _choose(scores, most)
    support = scores.support(chosen)
    confidence = confidence_of(support)
    if confidence is Confidence.NONE:
        return Selection((), support, confidence)
    ordered = _reading_order([pool[index] for index in chosen])
    return Selection(tuple(candidate.evidence for candidate in ordered), support, confidence)


def confidence_of(support: float) -> Confidence:
    """The word for a degree of support; the borders are where the share of right answers changes (docs)."""
    if support >= 0.8:
        return Confidence.HIGH
    if support >= 0.55:
        return Confidence.MEDIUM
    if support >= 0.1:
        return Confidence.LOW
    return Confidence.NONE


class _Scores:
    """The scores of all candidates for one question."""

    def __init__(
        self,
        question: Question,
        pool: Sequence[Candidate],
        hits: Sequence[Hit],
        embedder: Embedder | None,
        weights: TermWeights,
    ) -> None:
        self.question, self.pool = question, pool
        self._weights = weights(question.terms)
        self._total = sum(self._weights.values()) or 1.0
        self.own = np.array([self._share(candidate.terms) for candidate in pool])
        around = np.array([self._share((*candidate.terms, *candidate.context)) for candidate in pool])
        led = np.array([self._share((*candidate.terms, *candidate.lead_terms)) for candidate in pool])
        self.coverage = self.own + _LEAD_SHARE * (led - self.own) + _CONTEXT_SHARE * (around - led)
        top = max(hit.score for hit in hits) or 1.0
        passage = np.array([candidate.evidence.hit.score / top for candidate in pool])
        kind = np.array([self._holds_expected(candidate) for candidate in pool])
        self.semantic: NDArray[np.float64] | None = None
        if embedder is not None and embedder.covers(question.language):
            self.semantic = self._cosines(embedder, self.coverage + _PASSAGE_WEIGHT * passage)
        if self.semantic is not None:
            self.match = 0.5 * self.semantic + 0.5 * self.coverage + kind
            self.total = self.match + _PASSAGE_WEIGHT * passage
        else:
            self.match = self.coverage + kind
            self.total = self.match + _PASSAGE_WEIGHT_LEXICAL * passage

    def _share(self, terms: Sequence[str]) -> float:
        """The share of the question, weighted by rarity, that these terms cover."""
        return sum(self._weights[term] for term in self._weights.keys() & set(terms)) / self._total

    def _holds_expected(self, candidate: Candidate) -> float:
        kind = self.question.type
        penalty = _POINTER_PENALTY if points_elsewhere(candidate.text) else 0.0
        penalty += _DEPENDENT_PENALTY if candidate.dependent else 0.0
        penalty += _CASE_PENALTY if is_special_case(candidate.text) and not is_special_case(self.question.text) else 0.0
        if kind in (QuestionType.LIST, QuestionType.HOW_TO):
            whole = _LIST_BONUS if candidate.list_items else 0.0
            whole -= _LIST_PENALTY if candidate.fragment else 0.0
            return whole + (_TYPE_BONUS if holds(kind, candidate.text) else 0.0) - penalty
        if candidate.fragment or candidate.list_items:
            penalty += _LIST_PENALTY
        if kind is QuestionType.DEFINITION and defines(self.question.terms, candidate.text):
            return _SUBJECT_BONUS - penalty
        return (_TYPE_BONUS if holds(kind, candidate.text) else 0.0) - penalty

    def _cosines(self, embedder: Embedder, first: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Cosine of the question and each candidate; -1 for those left out by the first, lexical look. None where the
        model cannot be reached: the words alone decide then."""
        cosines = np.full(len(self.pool), -1.0)
        looked_at = np.argsort(-first, kind="stable")[:_EMBEDDED]
        texts = [_in_context(self.pool[index]) for index in looked_at]
        # As queries: what is longer than the model reads may be cut here, it is not indexed.
        try:
            vectors = embedder.embed_queries([self.question.text, *texts])
        except Unavailable as error:
            log.warning("answer_without_embedding", error=str(error))
            return None
        cosines[looked_at] = vectors[1:] @ vectors[0]
        return cosines

    def support(self, chosen: Sequence[int]) -> float:
        """How well the chosen candidates support an answer, 0..1.

        A logistic model of four figures of the best candidate: its cosine, its own share of the question, the share of
        all that is shown, and that of its passage. Fitted so that questions whose paragraph was taken out of the corpus
        come out low (docs).
        """
        best = self.pool[chosen[0]]
        together = self._share(
            [term for index in chosen for term in (*self.pool[index].terms, *self.pool[index].context)]
        )
        passage = self._share([*analyze(best.evidence.hit.text), *best.context])
        own = float(self.coverage[chosen[0]])
        if self.semantic is not None:
            logit = 9.5 * float(self.semantic[chosen[0]]) + 2.6 * own + 1.6 * together + 6.1 * passage - 11.0
        else:
            logit = 5.2 * own + 0.8 * together + 8.3 * passage - 8.5
        return 1 / (1 + math.exp(-logit))


def _in_context(candidate: Candidate) -> str:
    return f"{candidate.lead}: {candidate.text}" if candidate.lead else candidate.text


def _choose(scores: _Scores, most: int) -> list[int]:
    """Indices of the chosen candidates, best first."""
    chosen: list[int] = []
    order = np.argsort(-scores.total, kind="stable")
    least = _WORTH * float(scores.total[order[0]])
    for index in order:
        if len(chosen) == most or scores.total[index] < least:
            break
        candidate = scores.pool[index]
        others = [scores.pool[other] for other in chosen]
        second_list = candidate.list_items and any(other.list_items for other in others)
        if not second_list and not any(_same(candidate, other) for other in others):
            chosen.append(int(index))
    return _with_antecedents(scores.pool, chosen, most)


def _with_antecedents(pool: Sequence[Candidate], chosen: list[int], most: int) -> list[int]:
    """The chosen and, while there is room, the sentence before one that begins with "It", "This" or "However"."""
    places = {(candidate.evidence.hit.chunk_id, candidate.position): index for index, candidate in enumerate(pool)}
    for index in tuple(chosen):
        candidate = pool[index]
        before = places.get((candidate.evidence.hit.chunk_id, candidate.position - 1))
        if candidate.dependent and before is not None and before not in chosen and len(chosen) < most:
            chosen.append(before)
    return chosen


def _same(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates overlap or say the same."""
    a, b = one.evidence, other.evidence
    if a.hit.source.id == b.hit.source.id and a.start < b.end and b.start < a.end:
        return True
    first, second = set(one.terms), set(other.terms)
    return bool(first or second) and len(first & second) >= _DUPLICATE * len(first | second)


def _reading_order(chosen: Sequence[Candidate]) -> list[Candidate]:
    """The best first, but what stands side by side in its passage stays in the order in which it is written.

    `chosen` are best first.
    """
    runs: list[list[Candidate]] = []
    for candidate in chosen:
        run = next((run for run in runs if any(_neighbours(candidate, other) for other in run)), None)
        if run is None:
            runs.append([candidate])
        else:
            run.append(candidate)
    return [candidate for run in runs for candidate in sorted(run, key=lambda it: it.evidence.start)]


def _neighbours(one: Candidate, other: Candidate) -> bool:
    same_passage = one.evidence.hit.chunk_id == other.evidence.hit.chunk_id
    return same_passage and abs(one.position - other.position) <= _SIDE_BY_SIDE
