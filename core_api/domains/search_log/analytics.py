"""How well search serves people, in numbers that expose nobody's own words."""

from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select
from sqlalchemy.orm import Session

from core_api.domains.search_log.schemas import Counts, Day, FailingQuery, SearchAnalytics, TopQuery
from core_api.models import SearchClick, SearchLog, utcnow

PEOPLE_AT_LEAST = 3
"""A query is shown only when so many people have typed it."""
_SHOWN = 20


def analyse(session: Session, days: int, now: datetime | None = None) -> SearchAnalytics:
    """The searches of the last days."""
    since = (now or utcnow()) - timedelta(days=days)
    recent = SearchLog.asked_at >= since
    count, people, opened, empty = session.execute(
        select(func.count(), func.count(SearchLog.user_id.distinct()), _sum(_OPENED), _sum(_EMPTY)).where(recent)
    ).one()
    known = _by_query(recent).having(func.count(SearchLog.user_id.distinct()) >= PEOPLE_AT_LEAST).subquery()
    shown_queries, shown_searches = session.execute(
        select(func.count(), func.coalesce(func.sum(known.c.searches), 0)).select_from(known)
    ).one()
    queries = session.scalar(select(func.count(SearchLog.normalised.distinct())).where(recent)) or 0
    failures = known.c.searches - known.c.opened
    top = session.execute(select(known).order_by(known.c.searches.desc(), known.c.query).limit(_SHOWN)).all()
    failing = session.execute(
        select(known)
        .where(failures > 0)
        .order_by(failures.desc(), known.c.opened * 1.0 / known.c.searches, known.c.query)
        .limit(_SHOWN)
    ).all()
    return SearchAnalytics(
        days=days,
        searches=count,
        people=people,
        success_rate=_share(opened, count),
        zero_results_rate=_share(empty, count),
        abandoned_rate=_share(count - opened - empty, count),
        median_ms=_time_at(session, recent, count, 0.5),
        p95_ms=_time_at(session, recent, count, 0.95),
        by_day=_by_day(session, recent),
        top=[TopQuery(query=q.query, searches=q.searches, success_rate=_share(q.opened, q.searches)) for q in top],
        failing=[
            FailingQuery(
                query=q.query, searches=q.searches, zero_results=q.empty, abandoned=q.searches - q.opened - q.empty
            )
            for q in failing
        ],
        rare=Counts(queries=queries - shown_queries, searches=count - shown_searches),
    )


_OPENED = exists(select(1).where(SearchClick.search_id == SearchLog.id).correlate(SearchLog))
# What was opened was found, whatever the search has counted.
_EMPTY = and_(SearchLog.hits == 0, ~_OPENED)


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _by_query(recent: ColumnElement[bool]) -> Select[str, int, int, int]:
    return (
        select(
            SearchLog.normalised.label("query"),
            func.count().label("searches"),
            _sum(_OPENED).label("opened"),
            _sum(_EMPTY).label("empty"),
        )
        .where(recent)
        .group_by(SearchLog.normalised)
    )


def _by_day(session: Session, recent: ColumnElement[bool]) -> list[Day]:
    # SQLite keeps times in UTC; PostgreSQL shows them in the zone of its session.
    postgresql = session.get_bind().dialect.name == "postgresql"
    day = func.date(func.timezone("UTC", SearchLog.asked_at) if postgresql else SearchLog.asked_at)
    rows = session.execute(select(day, func.count(), _sum(_OPENED)).where(recent).group_by(day).order_by(day))
    return [
        Day(
            day=found if isinstance(found, date) else date.fromisoformat(str(found)),
            searches=count,
            success_rate=_share(opened, count),
        )
        for found, count, opened in rows
    ]


def _time_at(session: Session, recent: ColumnElement[bool], count: int, share: float) -> float | None:
    if not count:
        return None
    row = select(SearchLog.took_ms).where(recent).order_by(SearchLog.took_ms)
    value = session.scalar(row.offset(min(count - 1, int(share * count))).limit(1))
    return None if value is None else round(value, 1)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
