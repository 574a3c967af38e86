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
        usage.refresh(session)
    assert usage.searches == {"document:roof": 2, "document:wall": 1}


def test_counting_takes_a_hundredth_of_the_time_at_most(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    kim = library.person().user_id
    now, step = 1_000.0, 0.0

    def clock() -> float:
        nonlocal now
        now += step
        return now

    monkeypatch.setattr("retrieval.usage.time.monotonic", clock)
    usage = Usage()

    def counted(after: float) -> int:
        nonlocal now
        now += after
        with library.database.reading() as session:
            usage.refresh(session)
        return usage.searches.get("document:roof", 0)

    assert counted(0) == 0
    opened(library.database, kim, "roof")
    assert counted(59) == 0
    step = 2.0  # from here on, as if each count took two seconds
    assert counted(2) == 1
    opened(library.database, kim, "roof")
    assert counted(150) == 1
    assert counted(60) == 2
