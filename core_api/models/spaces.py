"""Spaces, the unit of access, and who is in them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified


class SpaceKind(StrEnum):
    """What a space belongs to."""

    COMPANY = "company"
    TEAM = "team"
    PROJECT = "project"
    CHANNEL = "channel"
    PERSONAL = "personal"


class SpaceRole(StrEnum):
    """What a member may do in a space."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"


class Space(Identified, Base):
    """Every piece of content belongs to exactly one space."""

    __tablename__ = "spaces"
    __table_args__ = (
        # One company space; the condition is the same text on both databases.
        Index(
            "uq_spaces_company",
            "kind",
            unique=True,
            sqlite_where=text("kind = 'company'"),
            postgresql_where=text("kind = 'company'"),
        ),
    )

    name: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    # Nothing in an archived space changes; it can still be read.
    archived_at: Mapped[datetime | None]


class SpaceMember(Base):
    """A person's role in a space."""

    __tablename__ = "space_members"

    space_id: Mapped[str] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(16), default=SpaceRole.VIEWER)
