"""Searches that people keep, and what they have found newly. Finding is done above (retrieval.alerts); what of it may
be shown is decided here, whenever it is shown."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, select, update
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth.access import readable_documents, readable_space_name
from core_api.auth.subject import Subject
from core_api.domains.saved_searches.schemas import (
    NewsRead,
    NewsSource,
    SavedFilters,
    SavedSearchCreate,
    SavedSearchRead,
    SavedSearchUpdate,
)
from core_api.domains.spaces.schemas import SpaceBrief
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Conflict, Invalid, NotFound
from core_api.models import Document, SavedSearch, SavedSearchMatch, Space, utcnow
from core_api.outbox import last_change

MOST_SAVED = 100
"""Searches that one person may keep."""
PAUSES = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}


def list_saved(session: Session, subject: Subject, cursor: str | None, limit: int) -> Page[SavedSearchRead]:
    """The subject's saved searches, the latest first."""
    statement = select(SavedSearch).where(SavedSearch.user_id == subject.user_id)
    rows, next_cursor = page_rows(session, statement, [SavedSearch.id], cursor, limit)
    saved = [row[0] for row in rows]
    new = _count_new(session, subject, [one.id for one in saved])
    return Page(items=[_read(one, new.get(one.id, 0)) for one in saved], next_cursor=next_cursor)


def create_saved(session: Session, subject: Subject, new: SavedSearchCreate) -> SavedSearchRead:
    """Keep a search. Raises Invalid where it asks for nothing, Conflict where there are too many."""
    _check(new.query, new.filters)
    count = session.scalar(select(func.count()).where(SavedSearch.user_id == subject.user_id)) or 0
    if count >= MOST_SAVED:
        raise Conflict(f"You have {MOST_SAVED} saved searches, which is the limit. Delete one first.")
    saved = SavedSearch(
        user_id=subject.user_id,
        name=new.name,
        query=new.query,
        mode=new.mode,
        filters=new.filters.model_dump(mode="json"),
        alert=new.alert,
        due_at=due_after(new.alert, utcnow()),
        checked_seq=last_change(session),
    )
    session.add(saved)
    session.flush()
    return _read(saved, 0)


def read_saved(session: Session, subject: Subject, saved_search_id: str) -> SavedSearchRead:
    """One of the subject's saved searches. Raises NotFound."""
    saved = _own(session, subject, saved_search_id)
    return _read(saved, _count_new(session, subject, [saved.id]).get(saved.id, 0))


def change_saved(
    session: Session, subject: Subject, saved_search_id: str, change: SavedSearchUpdate
) -> SavedSearchRead:
    """Change what is given. Raises NotFound, and Invalid where nothing would be asked for any more."""
    saved = _own(session, subject, saved_search_id)
    query = saved.query if change.query is None else change.query
    mode = change.mode or saved.mode
    filters = saved.filters if change.filters is None else change.filters.model_dump(mode="json")
    _check(query, SavedFilters.model_validate(filters))
    if (query, mode, filters) != (saved.query, saved.mode, saved.filters):
        session.execute(_of(saved.id, delete(SavedSearchMatch)))
        saved.query, saved.mode, saved.filters = query, mode, filters
        saved.checked_seq, saved.checked_at, saved.failures = last_change(session), None, 0
    if change.alert is not None and change.alert != saved.alert:
        saved.alert, saved.due_at = change.alert, due_after(change.alert, utcnow())
    saved.name = change.name or saved.name
    saved.updated_at = utcnow()
    session.flush()
    return read_saved(session, subject, saved_search_id)


def delete_saved(session: Session, subject: Subject, saved_search_id: str) -> None:
    """Forget a saved search and its news. Raises NotFound."""
    saved = _own(session, subject, saved_search_id)
    session.delete(saved)
    # Without its name and words, which are nobody else's.
    audit.record(session, Actor.of(subject), "saved_search.deleted", "saved_search", saved.id)


