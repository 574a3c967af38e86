"""HTTP for the audit log."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from core_api.auth.dependencies import AuditReader, DatabaseDep, ReadSession, WriteSession
from core_api.domains.audit import service
from core_api.domains.audit.schemas import AuditRead, ExportFormat
from core_api.domains.audit.service import Filters
from core_api.http.pagination import Cursor, Limit, Page

router = APIRouter(prefix="/audit", tags=["audit"])

# PostgreSQL has no text with it; in an export that would show only after the answer has begun.
_NO_NUL = r"^[^\x00]*$"
Text = Annotated[str | None, Query(max_length=96, pattern=_NO_NUL)]
Time = Annotated[AwareDatetime | None, Query()]

_MEDIA_TYPES = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.JSONL: "application/jsonl"}


def _filters(
    action: Annotated[
        str | None, Query(max_length=64, pattern=_NO_NUL, description="`auth.signed_in`, or `auth` for all of it.")
    ] = None,
    actor_id: Text = None,
    target_id: Text = None,
    after: Time = None,
    before: Time = None,
) -> Filters:
    return Filters(action, actor_id, target_id, after, before)


FiltersDep = Annotated[Filters, Depends(_filters)]


@router.get("")
def list_events(
    _subject: AuditReader, session: ReadSession, filters: FiltersDep, cursor: Cursor = None, limit: Limit = 50
) -> Page[AuditRead]:
    """What was done, newest first."""
    return service.list_events(session, filters, cursor, limit)


@router.get("/export", response_class=StreamingResponse)
def export(
    subject: AuditReader,
    session: WriteSession,
    database: DatabaseDep,
    filters: FiltersDep,
    format: Annotated[ExportFormat, Query()] = ExportFormat.CSV,
) -> StreamingResponse:
    """What was done, oldest first, as a file. That it was exported is recorded too."""
    last = service.record_export(session, subject, filters, format)
    return StreamingResponse(
        service.export(database, filters, last, format),
        media_type=_MEDIA_TYPES[format],
        headers={
            "Content-Disposition": f'attachment; filename="audit.{format.value}"',
            "Cache-Control": "no-store",
        },
    )
