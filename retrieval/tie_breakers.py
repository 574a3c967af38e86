"""What decides between passages that answer about equally well: how new their source is, and how often it is opened.

Both are mild: they move neighbours, and can be switched off (`search_recency_weight`, `search_usage_weight`).
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from core_api.infra.settings import Settings
from core_api.models import SearchClick, utcnow
from retrieval.explanation import Step
from retrieval.fusion import Candidate
from retrieval.id_lists import bound, one_of
from retrieval.sources import SOURCE_KINDS

# Only what may come on the first pages is worth two queries.
_SETTLED = 50
_HALF_LIFE_DAYS = 365
_CLICKS_FOR = timedelta(days=180)
# So many clicks count all that clicks can.
_MANY_CLICKS = 50

_Source = tuple[str, str]


def room_for(settings: Settings) -> float:
    """What the tie-breakers can add to a score."""
    return settings.search_recency_weight + settings.search_usage_weight


def settled(session: Session, settings: Settings, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates with the first of them in the order that novelty and use give those that are about as good."""
    recency, usage = settings.search_recency_weight, settings.search_usage_weight
    first = candidates[:_SETTLED]
    if len(first) < 2 or not (recency or usage):
        return candidates
    now = utcnow()
    sources = sorted({_source(candidate) for candidate in first})
    updated = _updated(session, sources) if recency else {}
    clicks = _clicks(session, sources, now - _CLICKS_FOR) if usage else {}
    moved = []
    for candidate in first:
        source = _source(candidate)
        if source in updated:
            days = max(0.0, (now - updated[source]).total_seconds() / 86_400)
            change = recency * 0.5 ** (days / _HALF_LIFE_DAYS)
            candidate = candidate.moved(Step("recency", change, f"Its source was changed {days:.0f} days ago."))
        if count := clicks.get(source):
            change = usage * min(1.0, math.log1p(count) / math.log1p(_MANY_CLICKS))
            candidate = candidate.moved(Step("usage", change, "People who searched have opened its source."))
        moved.append(candidate)
    moved.sort(key=lambda candidate: (-candidate.score, candidate.chunk_id))
    return moved + candidates[_SETTLED:]


def _source(candidate: Candidate) -> _Source:
    kind, source_id = candidate.chunk_id.split(":")[:2]
    return kind, source_id


def _updated(session: Session, sources: Sequence[_Source]) -> dict[_Source, datetime]:
    ids: dict[str, list[str]] = defaultdict(list)
    for kind, source_id in sources:
        ids[kind].append(source_id)
    found: dict[_Source, datetime] = {}
    for name, source_ids in ids.items():
        if name in SOURCE_KINDS:
            rows = session.execute(_dates(name), bound(source_ids))
            found.update({(name, source_id): updated_at for source_id, updated_at in rows})
    return found


def _clicks(session: Session, sources: Sequence[_Source], since: datetime) -> dict[_Source, int]:
    rows = session.execute(_COUNTS, {"since": since, **bound(source_id for _, source_id in sources)})
    return {(kind, source_id): count for kind, source_id, count in rows}


@cache
def _dates(name: str) -> Select[str, datetime]:
    kind = SOURCE_KINDS[name]
    return select(kind.id, kind.updated_at).where(one_of(kind.id))


_COUNTS = (
    select(SearchClick.source_kind, SearchClick.source_id, func.count(SearchClick.search_id.distinct()))
    .where(one_of(SearchClick.source_id), SearchClick.clicked_at >= bindparam("since"))
    .group_by(SearchClick.source_kind, SearchClick.source_id)
)
