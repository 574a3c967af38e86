"""What was opened from searches, as ranking knows it."""

from datetime import timedelta

import pytest

from core_api.infra.database import Database
from core_api.models import SearchClick, SearchLog, utcnow
from retrieval.usage import Usage
from tests.retrieval.library import Library

pytestmark = pytest.mark.one_mode


def opened(database: Database, user_id: str, *sources: str, days_ago: int = 0) -> None:
    """One search, and what was opened from it."""
    with database.transaction() as session:
        log = SearchLog(user_id=user_id, query="roof", normalised="roof", mode="hybrid", hits=3, took_ms=1.0)
        session.add(log)
        session.flush()
        for source in sources:
            click = SearchClick(search_id=log.id, chunk_id=f"document:{source}:0", source_kind="document")
            click.source_id, click.position = source, 1
            click.clicked_at = utcnow() - timedelta(days=days_ago)
            session.add(click)


def test_searches_of_half_a_year_count_once_each(library: Library) -> None:
    kim = library.person().user_id
    opened(library.database, kim, "roof", "roof", "wall")
    opened(library.database, kim, "roof")
    opened(library.database, kim, "roof", "door", days_ago=181)
    usage = Usage()
    with library.database.reading() as session:
        usage.count(session)
    assert usage.searches == {"document:roof": 2, "document:wall": 1}


def test_counting_takes_a_hundredth_of_the_time_at_most(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    now, takes = 1_000.0, 0.0

    def clock() -> float:
        nonlocal now
        now += takes
        return now

    monkeypatch.setattr("retrieval.usage.time.monotonic", clock)
    usage = Usage()
    assert usage.is_due
    for seconds in (0.0, 2.0):
        takes = seconds
        with library.database.reading() as session:
            usage.count(session)
        takes, least = 0.0, max(60.0, 100 * seconds)
        now += least - 1
        assert not usage.is_due
        now += 1
        assert usage.is_due
