"""Personal API keys: shown once, kept as hashes, with scopes and an end."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.auth.permissions import Scope
from core_api.auth.secret_tokens import digest, new_secret
from core_api.auth.subject import Subject
from core_api.models import ApiKey, SystemRole, User, utcnow

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


def subject_of_key(session: Session, secret: str) -> Subject | None:
    """The person behind a key, with the key's scopes; None when it is not valid (any more)."""
    row = session.execute(
        select(ApiKey, User.name, User.role)
        .join(User, User.id == ApiKey.user_id)
        .where(
            ApiKey.key_sha256 == digest(secret),
            ApiKey.revoked_at.is_(None),
            (ApiKey.expires_at.is_(None)) | (ApiKey.expires_at > utcnow()),
            User.disabled_at.is_(None),
            User.deleted_at.is_(None),
        )
    ).first()
    if row is None:
        return None
    key, name, role = row
    return Subject(key.user_id, name, SystemRole(role), scopes=frozenset(Scope(scope) for scope in key.scopes))
