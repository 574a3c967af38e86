"""Teams and projects, and invitations to them.

A team or project owns a space, and its members are the members of that space: there is no second list to disagree with.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified, utcnow


class Team(Identified, Base):
    """A group of people."""

    __tablename__ = "teams"

    name: Mapped[str] = mapped_column(String(200), index=True)
    description: Mapped[str] = mapped_column(Text, default="")
    space_id: Mapped[str] = mapped_column(ForeignKey("spaces.id"), unique=True)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    archived_at: Mapped[datetime | None]


class Project(Identified, Base):
    """Something that people work on together."""

    __tablename__ = "projects"

    name: Mapped[str] = mapped_column(String(200), index=True)
    description: Mapped[str] = mapped_column(Text, default="")
    space_id: Mapped[str] = mapped_column(ForeignKey("spaces.id"), unique=True)
    # The team that it belongs to, for order only: who may read it, its own members say.
    team_id: Mapped[str | None] = mapped_column(ForeignKey("teams.id"), index=True)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    archived_at: Mapped[datetime | None]


class Invitation(Identified, Base):
    """An invitation by mail: to the company, and into a space where one is named."""

    __tablename__ = "invitations"

    email: Mapped[str] = mapped_column(String(320), index=True)
    # The system role of whoever is new here; a person who is keeps theirs.
    role: Mapped[str] = mapped_column(String(16))
    space_id: Mapped[str | None] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"), index=True)
    space_role: Mapped[str | None] = mapped_column(String(16))
    invited_by: Mapped[str] = mapped_column(ForeignKey("users.id"))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
