"""Which sentences of the passages answer the question, in which order, and how sure that is.

The scores of sentences are those of assistant.answers.scoring, the probability that the answer is right that of
assistant.answers.confidence. Measured over whole collections, the sentences chosen hold the gold answer for 94% of
XQuAD-en's questions (docs/decisions/2026-11-28-answers-ranked-and-confidence-fitted.md).
"""

import re
from collections.abc import Sequence

import numpy as np

from assistant.answers.candidates import Candidate, candidates
from assistant.answers.comparison import compare
from assistant.answers.confidence import confidence_of, support_of
from assistant.answers.questions import Question
from assistant.answers.scoring import Scored, TermWeights
from assistant.answers.stretches import choose_stretches, stretch_evidence, told_at_length
from assistant.types import Confidence, Selection
from retrieval.embedding import Embedder
from retrieval.types import Hit

_MOST_SENTENCES = 3
# A further sentence is shown where it is not this much less likely to be the answer than the best: exp(4) times.
_MARGIN = 4.0
_DUPLICATE = 0.8
# What a further sentence gains by each part of the question that the others leave out (0..1 of it, by rarity): of
# "the difference between A and B" both sides are shown.
_NEW = 2.0
_LATER_STEP = re.compile(
    r"(?:[-*•]\s*|\d+[.)]\s*)?(?:then|next|after that|finally|그\s?다음|이어서|마지막으로)\b", re.IGNORECASE
)


def select(question: Question, hits: Sequence[Hit], *, embedder: Embedder | None, weights: TermWeights) -> Selection:
    """The at most three sentences (or whole lists) that answer best, the best first; none where nothing supports an
    answer. `hits` are the passages found, best first. Without an embedder the words alone decide. Where the question
    asks what people think or said, stretches of what was said; where it compares, a sentence for each side."""
    if question.sides:
        compared = compare(question, hits, embedder=embedder, weights=weights)
        if compared is not None:
            return compared
    pool = candidates(hits)
    if not pool or not question.terms:
        return Selection((), 0.0, Confidence.NONE)
    scored = Scored(question, pool, hits, embedder, weights)
    if told_at_length(scored, hits):
        stretches = choose_stretches(scored)
        best = int(scored.total.argmax())
        chosen = [best, *(index for stretch in stretches for index in stretch if index != best)]
        evidence = [one for stretch in stretches for one in stretch_evidence(pool, stretch)]
    else:
        chosen = _choose(scored)
        evidence = [pool[index].evidence for index in _in_order(pool, chosen)]
    support = support_of(scored, chosen)
    confidence = confidence_of(support)
    if confidence is Confidence.NONE:
        return Selection((), support, confidence)
    return Selection(tuple(evidence), support, confidence)


def _choose(scored: Scored) -> list[int]:
    """Indices of the chosen candidates, the best first."""
    order = [int(index) for index in np.argsort(-scored.total, kind="stable")]
    least = float(scored.total[order[0]]) - _MARGIN
    chosen, left = [order[0]], order[1 : 2 * _MOST_SENTENCES + 6]
    said = frozenset(scored.pool[order[0]].terms)
    while left and len(chosen) < _MOST_SENTENCES:
        gains = {index: _gain(scored, said, index) for index in left}
        best = max(left, key=gains.__getitem__)
        if gains[best] < least:
            break
        left.remove(best)
        candidate, others = scored.pool[best], [scored.pool[other] for other in chosen]
        second_list = candidate.list_items and any(other.list_items for other in others)
        if not second_list and not any(_same(candidate, other) for other in others):
            chosen.append(best)
            said |= frozenset(candidate.terms)
    return _with_antecedents(scored.pool, chosen)


def _gain(scored: Scored, said: frozenset[str], index: int) -> float:
    new = frozenset(scored.pool[index].terms) - said
    return float(scored.total[index]) + _NEW * scored.share(new)


def _with_antecedents(pool: Sequence[Candidate], chosen: list[int]) -> list[int]:
    """The chosen and, while there is room, the sentence before one that begins with "It", "This" or "However"."""
    places = {(candidate.evidence.hit.chunk_id, candidate.position): index for index, candidate in enumerate(pool)}
    for index in tuple(chosen):
        candidate = pool[index]
        before = places.get((candidate.evidence.hit.chunk_id, candidate.position - 1))
        if candidate.dependent and before is not None and before not in chosen and len(chosen) < _MOST_SENTENCES:
            chosen.append(before)
    return chosen


def _same(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates overlap or say the same."""
    if one.evidence.overlaps(other.evidence):
        return True
    first, second = set(one.terms), set(other.terms)
    return bool(first or second) and len(first & second) >= _DUPLICATE * len(first | second)


def _in_order(pool: Sequence[Candidate], chosen: Sequence[int]) -> list[int]:
    """The best first, since it answers; then passage by passage, each in the order in which it is written. A step that
    begins with "Then" stays where it is."""
    step = _LATER_STEP.match(pool[chosen[0]].text) is not None
    passages = list(dict.fromkeys(pool[index].evidence.hit.chunk_id for index in chosen))

    def place(index: int) -> tuple[bool, int, int]:
        evidence = pool[index].evidence
        return not step and index != chosen[0], passages.index(evidence.hit.chunk_id), evidence.start

    return sorted(chosen, key=place)
