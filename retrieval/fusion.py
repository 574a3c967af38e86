"""Joins what the legs found into one ranking.

Reciprocal rank fusion (Cormack et al., 2009) forgets how sure a leg is: measured here it fell behind BM25 alone on
SQuAD and ruined Korean, which the default embedding model cannot read. So scores are scaled to 0..1 and averaged with
weights (Bruch et al., "An Analysis of Fusion Functions for Hybrid Retrieval", TOIS 2023): those of the legs give a
shortlist, and everything on it gets every score, whichever leg found it:

- words: BM25, with what neighbouring words add, by the best of the candidates;
- coverage: the share of the query's words that the passage has, each counted by its rarity. BM25 forgives a missing
  word when another comes often; whoever asks does not;
- meaning: the cosine of the question with the passage, scaled from 3.75 standard deviations below the best candidate,
  which asks nothing of a model's habits;
- feedback (Rocchio, 1971): the question moves towards the two best passages so far, and meaning is judged again.

docs/search.md has what each is worth on four test collections, and what was tried and left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from retrieval.explanation import Explanation, LegPart, Step
from retrieval.keywords import Support

Vector = NDArray[np.float32]
_Scores = NDArray[np.float64]

# Of each leg the best so many make the scales and the shortlist: to look deeper changes nobody's score.
_CORE = 100
_SHORTLIST = 120
_SPREAD = 3.75
_SEEDS = 2
_FEEDBACK = 0.6


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each kind of evidence counts."""

    words: float = 0.20
    coverage: float = 0.30
    meaning: float = 0.35


@dataclass(frozen=True)
class Legs:
    """The legs' own scores of what they found, by chunk id: BM25, cosine."""

    keyword: Mapping[str, float]
    semantic: Mapping[str, float]

    @cached_property
    def ranked(self) -> tuple[list[str], list[str]]:
        """The ids of each leg, best first."""
        return _ranked(self.keyword), _ranked(self.semantic)

    @cached_property
    def scaled(self) -> tuple[dict[str, float], dict[str, float]]:
        """The scores of each leg, scaled by its best so many."""
        return _scaled_leg(self.keyword, self.ranked[0], 0.0), _scaled_leg(self.semantic, self.ranked[1])

    @cached_property
    def first_scores(self) -> dict[str, float]:
        """The legs' scaled scores, in equal parts."""
        return _halves(*self.scaled)

    @cached_property
    def shortlist(self) -> list[str]:
        """The ids that are worth a closer look, by the legs' scores alone, best first."""
        if len(self.keyword) <= _CORE and len(self.semantic) <= _CORE:
            return _ranked(self.first_scores)[:_SHORTLIST]
        core = ({id_: leg[id_] for id_ in ids[:_CORE]} for leg, ids in zip(self.scaled, self.ranked, strict=True))
        return _ranked(_halves(*core))[:_SHORTLIST]


def _scaled_leg(leg: Mapping[str, float], ranked: Sequence[str], floor: float | None = None) -> dict[str, float]:
    """Between the worst of the best so many, or `floor`, and the best."""
    if not leg:
        return {}
    best = ranked[:_CORE]
    top, bottom = leg[best[0]], leg[best[-1]] if floor is None else floor
    if top <= bottom:
        return dict.fromkeys(leg, 1.0)
    return {chunk_id: max(0.0, (score - bottom) / (top - bottom)) for chunk_id, score in leg.items()}


