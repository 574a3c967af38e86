"""Whether one way of searching is worse than another beyond noise: the same questions, asked both ways."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evals.metrics import mean, sign_test

TOLERANCE = 0.01
_SAMPLES = 10_000
_SEED = 20_261_124


@dataclass(frozen=True, slots=True)
class Verdict:
    """The paired comparison of a measure, now against before. `low` and `high` bound the difference of the means with
    95% confidence (percentile bootstrap over questions; Sakai, SIGIR 2006)."""

    queries: int
    before: float
    now: float
    difference: float
    low: float
    high: float
    better: int
    worse: int
    p: float
    passed: bool

    def as_dict(self) -> dict[str, Any]:
        """The same, rounded, for JSON."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def judge(before: Mapping[str, float], now: Mapping[str, float], tolerance: float = TOLERANCE) -> Verdict:
    """Compare over the questions that both have. It does not pass when the mean has fallen by more than `tolerance` and
    the fall is no accident of these questions: even the upper bound of the difference is below 0."""
    shared = sorted(set(before) & set(now))
    old, new = [before[id_] for id_ in shared], [now[id_] for id_ in shared]
    differences = np.asarray(new) - np.asarray(old)
    low = high = 0.0
    if shared:
        # One question at a time of memory: samples x questions would be hundreds of megabytes for a large set.
        random = np.random.default_rng(_SEED)
        means = np.asarray([differences[random.integers(0, len(shared), len(shared))].mean() for _ in range(_SAMPLES)])
        low, high = (float(value) for value in np.percentile(means, [2.5, 97.5]))
    better, worse = int((differences > 1e-9).sum()), int((differences < -1e-9).sum())
    difference = mean(new) - mean(old)
    return Verdict(
        len(shared),
        mean(old),
        mean(new),
        difference,
        low,
        high,
        better,
        worse,
        sign_test(better, worse),
        not (difference < -tolerance and high < 0),
    )
