"""Secrets in links that do one thing, once: sign in, verify an address, reset a password."""

from datetime import timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from core_api.auth.secret_tokens import digest, new_secret
from core_api.infra.errors import Unauthenticated
from core_api.models import OneTimeToken, TokenKind, utcnow

_INVALID = "This link is not valid: it was used before, or it is too old. Ask for a new one."


def issue(
    session: Session,
    user_id: str,
    kind: TokenKind,
    lifetime: timedelta,
    email: str | None = None,
    password_hash: str | None = None,
) -> str:
    """A new secret; this is the only time that it can be read."""
    secret = new_secret()
    session.add(
        OneTimeToken(
            user_id=user_id,
            kind=kind,
            token_sha256=digest(secret),
            email=email,
            password_hash=password_hash,
            expires_at=utcnow() + lifetime,
        )
    )
    session.flush()
    return secret


def peek(session: Session, secret: str, kind: TokenKind) -> OneTimeToken:
    """What a secret is for, without using it up. Raises Unauthenticated like `redeem`."""
    token = session.scalar(select(OneTimeToken).where(*_valid(secret, kind)))
    if token is None:
        raise Unauthenticated(_INVALID)
    return token


def redeem(session: Session, secret: str, kind: TokenKind) -> OneTimeToken:
    """Use a secret up. Raises Unauthenticated when it is unknown, used or too old."""
    # One statement, so that of two requests with the same link only one succeeds.
    token_id = session.scalar(
        update(OneTimeToken).where(*_valid(secret, kind)).values(used_at=utcnow()).returning(OneTimeToken.id)
    )
    if token_id is None:
        raise Unauthenticated(_INVALID)
    return session.scalars(select(OneTimeToken).where(OneTimeToken.id == token_id)).one()


def cancel(session: Session, user_id: str, *kinds: TokenKind) -> None:
    """Make a person's links of these kinds worthless."""
    session.execute(
        update(OneTimeToken)
        .where(OneTimeToken.user_id == user_id, OneTimeToken.kind.in_(kinds), OneTimeToken.used_at.is_(None))
        .values(used_at=utcnow())
    )


def _valid(secret: str, kind: TokenKind) -> tuple[ColumnElement[bool], ...]:
    return (
        OneTimeToken.token_sha256 == digest(secret),
        OneTimeToken.kind == kind,
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > utcnow(),
    )
