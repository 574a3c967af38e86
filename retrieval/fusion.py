"""Joins the ranked lists of the legs by their scores.

Reciprocal rank fusion (Cormack et al., 2009) forgets how sure a leg is: measured here it fell behind BM25 alone on
SQuAD and ruined Korean, which the default embedding model cannot read. So each leg's scores are scaled to 0..1 and
averaged with weights (min-max fusion: Bruch et al., "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leg:
    """One ranked list: `scores` of chunk ids, any order. Its best score maps to 1 and `floor` to 0; None: its worst
    score is the floor. A candidate that the leg does not hold counts 0."""

    name: str
    scores: Mapping[str, float]
    weight: float
    floor: float | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk with its fused score (0..1) and the legs' own scores."""

    chunk_id: str
    score: float
    scores: dict[str, float]


def fuse(legs: Sequence[Leg]) -> list[Candidate]:
    """All chunks of all legs, best first; ties in the order of their ids, so that a result can be repeated."""
    total = sum(leg.weight for leg in legs)
    fused: dict[str, float] = {}
    for leg in legs:
        share = leg.weight / total if total else 0.0
        for chunk_id, value in normalised(leg.scores, leg.floor).items():
            fused[chunk_id] = fused.get(chunk_id, 0.0) + share * value
    candidates = [
        Candidate(chunk_id, min(1.0, score), {leg.name: leg.scores[chunk_id] for leg in legs if chunk_id in leg.scores})
        for chunk_id, score in fused.items()
    ]
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.chunk_id))


def normalised(scores: Mapping[str, float], floor: float | None = None) -> dict[str, float]:
    """Scores scaled so that the best is 1 and the floor 0; all 1 where they do not differ."""
    if not scores:
        return {}
    top = max(scores.values())
    bottom = min(scores.values()) if floor is None else floor
    if top <= bottom:
        return dict.fromkeys(scores, 1.0)
    return {chunk_id: max(0.0, (score - bottom) / (top - bottom)) for chunk_id, score in scores.items()}
