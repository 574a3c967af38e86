"""People, and the identities that other sites vouch for."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified


class SystemRole(StrEnum):
    """What a person may do in the whole system (core_api.auth.permissions)."""

    ADMIN = "admin"
    MANAGER = "manager"
    MEMBER = "member"
    GUEST = "guest"


class User(Identified, Base):
    """A person. A deleted one keeps the row, without anything personal, so that what they wrote keeps an author."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(200))
    # In lower case. Unverified until the person has opened a link that was mailed there.
    email: Mapped[str | None] = mapped_column(String(320), unique=True)
    email_verified_at: Mapped[datetime | None]
    role: Mapped[str] = mapped_column(String(16), default=SystemRole.MEMBER, index=True)
    # Argon2id, in PHC format; None: no password, other ways in only.
    password_hash: Mapped[str | None] = mapped_column(String(255))
    locale: Mapped[str | None] = mapped_column(String(8))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    # A PNG in the file store.
    avatar_sha256: Mapped[str | None] = mapped_column(String(64))
    last_seen_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Identity(Identified, Base):
    """A person at an OpenID Connect provider, linked to a person here."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("provider", "subject"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(320))
