"""Conversations with the assistant."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified, utcnow


class Conversation(Identified, Base):
    """A person's conversation with the assistant; nobody else sees it."""

    __tablename__ = "conversations"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class ConversationMessage(Identified, Base):
    """One turn. An answer keeps its citations as they were given; they are verified again when shown."""

    __tablename__ = "conversation_messages"

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    content: Mapped[str] = mapped_column(Text)
    citations: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    # confidence, abstained, model: what the answer said of itself
    answer: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
