"""Joins what the legs found into one ranking.

Reciprocal rank fusion (Cormack et al., 2009) forgets how sure a leg is: measured here it fell behind BM25 alone on
SQuAD and ruined Korean, which the default embedding model cannot read. So scores are scaled to 0..1 and averaged with
weights (Bruch et al., "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023), and every candidate gets
every score, whichever leg found it:

- words: BM25, with what neighbouring words add, by the best of the candidates;
- coverage: the share of the query's words that the passage has, each counted by its rarity. BM25 forgives a missing
  word when another comes often; whoever asks does not;
- meaning: the cosine of the question with the passage, scaled from four standard deviations below the best candidate,
  which asks nothing of a model's habits;
- feedback (Rocchio, 1971): the question moves towards the two best passages so far, and meaning is judged again.

docs/search.md has what each is worth on four test collections, and what was tried and left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrieval.explanation import Explanation, LegPart, Step
from retrieval.keywords import Support

Vector = NDArray[np.float32]
_Scores = NDArray[np.float64]

# The candidates by which scales are set: the best of each leg, so that to look deeper changes nobody's score.
_CORE = 100
_SPREAD = 4.0
_SEEDS = 2
_FEEDBACK = 0.6


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts."""

    words: float = 0.20
    coverage: float = 0.30
    meaning: float = 0.35


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of the candidates: the legs' own scores of what they found, the support of words for all
    candidates, and the vectors of the question (None: meaning is not asked) and of those candidates that have one."""

    keyword: Mapping[str, float]
    semantic: Mapping[str, float]
    support: Mapping[str, Support]
    question: Vector | None
    vectors: Mapping[str, Vector]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk with its score (0..1), the scores of the legs that found it, and why, where that was asked for."""

    chunk_id: str
    score: float
    scores: dict[str, float]
    explain: Explanation | None = None

    def moved(self, step: Step) -> "Candidate":
        """The candidate after one more step."""
        explain = None if self.explain is None else self.explain.with_step(step)
        return replace(self, score=self.score + step.change, explain=explain)


def alone(name: str, scores: Mapping[str, float], *, explain: bool = False) -> list[Candidate]:
    """One leg by itself, best first. BM25 keeps its natural zero; cosines are scaled between the worst and the best."""
    ranked = _ranked(scores)
    if not ranked:
        return []
    top, bottom = scores[ranked[0]], 0.0 if name == "keyword" else scores[ranked[-1]]
    candidates = []
    for rank, chunk_id in enumerate(ranked, start=1):
        value = (scores[chunk_id] - bottom) / (top - bottom) if top > bottom else 1.0
        part = LegPart(rank, scores[chunk_id], value, 1.0)
        why = Explanation({name: part}, value, (), value) if explain else None
        candidates.append(Candidate(chunk_id, value, {name: scores[chunk_id]}, why))
    return candidates


