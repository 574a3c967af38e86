"""Measures of ranked retrieval, and the statistics that reports use.

`ranking` is a list of document ids, best first, without repetitions; `relevant` maps the ids of relevant documents to
their grade (> 0). All measures are in 0..1 and are averaged over queries by whoever calls.
"""

import math
from collections.abc import Mapping, Sequence


def ndcg(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """Normalised discounted cumulative gain: sum of grade / log2(rank + 1) over the first k, divided by that of the
    best possible ranking (Järvelin and Kekäläinen, 2002, with linear gain as in trec_eval's `ndcg_cut`)."""
    ideal = _dcg(sorted(relevant.values(), reverse=True)[:k])
    return _dcg([relevant.get(document, 0) for document in ranking[:k]]) / ideal if ideal else 0.0


def _dcg(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1))


def recall(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """The share of the relevant documents that is among the first k."""
    return sum(document in relevant for document in ranking[:k]) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], relevant: Mapping[str, int], k: int) -> float:
    """1 / rank of the first relevant document, 0 beyond rank k; its mean is MRR@k (Voorhees, 1999)."""
    for rank, document in enumerate(ranking[:k], start=1):
        if document in relevant:
            return 1 / rank
    return 0.0


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; 0 of nothing."""
    return math.fsum(values) / len(values) if values else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of the values lie, interpolated between neighbours (Hyndman and Fan's
    type 7, as numpy has it); 0 of nothing."""
    if not values:
        return 0.0
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def sign_test(better: int, worse: int) -> float:
    """The two-sided p-value of the sign test: how likely so uneven a split is if neither side were better."""
    count = better + worse
    if count == 0:
        return 1.0
    tail: float = sum(math.comb(count, i) for i in range(min(better, worse) + 1)) / 2**count
    return min(1.0, float(2 * tail))


def auroc(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """The area under the ROC curve: how likely a positive has a higher score than a negative, ties counted half
    (Hanley and McNeil, 1982). 0.5 where there are none of one kind."""
    positives = sum(positive)
    negatives = len(positive) - positives
    if not positives or not negatives:
        return 0.5
    order = sorted(range(len(scores)), key=lambda index: scores[index])
    ranks, start = 0.0, 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        # Ranks from 1; those of equal scores are shared.
        ranks += (start + 1 + end) / 2 * sum(positive[index] for index in order[start:end])
        start = end
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def calibration_error(probabilities: Sequence[float], happened: Sequence[bool], bins: int = 10) -> float:
    """The expected calibration error: by how much stated probabilities and what happened differ, over bins of equal
    width, each weighted by how many fall into it (Naeini et al., 2015). 0 of nothing."""
    groups: dict[int, list[int]] = {}
    for index, probability in enumerate(probabilities):
        groups.setdefault(min(bins - 1, int(probability * bins)), []).append(index)
    gaps = (abs(sum(probabilities[index] - happened[index] for index in group)) for group in groups.values())
    return math.fsum(gaps) / len(probabilities) if probabilities else 0.0
