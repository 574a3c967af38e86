"""How often sources were opened from searches lately, in memory: one of what decides between equals, which a search has
no query to spare for."""

import time
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core_api.models import SearchClick, utcnow
from retrieval.keywords import source_term

_CLICKS_FOR = timedelta(days=180)
# Counting a million clicks of 100,000 sources takes a second (SQLite).
_LARGEST_SHARE = 0.01


class Usage:
    """In how many searches each source was opened, by its term, as of `KEPT_SECONDS` ago or so. Thread-safe."""

    KEPT_SECONDS = 60.0

    def __init__(self) -> None:
        self.searches: dict[str, int] = {}
        self._due = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time to count again; so that no more than a hundredth of the time goes into it."""
        return time.monotonic() >= self._due

    def count(self, session: Session) -> None:
        """Count anew."""
        start = time.monotonic()
        kind, source_id = SearchClick.source_kind, SearchClick.source_id
        opened = (
            select(kind, source_id, func.count(SearchClick.search_id.distinct()))
            .where(SearchClick.clicked_at >= utcnow() - _CLICKS_FOR)
            .group_by(kind, source_id)
        )
        self.searches = {source_term(name, id_): count for name, id_, count in session.execute(opened)}
        now = time.monotonic()
        self._due = now + max(self.KEPT_SECONDS, (now - start) / _LARGEST_SHARE)
