"""The keys that sign access tokens. A new one comes after some days; those before it verify until the last token that
they signed has expired, and are deleted then."""

from datetime import timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from core_api.auth.secret_tokens import new_secret
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.models import SigningKey, utcnow


def current_key(session: Session, vault: Vault, settings: Settings) -> tuple[str, str]:
    """The id and secret of the key to sign with. Makes one when there is none, or when the last is too old."""
    now = utcnow()
    key = session.scalar(
        select(SigningKey)
        .where(SigningKey.retired_at.is_(None), SigningKey.created_at > now - timedelta(days=settings.signing_key_days))
        .order_by(SigningKey.id.desc())
        .limit(1)
    )
    if key is not None:
        return key.id, vault.decrypt(key.secret_encrypted)
    secret = new_secret()
    key = SigningKey(secret_encrypted=vault.encrypt(secret))
    session.add(key)
    session.flush()
    # Where two processes make one at the same moment both stay, and the newer one is used.
    retire = update(SigningKey).where(SigningKey.id != key.id, SigningKey.retired_at.is_(None)).values(retired_at=now)
    session.execute(retire, execution_options={"synchronize_session": False})
    session.execute(
        delete(SigningKey).where(SigningKey.retired_at < now - _lifetime(settings)),
        execution_options={"synchronize_session": False},
    )
    return key.id, secret


def still_verifies(settings: Settings) -> ColumnElement[bool]:
    """The condition on a SigningKey that tokens which it signed may be valid."""
    return or_(SigningKey.retired_at.is_(None), SigningKey.retired_at > utcnow() - _lifetime(settings))


def _lifetime(settings: Settings) -> timedelta:
    return timedelta(minutes=settings.access_token_minutes)
