"""HTTP for sharing single documents."""

from fastapi import APIRouter, status

from core_api.auth.dependencies import Reader, ReadSession, Writer, WriteSession
from core_api.domains.documents.grants import service
from core_api.domains.documents.grants.schemas import GrantRead, GrantUpdate
from core_api.http.pagination import Cursor, Limit, Page

router = APIRouter(prefix="/documents/{document_id}/grants", tags=["knowledge"])


@router.get("")
def list_grants(
    document_id: str, subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[GrantRead]:
    """Whom a document is shared with, besides the members of its space. Its editors and owners may see."""
    return service.list_grants(session, subject, document_id, cursor, limit)


@router.put("")
def put_grant(document_id: str, body: GrantUpdate, subject: Writer, session: WriteSession) -> GrantRead:
    """Share a document with a person or a team, or change as what. Editors and owners of its space may."""
    return service.put_grant(session, subject, document_id, body)


@router.delete("/{grant_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_grant(document_id: str, grant_id: str, subject: Writer, session: WriteSession) -> None:
    """Take a grant back, or give up one of your own."""
    service.delete_grant(session, subject, document_id, grant_id)
