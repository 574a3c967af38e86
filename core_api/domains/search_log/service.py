"""One's own past searches, and what was opened of them."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth.access import readable_documents
from core_api.auth.subject import Subject
from core_api.domains.search_log.recording import SearchRecorder
from core_api.domains.search_log.schemas import PastSearch
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import NotFound
from core_api.models import Chunk, Document, SearchClick, SearchLog, new_id

_MOST_CLICKS = 100
"""Of one search; more tell nothing, and fill the table."""
_LOOKED_THROUGH = 300


def record(
    recorder: SearchRecorder, subject: Subject, *, query: str, mode: str, hits: int, took_ms: float
) -> str | None:
    """Have a search recorded, soon; gives its id, or None where it is not (the settings, or a query without words)."""
    search_id = new_id()
    return search_id if recorder.add(search_id, subject.user_id, query, mode, hits, took_ms) else None


def recent_queries(session: Session, subject: Subject, limit: int = 100) -> list[str]:
    """The subject's own last queries that found something, as they typed them, the latest first, each once."""
    rows = session.execute(
        select(SearchLog.normalised, SearchLog.query)
        .where(SearchLog.user_id == subject.user_id, SearchLog.hits > 0)
        .order_by(SearchLog.asked_at.desc(), SearchLog.id.desc())
        .limit(_LOOKED_THROUGH)
    )
    latest: dict[str, str] = {}
    for normalised, query in rows:
        latest.setdefault(normalised, query)
    return list(latest.values())[:limit]


def list_searches(session: Session, subject: Subject, cursor: str | None, limit: int) -> Page[PastSearch]:
    """The subject's own searches, newest first."""
    statement = select(SearchLog).where(SearchLog.user_id == subject.user_id)
    rows, next_cursor = page_rows(session, statement, [SearchLog.id], cursor, limit)
    items = [PastSearch.model_validate(row, from_attributes=True) for (row,) in rows]
    return Page(items=items, next_cursor=next_cursor)


def forget(session: Session, subject: Subject, search_id: str | None = None) -> None:
    """Delete the subject's own searches (or one), with what was opened of them. Raises NotFound."""
    statement = delete(SearchLog).where(SearchLog.user_id == subject.user_id)
    if search_id is not None:
        _own(session, subject, search_id)
        statement = statement.where(SearchLog.id == search_id)
    gone = session.scalars(statement.returning(SearchLog.id), execution_options={"synchronize_session": False}).all()
    # Without the words, which are nobody else's.
    audit.record(session, Actor.of(subject), "search.history_deleted", "search", search_id or "", count=len(gone))


def click(session: Session, subject: Subject, search_id: str, chunk_id: str, position: int) -> None:
    """Note that a hit of the subject's own search was opened; once for each hit.

    Raises NotFound for somebody else's search, and for a passage that the subject may not read.
    """
    _own(session, subject, search_id)
    source = session.execute(
        select(Chunk.source_kind, Chunk.source_id)
        .join(Document, Document.id == Chunk.source_id)
        .where(
            Chunk.id == chunk_id,
            Chunk.source_kind == Document.__source_kind__,
            Document.deleted_at.is_(None),
            readable_documents(subject),
        )
    ).first()
    if source is None:
        raise NotFound(f"There is no passage {chunk_id!r} that you can see.")
    clicked = session.scalars(select(SearchClick.chunk_id).where(SearchClick.search_id == search_id)).all()
    if chunk_id in clicked or len(clicked) >= _MOST_CLICKS:
        return
    session.add(
        SearchClick(
            search_id=search_id, chunk_id=chunk_id, source_kind=source[0], source_id=source[1], position=position
        )
    )


def export_searches(session: Session, subject: Subject) -> list[dict[str, Any]]:
    """The subject's own searches with what was opened of them, oldest first, for their export."""
    clicks: dict[str, list[dict[str, Any]]] = {}
    mine = select(SearchLog.id).where(SearchLog.user_id == subject.user_id)
    for row in session.scalars(select(SearchClick).where(SearchClick.search_id.in_(mine)).order_by(SearchClick.id)):
        clicks.setdefault(row.search_id, []).append(
            {"chunk_id": row.chunk_id, "position": row.position, "clicked_at": row.clicked_at.isoformat()}
        )
    searches = session.scalars(select(SearchLog).where(SearchLog.user_id == subject.user_id).order_by(SearchLog.id))
    return [
        {
            "id": row.id,
            "asked_at": row.asked_at.isoformat(),
            "query": row.query,
            "mode": row.mode,
            "hits": row.hits,
            "took_ms": row.took_ms,
            "opened": clicks.get(row.id, []),
        }
        for row in searches
    ]


def _own(session: Session, subject: Subject, search_id: str) -> None:
    mine = session.scalar(select(SearchLog.id).where(SearchLog.id == search_id, SearchLog.user_id == subject.user_id))
    if mine is None:
        raise NotFound(f"You have made no search {search_id!r}.")
