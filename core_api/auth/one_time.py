"""Secrets in links that do one thing, once: sign in, verify an address, reset a password."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core_api.auth.secret_tokens import digest, new_secret
from core_api.infra.errors import Unauthenticated
from core_api.models import OneTimeToken, TokenKind, utcnow


def issue(session: Session, user_id: str, kind: TokenKind, lifetime: timedelta, email: str | None = None) -> str:
    """A new secret; this is the only time that it can be read."""
    secret = new_secret()
    session.add(
        OneTimeToken(
            user_id=user_id, kind=kind, token_sha256=digest(secret), email=email, expires_at=utcnow() + lifetime
        )
    )
    session.flush()
    return secret


def redeem(session: Session, secret: str, kind: TokenKind) -> OneTimeToken:
    """Use a secret up. Raises Unauthenticated when it is unknown, used or too old."""
    now = utcnow()
    # One statement, so that of two requests with the same link only one succeeds.
    token_id = session.scalar(
        update(OneTimeToken)
        .where(
            OneTimeToken.token_sha256 == digest(secret),
            OneTimeToken.kind == kind,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now,
        )
        .values(used_at=now)
        .returning(OneTimeToken.id)
    )
    if token_id is None:
        raise Unauthenticated("This link is not valid: it was used before, or it is too old. Ask for a new one.")
    return session.scalars(select(OneTimeToken).where(OneTimeToken.id == token_id)).one()
