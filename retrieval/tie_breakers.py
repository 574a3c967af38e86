"""What decides between passages that answer about equally well: how new their source is, and how often it is opened.

Both are mild: they move neighbours, and can be switched off (`search_recency_weight`, `search_usage_weight`).
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from core_api.infra.settings import Settings
from core_api.models import SearchClick, utcnow
from retrieval.catalogue import Catalogue, microseconds
from retrieval.explanation import Step
from retrieval.fusion import Candidate
from retrieval.id_lists import bound, one_of
from retrieval.keywords import source_term

# Only what may come on the first pages is worth a query.
_SETTLED = 50
_HALF_LIFE_DAYS = 365
_CLICKS_FOR = timedelta(days=180)
# So many clicks count all that clicks can.
_MANY_CLICKS = 50

_DAY = 86_400_000_000  # in microseconds


def room_for(settings: Settings) -> float:
    """What the tie-breakers can add to a score."""
    return settings.search_recency_weight + settings.search_usage_weight


def settled(session: Session, catalogue: Catalogue, settings: Settings, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates with the first of them in the order that novelty and use give those that are about as good."""
    recency, usage = settings.search_recency_weight, settings.search_usage_weight
    first = candidates[:_SETTLED]
    if len(first) < 2 or not (recency or usage):
        return candidates
    now = utcnow()
    sources = sorted({_source(candidate) for candidate in first})
    updated = catalogue.dates(sources) if recency else {}
    clicks = _clicks(session, sources, now - _CLICKS_FOR) if usage else {}
    moved = []
    for candidate in first:
        source = _source(candidate)
        if source in updated:
            days = max(0, microseconds(now) - updated[source]) / _DAY
            change = recency * 0.5 ** (days / _HALF_LIFE_DAYS)
            candidate = candidate.moved(Step("recency", change, f"Its source was changed {days:.0f} days ago."))
        if count := clicks.get(source):
            change = usage * min(1.0, math.log1p(count) / math.log1p(_MANY_CLICKS))
            candidate = candidate.moved(Step("usage", change, "People who searched have opened its source."))
        moved.append(candidate)
    moved.sort(key=lambda candidate: (-candidate.score, candidate.chunk_id))
    return moved + candidates[_SETTLED:]


def _source(candidate: Candidate) -> str:
    return candidate.chunk_id.rpartition(":")[0]


def _clicks(session: Session, sources: Sequence[str], since: datetime) -> dict[str, int]:
    ids = (source.partition(":")[2] for source in sources)
    rows = session.execute(_COUNTS, {"since": since, **bound(ids)})
    return {source_term(kind, source_id): count for kind, source_id, count in rows}


_COUNTS = (
    select(SearchClick.source_kind, SearchClick.source_id, func.count(SearchClick.search_id.distinct()))
    .where(one_of(SearchClick.source_id), SearchClick.clicked_at >= bindparam("since"))
    .group_by(SearchClick.source_kind, SearchClick.source_id)
)
