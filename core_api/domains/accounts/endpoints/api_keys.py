"""HTTP for API keys."""

from datetime import timedelta

from fastapi import APIRouter, status
from sqlalchemy import or_, select

from core_api import audit
from core_api.audit import Actor
from core_api.auth.api_keys import create_api_key, revoke_api_key
from core_api.auth.dependencies import AccountOwner, ReadSession, WriteSession
from core_api.domains.accounts.schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyRead
from core_api.http.pagination import Cursor, Limit, Page, page_rows
from core_api.infra.errors import NotFound
from core_api.models import ApiKey, utcnow

router = APIRouter(prefix="/api-keys")


@router.get("")
def list_keys(
    subject: AccountOwner, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[ApiKeyRead]:
    """Your keys that work, newest first."""
    statement = select(ApiKey).where(
        ApiKey.user_id == subject.user_id,
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > utcnow()),
    )
    rows, next_cursor = page_rows(session, statement, [ApiKey.id], cursor, limit)
    return Page(items=[ApiKeyRead.model_validate(key) for (key,) in rows], next_cursor=next_cursor)


@router.post("", status_code=status.HTTP_201_CREATED)
def create_key(body: ApiKeyCreate, subject: AccountOwner, session: WriteSession) -> ApiKeyCreated:
    """A new key. It is shown in this answer only."""
    lifetime = timedelta(days=body.expires_in_days) if body.expires_in_days is not None else None
    key, secret = create_api_key(session, subject.user_id, body.name, body.scopes, lifetime)
    audit.record(
        session, Actor.of(subject), "auth.api_key_created", "api_key", key.id, name=key.name, scopes=key.scopes
    )
    return ApiKeyCreated(**ApiKeyRead.model_validate(key).model_dump(), key=secret)


@router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT)
def revoke_key(key_id: str, subject: AccountOwner, session: WriteSession) -> None:
    """Make a key worthless."""
    if not revoke_api_key(session, subject.user_id, key_id):
        raise NotFound(f"You have no API key {key_id!r}.")
    audit.record(session, Actor.of(subject), "auth.api_key_revoked", "api_key", key_id)
