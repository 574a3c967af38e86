"""Mail on its way out: written in the transaction that has a reason to send it, sent after."""

from datetime import datetime

from sqlalchemy import LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified


class MailMessage(Identified, Base):
    """A message to one person. The body holds links that are secrets: it is encrypted, and dropped once sent."""

    __tablename__ = "mail_messages"

    recipient: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(String(200))
    body_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    next_try_at: Mapped[datetime | None] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None]
