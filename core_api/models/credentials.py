"""By what a person is known: sessions, refresh tokens, API keys, one-time tokens, second factors; and signing keys.

Secrets are kept as SHA-256 hashes where they only need to be recognised, encrypted where they are needed again.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified


class LoginSession(Identified, Base):
    """A device that is signed in: a browser by its cookie (`secret_sha256`), a client by its refresh tokens."""

    __tablename__ = "sessions"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    secret_sha256: Mapped[str | None] = mapped_column(String(64), unique=True)
    user_agent: Mapped[str] = mapped_column(String(400), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    last_used_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RefreshToken(Identified, Base):
    """One use of a refresh token each. A second use of the same one revokes its session: it has been stolen."""

    __tablename__ = "refresh_tokens"

    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiKey(Identified, Base):
    """A personal key for programs, with the permissions that its scopes allow of the person's own."""

    __tablename__ = "api_keys"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    # The key's first characters, by which a person knows it again.
    prefix: Mapped[str] = mapped_column(String(16))
    key_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class TokenKind(StrEnum):
    """What a one-time token is for."""

    SIGN_IN_LINK = "sign_in_link"
    EMAIL_VERIFICATION = "email_verification"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a name


class OneTimeToken(Identified, Base):
    """A secret in a link that does one thing, once."""

    __tablename__ = "one_time_tokens"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    # The address that the link is mailed to: whoever opens it reads mail there.
    email: Mapped[str | None] = mapped_column(String(320))
    # EMAIL_VERIFICATION of a new account: the password that was given with the registration that this link confirms.
    # Another registration of the same address cannot slip its own one in.
    password_hash: Mapped[str | None] = mapped_column(String(255))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class TotpDevice(Base):
    """A person's authenticator app."""

    __tablename__ = "totp_devices"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    # None until a code has been given back: only then is it asked for.
    confirmed_at: Mapped[datetime | None]
    # The last time step whose code was taken: no code works twice.
    last_step: Mapped[int] = mapped_column(default=0)


class RecoveryCode(Identified, Base):
    """A code to be used once in place of the authenticator app."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code_sha256: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None]


class SigningKey(Identified, Base):
    """A key that signs access tokens; its id is the `kid`. Retired keys verify until the last token has expired."""

    __tablename__ = "signing_keys"

    secret_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    retired_at: Mapped[datetime | None]
