"""What the assistant proposes to do for a person, and what it is to remind them of."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified


class Proposal(Identified, Base):
    """An action that waits for its person's word. It is done at most once."""

    __tablename__ = "proposals"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    # save_document, append_document or remind
    kind: Mapped[str] = mapped_column(String(32))
    summary: Mapped[str] = mapped_column(String(1000))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # open, done or dismissed
    state: Mapped[str] = mapped_column(String(16), default="open")
    expires_at: Mapped[datetime] = mapped_column(index=True)
    decided_at: Mapped[datetime | None]
    # The address of what came of it.
    result: Mapped[str | None] = mapped_column(String(200))


class Reminder(Identified, Base):
    """Something that a person wants to be told of at a time: in the product, and by mail where they want that."""

    __tablename__ = "reminders"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(Text)
    due_at: Mapped[datetime] = mapped_column(index=True)
    # The one that the person named the time in; it is shown so.
    time_zone: Mapped[str] = mapped_column(String(64))
    mail: Mapped[bool] = mapped_column(default=True)
    # When it was told of, by mail where there is one: once.
    sent_at: Mapped[datetime | None] = mapped_column(index=True)
    mailed_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
