"""Users and the tokens by which they are known."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified


class SystemRole(StrEnum):
    """What a person may do in the whole system."""

    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"


class User(Identified, Base):
    """A person."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(320), unique=True)
    role: Mapped[str] = mapped_column(String(16), default=SystemRole.MEMBER)
    disabled_at: Mapped[datetime | None]


class TokenKind(StrEnum):
    """What a token is for."""

    SIGN_IN_LINK = "sign_in_link"
    SESSION = "session"
    BEARER = "bearer"


class AuthToken(Identified, Base):
    """A secret that stands for a user; only its SHA-256 is kept."""

    __tablename__ = "auth_tokens"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    label: Mapped[str] = mapped_column(String(200), default="")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
