"""Personal API keys: shown once, kept as hashes, with scopes and an end."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import bindparam, delete, update
from sqlalchemy.orm import Session

from core_api.auth.callers import Caller, Executor, active_people, key_caller
from core_api.auth.permissions import Scope
from core_api.auth.secret_tokens import digest, new_secret
from core_api.models import ApiKey, User, utcnow

PREFIX = "nxk_"
_SHOWN = 10


def create_api_key(
    session: Session, user_id: str, name: str, scopes: Collection[Scope], lifetime: timedelta | None
) -> tuple[ApiKey, str]:
    """A new key and its secret, which can be read only now."""
    secret = new_secret(PREFIX)
    key = ApiKey(
        user_id=user_id,
        name=name,
        prefix=secret[:_SHOWN],
        key_sha256=digest(secret),
        scopes=sorted(scopes),
        expires_at=utcnow() + lifetime if lifetime is not None else None,
    )
    session.add(key)
    session.flush()
    return key, secret


# Made once: every request asks it.
_BY_KEY = (
    active_people()
    .join(ApiKey, ApiKey.user_id == User.id)
    .add_columns(ApiKey.id, ApiKey.last_used_at, ApiKey.scopes)
    .where(
        ApiKey.key_sha256 == bindparam("sha256"),
        ApiKey.revoked_at.is_(None),
        (ApiKey.expires_at.is_(None)) | (ApiKey.expires_at > bindparam("now")),
    )
)


def caller_of_key(session: Executor, secret: str) -> Caller | None:
    """The person behind a key, with the key's scopes; None when it is not valid (any more)."""
    row = session.execute(_BY_KEY, {"sha256": digest(secret), "now": utcnow()}).first()
    return None if row is None else key_caller(row)


def delete_api_key(session: Session, secret: str) -> None:
    """Forget a key that was made for a moment only."""
    session.execute(delete(ApiKey).where(ApiKey.key_sha256 == digest(secret)))


def revoke_api_key(session: Session, user_id: str, key_id: str) -> bool:
    """End a key; says whether it was this person's and had not ended before."""
    ended = session.scalar(
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=utcnow())
        .returning(ApiKey.id)
    )
    return ended is not None
