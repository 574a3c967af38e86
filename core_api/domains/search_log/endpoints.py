"""HTTP for the search log: one's own past searches, what was opened, and search in numbers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, status

from core_api.auth.dependencies import AccountOwner, AnalyticsReader, Reader, ReadSession, WriteSession
from core_api.domains.search_log import analytics, service
from core_api.domains.search_log.recording import SearchRecorder
from core_api.domains.search_log.schemas import ClickCreate, PastSearch, SearchAnalytics
from core_api.http.pagination import Cursor, Limit, Page

router = APIRouter(prefix="/search", tags=["search"])


async def _recorder(request: Request) -> SearchRecorder:
    recorder: SearchRecorder = request.app.state.search_recorder
    return recorder


def _written(recorder: Annotated[SearchRecorder, Depends(_recorder)]) -> None:
    # Before the endpoint's own transaction begins: what is asked for here may have been searched just now.
    recorder.flush()


_Written = Depends(_written)


@router.get("/history", dependencies=[_Written])
def list_searches(subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50) -> Page[PastSearch]:
    """Your own searches, newest first. Nobody else sees them."""
    return service.list_searches(session, subject, cursor, limit)


@router.delete("/history", status_code=status.HTTP_204_NO_CONTENT, dependencies=[_Written])
def forget_all(subject: AccountOwner, session: WriteSession) -> None:
    """Delete all your searches from the log."""
    service.forget(session, subject)


@router.delete("/history/{search_id}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[_Written])
def forget_one(search_id: str, subject: AccountOwner, session: WriteSession) -> None:
    """Delete one of your searches from the log."""
    service.forget(session, subject, search_id)


@router.get("/analytics")
def read_analytics(
    _subject: AnalyticsReader,
    session: ReadSession,
    days: Annotated[int, Query(ge=1, le=3650, description="Of the last so many days.")] = 30,
) -> SearchAnalytics:
    """How well search serves people. Queries that fewer than three people typed are counted, not shown."""
    return analytics.analyse(session, days)


@router.post("/{search_id}/clicks", status_code=status.HTTP_204_NO_CONTENT, dependencies=[_Written])
def click(search_id: str, body: ClickCreate, subject: Reader, session: WriteSession) -> None:
    """Say that you opened a hit of a search of yours."""
    service.click(session, subject, search_id, body.chunk_id, body.position)