def fuse(found: Found, weights: Weights, *, explain: bool = False) -> list[Candidate]:
    """All candidates of both legs, best first; ties in the order of their ids, so that a result can be repeated."""
    ids = sorted({*found.keyword, *found.semantic})
    if not ids:
        return []
    legs = {"keyword": _ranked(found.keyword), "semantic": _ranked(found.semantic)}
    best = {chunk_id for leg in legs.values() for chunk_id in leg[:_CORE]}
    core = np.array([chunk_id in best for chunk_id in ids])
    if found.question is None:
        weights = replace(weights, meaning=0.0)
    total = weights.words + weights.coverage + weights.meaning
    weights = Weights(weights.words / total, weights.coverage / total, weights.meaning / total)

    words = np.array([found.support[i].words if i in found.support else found.keyword.get(i, 0.0) for i in ids])
    coverage = np.array([found.support[i].coverage if i in found.support else 0.0 for i in ids])
    top = float(words[core].max())
    lexical = weights.words * words / (top or 1.0) + weights.coverage * coverage
    meaning, near = _meanings(found, ids, core, lexical, weights.meaning)
    final = np.minimum(1.0, lexical + weights.meaning * near)

    ranks = {name: {chunk_id: rank for rank, chunk_id in enumerate(leg, start=1)} for name, leg in legs.items()}
    candidates: list[Candidate] = []
    for row in sorted(range(len(ids)), key=lambda row: (-final[row], ids[row])):
        chunk_id = ids[row]
        scores = {
            name: scored[chunk_id]
            for name, scored in (("keyword", found.keyword), ("semantic", found.semantic))
            if chunk_id in scored
        }
        why = None
        if explain:
            scaled = {"keyword": scores.get("keyword", 0.0) / (top or 1.0), "semantic": float(meaning[row])}
            weight = {"keyword": weights.words, "semantic": weights.meaning}
            parts = {name: LegPart(ranks[name][chunk_id], scores[name], scaled[name], weight[name]) for name in scores}
            gains = {
                "proximity" if "keyword" in parts else "words": weights.words * (float(words[row]) / (top or 1.0))
                - _gain(parts.get("keyword")),
                "coverage": weights.coverage * float(coverage[row]),
                "meaning": weights.meaning * float(meaning[row]) - _gain(parts.get("semantic")),
                "feedback": weights.meaning * float(near[row] - meaning[row]),
            }
            why = _explained(parts, gains, float(coverage[row]))
        candidates.append(Candidate(chunk_id, float(final[row]), scores, why))
    return candidates


def _ranked(scores: Mapping[str, float]) -> list[str]:
    return sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))


def _meanings(
    found: Found, ids: Sequence[str], core: NDArray[np.bool_], lexical: _Scores, weight: float
) -> tuple[_Scores, _Scores]:
    """How near each candidate is to the question, scaled, before feedback and after; 0 for those without a vector."""
    nothing = np.zeros(len(ids))
    rows = [row for row, chunk_id in enumerate(ids) if chunk_id in found.vectors]
    if found.question is None or not rows:
        return nothing, nothing
    matrix = np.stack([found.vectors[ids[row]] for row in rows])

    def near(question: Vector) -> _Scores:
        # Not `@`: BLAS would take all cores for it.
        cosines = np.vecdot(matrix, question / max(float(np.linalg.norm(question)), 1e-12))
        scaled = nothing.copy()
        scaled[rows] = _scaled(cosines, cosines[core[rows]])
        return scaled

    before = near(found.question)
    score = (lexical + weight * before)[rows]
    order = sorted(range(len(rows)), key=lambda place: (-score[place], ids[rows[place]]))
    seeds = matrix[order[:_SEEDS]].mean(axis=0)
    return before, near(found.question + _FEEDBACK * seeds)


def _scaled(cosines: NDArray[np.float32], core: NDArray[np.float32]) -> _Scores:
    sample = core if len(core) else cosines
    top, spread = float(sample.max()), _SPREAD * float(sample.std())
    if spread < 1e-9:
        return np.ones(len(cosines))
    return np.clip((cosines.astype(np.float64) - (top - spread)) / spread, 0.0, 1.0)


def _gain(part: LegPart | None) -> float:
    return 0.0 if part is None else part.scaled * part.weight


def _explained(parts: dict[str, LegPart], gains: Mapping[str, float], coverage: float) -> Explanation:
    says = {
        "proximity": "Words of the query stand side by side.",
        "words": "It has words of the query, though others have more.",
        "coverage": f"It has {coverage:.0%} of the query's words, counted by their rarity.",
        "meaning": "Its meaning is near the question's, though others are nearer.",
        "feedback": "It is {} the best two passages than the question is.".format(
            "nearer to" if gains["feedback"] > 0 else "farther from"
        ),
    }
    fused = sum(_gain(part) for part in parts.values())
    steps = tuple(Step(name, change, says[name]) for name, change in gains.items() if abs(change) > 1e-6)
    return Explanation(parts, fused, steps, fused + sum(step.change for step in steps))
