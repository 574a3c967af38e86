"""What people search for: the log of searches, what was opened of them, and searches that are kept."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified, utcnow


class SearchLog(Identified, Base):
    """One search of a person. Goes after the retention time of the settings; `query` is what they typed."""

    __tablename__ = "search_log"
    __table_args__ = (Index("ix_search_log_user", "user_id", "asked_at"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    asked_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    query: Mapped[str] = mapped_column(String(2000))
    # The query as queries are counted together: lower case, white space joined, cut.
    normalised: Mapped[str] = mapped_column(String(200), index=True)
    mode: Mapped[str] = mapped_column(String(16))
    hits: Mapped[int]
    took_ms: Mapped[float]


class SearchClick(Identified, Base):
    """A hit that was opened from a search; `position` starts at 1."""

    __tablename__ = "search_clicks"
    __table_args__ = (Index("ix_search_clicks_source", "source_kind", "source_id"),)

    search_id: Mapped[str] = mapped_column(ForeignKey("search_log.id", ondelete="CASCADE"), index=True)
    chunk_id: Mapped[str] = mapped_column(String(96))
    source_kind: Mapped[str] = mapped_column(String(32))
    source_id: Mapped[str] = mapped_column(String(36))
    position: Mapped[int]
    clicked_at: Mapped[datetime] = mapped_column(default=utcnow)


class SavedSearch(Identified, Base):
    """A search that a person keeps; with an alert it tells them of sources that match it newly."""

    __tablename__ = "saved_searches"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    query: Mapped[str] = mapped_column(String(2000))
    mode: Mapped[str] = mapped_column(String(16))
    filters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # none, instant, daily or weekly
    alert: Mapped[str] = mapped_column(String(16), default="none")
    # When to look next; None: as soon as something changes.
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    # The index changes up to which it has been looked at (index_state.change_seq).
    checked_seq: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    checked_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class SavedSearchMatch(Base):
    """A source that a saved search has found: told of once, `seen_at` when its owner has looked."""

    __tablename__ = "saved_search_matches"

    saved_search_id: Mapped[str] = mapped_column(ForeignKey("saved_searches.id", ondelete="CASCADE"), primary_key=True)
    source_kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    source_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    found_at: Mapped[datetime] = mapped_column(default=utcnow)
    seen_at: Mapped[datetime | None]
    # It matched already when the search was saved, which is no news.
    known: Mapped[bool] = mapped_column(default=False)
