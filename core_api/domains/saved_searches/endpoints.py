"""HTTP for saved searches."""

from fastapi import APIRouter, status

from core_api.auth.dependencies import Reader, ReadSession, Writer, WriteSession
from core_api.domains.saved_searches import service
from core_api.domains.saved_searches.schemas import NewsRead, SavedSearchCreate, SavedSearchRead, SavedSearchUpdate
from core_api.http.pagination import Cursor, Limit, Page

router = APIRouter(prefix="/saved-searches", tags=["search"])


@router.get("")
def list_saved(
    subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[SavedSearchRead]:
    """Your saved searches, the latest first. Nobody else sees them."""
    return service.list_saved(session, subject, cursor, limit)


@router.post("", status_code=status.HTTP_201_CREATED)
def create_saved(body: SavedSearchCreate, subject: Writer, session: WriteSession) -> SavedSearchRead:
    """Keep a search; what comes to match it from now on is its news."""
    return service.create_saved(session, subject, body)


@router.get("/{saved_search_id}")
def read_saved(saved_search_id: str, subject: Reader, session: ReadSession) -> SavedSearchRead:
    """One of your saved searches."""
    return service.read_saved(session, subject, saved_search_id)


@router.patch("/{saved_search_id}")
def change_saved(
    saved_search_id: str, body: SavedSearchUpdate, subject: Writer, session: WriteSession
) -> SavedSearchRead:
    """Change a saved search."""
    return service.change_saved(session, subject, saved_search_id, body)


@router.delete("/{saved_search_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_saved(saved_search_id: str, subject: Writer, session: WriteSession) -> None:
    """Forget a saved search and its news."""
    service.delete_saved(session, subject, saved_search_id)


@router.get("/{saved_search_id}/news")
def list_news(
    saved_search_id: str, subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[NewsRead]:
    """What a saved search has found newly, of what you may read now; the latest first."""
    return service.list_news(session, subject, saved_search_id, cursor, limit)


@router.post("/{saved_search_id}/seen", status_code=status.HTTP_204_NO_CONTENT)
def mark_seen(saved_search_id: str, subject: Writer, session: WriteSession) -> None:
    """You have looked at the news of a saved search."""
    service.mark_seen(session, subject, saved_search_id)
