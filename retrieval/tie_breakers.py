"""What decides between passages that answer about equally well: how new their source is, and how often it is opened.

Both are mild: they move neighbours, and can be switched off (`search_recency_weight`, `search_usage_weight`).
"""

import math

from core_api.infra.settings import Settings
from core_api.models import utcnow
from retrieval.catalogue import Catalogue, microseconds
from retrieval.explanation import Step
from retrieval.fusion import Candidate
from retrieval.usage import Usage

# Only what may come on the first pages.
_SETTLED = 50
_HALF_LIFE_DAYS = 365
# So many searches that a source was opened from count all that use can.
_MANY_SEARCHES = 50

_DAY = 86_400_000_000  # in microseconds


def room_for(settings: Settings) -> float:
    """What the tie-breakers can add to a score."""
    return settings.search_recency_weight + settings.search_usage_weight


def settled(catalogue: Catalogue, usage: Usage, settings: Settings, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates with the first of them in the order that novelty and use give those that are about as good."""
    newer, used = settings.search_recency_weight, settings.search_usage_weight
    first = candidates[:_SETTLED]
    if len(first) < 2 or not (newer or used):
        return candidates
    now = microseconds(utcnow())
    updated = catalogue.dates({_source(candidate) for candidate in first}) if newer else {}
    searches = usage.searches if used else {}
    moved = []
    for candidate in first:
        source = _source(candidate)
        if source in updated:
            days = max(0, now - updated[source]) / _DAY
            change = newer * 0.5 ** (days / _HALF_LIFE_DAYS)
            candidate = candidate.moved(Step("recency", change, f"Its source was changed {days:.0f} days ago."))
        if count := searches.get(source):
            change = used * min(1.0, math.log1p(count) / math.log1p(_MANY_SEARCHES))
            candidate = candidate.moved(Step("usage", change, "People who searched have opened its source."))
        moved.append(candidate)
    moved.sort(key=lambda candidate: (-candidate.score, candidate.chunk_id))
    return moved + candidates[_SETTLED:]


def _source(candidate: Candidate) -> str:
    return candidate.chunk_id.rpartition(":")[0]