def list_news(
    session: Session, subject: Subject, saved_search_id: str, cursor: str | None, limit: int
) -> Page[NewsRead]:
    """What a saved search has found newly and the subject may read now, the latest first. Raises NotFound."""
    saved = _own(session, subject, saved_search_id)
    statement: Select[*tuple[Any, ...]] = (
        select(SavedSearchMatch, Document, readable_space_name(subject))
        .select_from(SavedSearchMatch)
        .join(Document, _is_news(subject))
        .join(Space, Space.id == Document.space_id)
        .where(SavedSearchMatch.saved_search_id == saved.id)
    )
    keys = [SavedSearchMatch.found_at, SavedSearchMatch.source_id]
    rows, next_cursor = page_rows(session, statement, keys, cursor, limit)
    items = [
        NewsRead(
            source=NewsSource(
                kind=match.source_kind,
                id=document.id,
                title=document.title,
                version=document.version,
                url=f"/documents/{document.id}",
            ),
            space=SpaceBrief(id=document.space_id, name=space_name),
            found_at=match.found_at,
            seen_at=match.seen_at,
        )
        for match, document, space_name in rows
    ]
    return Page(items=items, next_cursor=next_cursor)


def mark_seen(session: Session, subject: Subject, saved_search_id: str) -> None:
    """The subject has looked at all that was found so far. Raises NotFound."""
    saved = _own(session, subject, saved_search_id)
    unseen = _of(saved.id, update(SavedSearchMatch)).where(SavedSearchMatch.seen_at.is_(None))
    session.execute(unseen.values(seen_at=utcnow()), execution_options={"synchronize_session": False})


def export_saved(session: Session, subject: Subject) -> list[dict[str, Any]]:
    """The subject's saved searches, oldest first, for their export: each with what it has found newly, of what they may
    read now."""
    mine = SavedSearch.user_id == subject.user_id
    news: dict[str, list[dict[str, Any]]] = {}
    for match, title in session.execute(
        select(SavedSearchMatch, Document.title)
        .join(Document, _is_news(subject))
        .where(SavedSearchMatch.saved_search_id.in_(select(SavedSearch.id).where(mine)))
        .order_by(SavedSearchMatch.found_at, SavedSearchMatch.source_id)
    ):
        news.setdefault(match.saved_search_id, []).append(
            {
                "kind": match.source_kind,
                "id": match.source_id,
                "title": title,
                "found_at": match.found_at.isoformat(),
                "seen_at": match.seen_at.isoformat() if match.seen_at is not None else None,
            }
        )
    return [
        {**_read(saved, 0).model_dump(mode="json", exclude={"new"}), "found": news.get(saved.id, [])}
        for saved in session.scalars(select(SavedSearch).where(mine).order_by(SavedSearch.id))
    ]


def due_after(alert: str, now: datetime) -> datetime | None:
    """When a search with this alert is looked at next; None: as soon as something changes."""
    pause = PAUSES.get(alert)
    return now + pause if pause is not None else None


def _own(session: Session, subject: Subject, saved_search_id: str) -> SavedSearch:
    saved = session.scalar(
        select(SavedSearch).where(SavedSearch.id == saved_search_id, SavedSearch.user_id == subject.user_id)
    )
    if saved is None:
        raise NotFound(f"You have no saved search {saved_search_id!r}.")
    return saved


def _check(query: str, filters: SavedFilters) -> None:
    if not query and not any(filters.model_dump().values()):
        raise Invalid("Write what to search for, or choose a filter.", field="query")


def _is_news(subject: Subject) -> ColumnElement[bool]:
    """The condition that a match is news about a Document which the subject may read."""
    return and_(
        SavedSearchMatch.source_kind == Document.__source_kind__,
        Document.id == SavedSearchMatch.source_id,
        SavedSearchMatch.known.is_(False),
        Document.deleted_at.is_(None),
        readable_documents(subject),
    )


def _count_new(session: Session, subject: Subject, saved_search_ids: list[str]) -> dict[str, int]:
    query = (
        select(SavedSearchMatch.saved_search_id, func.count())
        .select_from(SavedSearchMatch)
        .join(Document, _is_news(subject))
        .where(SavedSearchMatch.saved_search_id.in_(saved_search_ids), SavedSearchMatch.seen_at.is_(None))
        .group_by(SavedSearchMatch.saved_search_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def _of(saved_search_id: str, statement: Any) -> Any:
    return statement.where(SavedSearchMatch.saved_search_id == saved_search_id)


def _read(saved: SavedSearch, new: int) -> SavedSearchRead:
    return SavedSearchRead.model_validate(
        {
            "id": saved.id,
            "name": saved.name,
            "query": saved.query,
            "mode": saved.mode,
            "filters": saved.filters,
            "alert": saved.alert,
            "new": new,
            "checked_at": saved.checked_at,
            "created_at": saved.created_at,
            "updated_at": saved.updated_at,
        }
    )