def _halves(keyword: Mapping[str, float], semantic: Mapping[str, float]) -> dict[str, float]:
    first = {chunk_id: scaled / 2 for chunk_id, scaled in keyword.items()}
    for chunk_id, scaled in semantic.items():
        first[chunk_id] = first.get(chunk_id, 0.0) + scaled / 2
    return first


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the shortlist besides: the support of words, the vector of the question (None: meaning is not
    asked), and those of the chunks that have one."""

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
        return Candidate(self.chunk_id, self.score + step.change, self.scores, explain)


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


def fuse(
    legs: Legs, evidence: Evidence, weights: Weights, *, room: float = 0.0, explain: bool = False
) -> list[Candidate]:
    """All candidates of both legs, best first; ties in the order of their ids, so that a result can be repeated.

    What is not on the shortlist follows it in the order of the legs' scores. Of the scores, which are 1 at most, `room`
    is left for what comes later.
    """
    ids = legs.shortlist
    if not ids:
        return []
    if evidence.question is None:
        weights = replace(weights, meaning=0.0)
    total = (weights.words + weights.coverage + weights.meaning) / (1.0 - room)
    weights = Weights(weights.words / total, weights.coverage / total, weights.meaning / total)
    nothing = Support(0.0, 0.0, 0.0)
    support = [evidence.support.get(chunk_id, nothing) for chunk_id in ids]
    bm25 = np.array([legs.keyword.get(i, said.words) for i, said in zip(ids, support, strict=True)])
    words = bm25 + np.array([said.proximity for said in support])
    top = float(words.max()) or 1.0
    coverage = np.array([said.coverage for said in support])
    lexical = weights.words * words / top + weights.coverage * coverage
    before, after = _meanings(evidence, ids, lexical, weights.meaning)
    final = np.minimum(1.0 - room, lexical + weights.meaning * after).tolist()

    explained = None
    if explain:
        ranks = [{id_: rank for rank, id_ in enumerate(ranked, 1)} for ranked in legs.ranked]
        explained = _Explained(weights, ranks[0], ranks[1], top)
    candidates = []
    for row in sorted(range(len(ids)), key=lambda row: (-final[row], ids[row])):
        own = _own_scores(legs, ids[row])
        why = None
        if explained is not None:
            figures = _Figures(bm25[row], words[row], coverage[row], before[row], after[row])
            why = explained.of(ids[row], own, figures)
        candidates.append(Candidate(ids[row], final[row], own, why))
    return candidates + _rest(legs, set(ids), candidates[-1].score, explain=explain)


def _rest(legs: Legs, taken: set[str], below: float, *, explain: bool) -> list[Candidate]:
    first = {chunk_id: score for chunk_id, score in legs.first_scores.items() if chunk_id not in taken}
    candidates = []
    for chunk_id in _ranked(first):
        score = below * first[chunk_id]  # first scores are 1 at most
        candidates.append(Candidate(chunk_id, score, _own_scores(legs, chunk_id)))
    return [_explained_rest(legs, one, below) for one in candidates] if explain else candidates


def _explained_rest(legs: Legs, candidate: Candidate, below: float) -> Candidate:
    parts = {
        name: LegPart(ranked.index(candidate.chunk_id) + 1, own, scaled[candidate.chunk_id], below / 2)
        for (name, ranked, scaled) in zip(("keyword", "semantic"), legs.ranked, legs.scaled, strict=True)
        if (own := candidate.scores.get(name)) is not None
    }
    return replace(candidate, explain=Explanation(parts, candidate.score, (), candidate.score))


def _own_scores(legs: Legs, chunk_id: str) -> dict[str, float]:
    own = {}
    if (score := legs.keyword.get(chunk_id)) is not None:
        own["keyword"] = score
    if (score := legs.semantic.get(chunk_id)) is not None:
        own["semantic"] = score
    return own


def _ranked(scores: Mapping[str, float]) -> list[str]:
    return [chunk_id for _, chunk_id in sorted([(-score, chunk_id) for chunk_id, score in scores.items()])]


def _meanings(evidence: Evidence, ids: Sequence[str], lexical: _Scores, weight: float) -> tuple[_Scores, _Scores]:
    """How near each candidate is to the question, scaled, before feedback and after; 0 for those without a vector."""
    nothing = np.zeros(len(ids))
    rows = [row for row, chunk_id in enumerate(ids) if chunk_id in evidence.vectors]
    if evidence.question is None or not rows:
        return nothing, nothing
    matrix = np.stack([evidence.vectors[ids[row]] for row in rows])

    def near(question: Vector) -> _Scores:
        # Not `@`: BLAS would take all cores for it.
        scaled = nothing.copy()
        scaled[rows] = _scaled(np.vecdot(matrix, question / max(float(np.linalg.norm(question)), 1e-12)))
        return scaled

    before = near(evidence.question)
    score = (lexical + weight * before)[rows]
    order = sorted(range(len(rows)), key=lambda place: (-score[place], ids[rows[place]]))
    seeds = matrix[order[:_SEEDS]].mean(axis=0)
    return before, near(evidence.question + _FEEDBACK * seeds)


def _scaled(cosines: NDArray[np.float32]) -> _Scores:
    top, spread = float(cosines.max()), _SPREAD * float(cosines.std())
    if spread < 1e-9:
        return np.ones(len(cosines))
    return np.clip((cosines.astype(np.float64) - (top - spread)) / spread, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Figures:
    bm25: float
    words: float
    coverage: float
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class _Explained:
    """Tells how scores came about."""

    weights: Weights
    keyword_ranks: Mapping[str, int]
    semantic_ranks: Mapping[str, int]
    top: float

    def of(self, chunk_id: str, own: Mapping[str, float], figures: _Figures) -> Explanation:
        weights, legs = self.weights, {}
        if "keyword" in own:
            scaled = own["keyword"] / self.top
            legs["keyword"] = LegPart(self.keyword_ranks[chunk_id], own["keyword"], scaled, weights.words)
        if "semantic" in own:
            rank = self.semantic_ranks[chunk_id]
            legs["semantic"] = LegPart(rank, own["semantic"], float(figures.before), weights.meaning)
        steps = [
            Step(
                "coverage",
                weights.coverage * float(figures.coverage),
                f"It has {figures.coverage:.0%} of the query's words, counted by their rarity.",
            ),
            Step(
                "proximity",
                weights.words * float(figures.words - figures.bm25) / self.top,
                "Words of the query stand side by side in it.",
            ),
            Step(
                "feedback",
                weights.meaning * float(figures.after - figures.before),
                "It is nearer to the two best passages than to the question."
                if figures.after > figures.before
                else "It is farther from the two best passages than from the question.",
            ),
        ]
        if "keyword" not in legs:
            change = weights.words * float(figures.bm25) / self.top
            steps.append(Step("words", change, "It has words of the query, though others have more."))
        if "semantic" not in legs:
            change = weights.meaning * float(figures.before)
            steps.append(Step("meaning", change, "Its meaning is near the question's, though others are nearer."))
        told = tuple(step for step in steps if abs(step.change) > 1e-6)
        fused = sum(part.scaled * part.weight for part in legs.values())
        return Explanation(legs, fused, told, fused + sum(step.change for step in told))
