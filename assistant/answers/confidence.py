"""How sure an answer is: the probability that it is right, and the word for that."""

import math
from collections.abc import Mapping, Sequence

from assistant.answers.scoring import Scored
from assistant.types import Confidence
from retrieval.analyzer import analyze

# A logistic regression on figures of the sentences shown and of the passage of the best. It was fitted on XQuAD, over
# the whole collection and without half of its paragraphs, cross-validated over articles, and checked on KorQuAD, of
# which it has seen nothing (docs/decisions/2026-11-28-answers-ranked-and-confidence-fitted.md).
MODEL: Mapping[str, float] = {
    "constant": -7.5,
    "share": 1.2,
    "shown": 2.5,
    "passage": 3.8,
    "cosine": 7.7,
}
MODEL_BY_WORDS: Mapping[str, float] = {
    "constant": -5.6,
    "share": 1.35,
    "shown": 1.1,
    "passage": 5.7,
    "lead": 3.0,
}

# Below this nothing is said. From 0.8 an answer is called sure, from 0.5 likely.
_LEAST = 0.1


def confidence_of(support: float) -> Confidence:
    """The word for a probability of being right."""
    if support >= 0.8:
        return Confidence.HIGH
    if support >= 0.5:
        return Confidence.MEDIUM
    if support >= _LEAST:
        return Confidence.LOW
    return Confidence.NONE


def support_of(scored: Scored, chosen: Sequence[int]) -> float:
    """The probability, 0..1, that the chosen candidates (best first) hold the answer."""
    model = MODEL_BY_WORDS if scored.cosine is None else MODEL
    figures = support_figures(scored, chosen)
    return 1 / (1 + math.exp(-sum(weight * figures[name] for name, weight in model.items())))


def support_figures(scored: Scored, chosen: Sequence[int]) -> dict[str, float]:
    """What speaks for an answer, and 1 for the constant."""
    best = chosen[0]
    pool, hit = scored.pool, scored.pool[best].evidence.hit
    shown = [term for index in chosen for term in (*pool[index].terms, *pool[index].context)]
    return {
        "constant": 1.0,
        "share": scored.figure("share", best),
        "shown": scored.share(shown),
        "passage": scored.share([*analyze(hit.text), *pool[best].context]),
        "lead": _lead(scored, best),
        "cosine": scored.figure("cosine", best),
    }


def _lead(scored: Scored, best: int) -> float:
    """The probability of the best among all, were one of them right."""
    scores = scored.total - scored.total[best]
    return float(1 / sum(math.exp(min(0.0, float(score))) for score in scores))
