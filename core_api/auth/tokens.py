"""Secrets that stand for a person: one-time sign-in links, browser sessions, bearer tokens. Only hashes are kept."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.infra.errors import Unauthenticated
from core_api.models import AuthToken, SystemRole, TokenKind, User, utcnow


def issue(session: Session, user_id: str, kind: TokenKind, lifetime: timedelta, label: str = "") -> str:
    """A new secret of the kind; this is the only time that it can be read."""
    secret = secrets.token_urlsafe(32)
    now = utcnow()
    session.add(
        AuthToken(user_id=user_id, kind=kind, token_sha256=_hash(secret), label=label, expires_at=now + lifetime)
    )
    session.flush()
    return secret


def redeem_link(session: Session, secret: str, session_lifetime: timedelta) -> str:
    """Exchange a one-time link token for a session secret. Raises Unauthenticated when it is unknown, used or old."""
    now = utcnow()
    # One statement, so that of two requests with the same link only one succeeds.
    user_id = session.scalar(
        update(AuthToken)
        .where(
            AuthToken.token_sha256 == _hash(secret),
            AuthToken.kind == TokenKind.SIGN_IN_LINK,
            AuthToken.used_at.is_(None),
            AuthToken.revoked_at.is_(None),
            AuthToken.expires_at > now,
        )
        .values(used_at=now)
        .returning(AuthToken.user_id)
    )
    if user_id is None:
        raise Unauthenticated(
            "This sign-in link is not valid: it was used before, or it is too old. `nexus token` prints a new one."
        )
    return issue(session, user_id, TokenKind.SESSION, session_lifetime, "browser")


def authenticate(session: Session, secret: str) -> Subject | None:
    """The person behind a session or bearer secret, None when it is not valid (any more)."""
    row = session.execute(
        select(User.id, User.name, User.role)
        .join(AuthToken, AuthToken.user_id == User.id)
        .where(
            AuthToken.token_sha256 == _hash(secret),
            AuthToken.kind.in_((TokenKind.SESSION, TokenKind.BEARER)),
            AuthToken.revoked_at.is_(None),
            AuthToken.expires_at > utcnow(),
            User.disabled_at.is_(None),
        )
    ).first()
    return None if row is None else Subject(row.id, row.name, SystemRole(row.role))


def revoke(session: Session, secret: str) -> None:
    """Make a secret worthless."""
    session.execute(update(AuthToken).where(AuthToken.token_sha256 == _hash(secret)).values(revoked_at=utcnow()))


def _hash(secret: str) -> str:
    # The secrets are 256 random bits: a plain hash cannot be reversed by guessing.
    return hashlib.sha256(secret.encode()).hexdigest()
