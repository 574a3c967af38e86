"""Access tokens: short-lived JWTs that name a session. What a person may do is looked up at each use, never taken from
the token, and a token is worth nothing once its session has ended."""

import re
from datetime import timedelta

import jwt
from sqlalchemy.orm import Session

from core_api.auth.callers import Caller, Executor, active_people, session_caller
from core_api.auth.signing_keys import current_key, still_verifies
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.models import LoginSession, SigningKey, User, utcnow

_ALGORITHM = "HS256"
_ISSUER = "nexus-stream"
_AUDIENCE = "nexus-stream-api"
_CLAIMS = ["sub", "sid", "iat", "exp", "iss", "aud"]
_ID = re.compile(r"[0-9a-f-]{36}")


def is_access_token(token: str) -> bool:
    """Whether a bearer token has the form of one; API keys have no dots."""
    return token.count(".") == 2


def issue_access_token(session: Session, vault: Vault, settings: Settings, user_id: str, session_id: str) -> str:
    """A token for a session."""
    key_id, secret = current_key(session, vault, settings)
    now = utcnow()
    claims = {
        "sub": user_id,
        "sid": session_id,
        "iat": now,
        "exp": now + timedelta(minutes=settings.access_token_minutes),
        "iss": _ISSUER,
        "aud": _AUDIENCE,
    }
    return jwt.encode(claims, secret, _ALGORITHM, headers={"kid": key_id})


def caller_of_token(session: Executor, vault: Vault, settings: Settings, token: str) -> Caller | None:
    """The person behind an access token, None when it is not valid (any more)."""
    named = _named(token)
    if named is None:
        return None
    key_id, session_id = named
    # One query for the key, the session and the person; nothing of it is believed before the signature is checked.
    row = session.execute(
        active_people()
        .join(LoginSession, LoginSession.user_id == User.id)
        .join(SigningKey, SigningKey.id == key_id)
        .add_columns(LoginSession.id, LoginSession.last_used_at, SigningKey.secret_encrypted)
        .where(
            LoginSession.id == session_id,
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > utcnow(),
            still_verifies(settings),
        )
    ).first()
    if row is None:
        return None
    try:
        claims = jwt.decode(
            token,
            vault.decrypt(row[-1]),
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            options={"require": _CLAIMS},
        )
    except jwt.InvalidTokenError:
        return None
    caller = session_caller(row, "client")
    return caller if claims["sub"] == caller.subject.user_id else None


def _named(token: str) -> tuple[str, str] | None:
    """The ids of key and session that a token names, unverified."""
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    key_id, session_id = header.get("kid"), claims.get("sid")
    if isinstance(key_id, str) and isinstance(session_id, str) and _ID.fullmatch(key_id) and _ID.fullmatch(session_id):
        return key_id, session_id
    return None
