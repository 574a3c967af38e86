"""Conversations with the assistant, whom they are shown to, and what people say about its answers."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, Identified, utcnow


class Conversation(Identified, Base):
    """A person's conversation with the assistant; others see it where it was shared with them (ConversationShare)."""

    __tablename__ = "conversations"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    # Where its questions look (space_ids, document_ids, kinds, as_of), until another question says otherwise.
    scope: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)


class ConversationMessage(Identified, Base):
    """One turn. An answer keeps its citations as they were given; they are verified again when shown."""

    __tablename__ = "conversation_messages"

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    role: Mapped[str] = mapped_column(String(16))
    content: Mapped[str] = mapped_column(Text)
    citations: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    # What the answer said of itself (assistant.schemas.AnswerAbout), its parts, and the nearest passages.
    answer: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class ConversationShare(Identified, Base):
    """A conversation that a person, or whoever is in a team, may read (as much of it as they may read the sources)."""

    __tablename__ = "conversation_shares"
    __table_args__ = (
        CheckConstraint("(user_id IS NULL) <> (team_id IS NULL)", name="one_reader"),
        Index(
            "uq_conversation_shares_user",
            "conversation_id",
            "user_id",
            unique=True,
            sqlite_where=text("user_id IS NOT NULL"),
            postgresql_where=text("user_id IS NOT NULL"),
        ),
        Index(
            "uq_conversation_shares_team",
            "conversation_id",
            "team_id",
            unique=True,
            sqlite_where=text("team_id IS NOT NULL"),
            postgresql_where=text("team_id IS NOT NULL"),
        ),
    )

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[str | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)


class AnswerFeedback(Identified, Base):
    """What the person who asked says about an answer. It shows question and answer to reviewers; `state` is what they
    made of it (new, golden, dismissed)."""

    __tablename__ = "answer_feedback"

    message_id: Mapped[str] = mapped_column(ForeignKey("conversation_messages.id", ondelete="CASCADE"), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    helpful: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(String(32))
    comment: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(16), default="new")
    reviewed_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    reviewed_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class GoldenQuestion(Identified, Base):
    """A question that a reviewer made a test of: the documents that are right for it. It names nobody, and stays when
    the conversation that it comes from goes."""

    __tablename__ = "golden_questions"

    question: Mapped[str] = mapped_column(Text)
    document_ids: Mapped[list[str]] = mapped_column(JSON)
    message_id: Mapped[str | None] = mapped_column(
        ForeignKey("conversation_messages.id", ondelete="SET NULL"), unique=True
    )
    reviewed_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))


class KnowledgeGap(Identified, Base):
    """A question that nothing answered and that its asker gave to the reviewers, with their name.

    `vector` is its embedding (float32, little-endian) in the space of `fingerprint`; None where the model does not know
    the language.
    """

    __tablename__ = "knowledge_gaps"

    message_id: Mapped[str | None] = mapped_column(
        ForeignKey("conversation_messages.id", ondelete="SET NULL"), unique=True
    )
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    question: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16), default="open", index=True)
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    vector: Mapped[bytes | None] = mapped_column(LargeBinary)
    closed_by: Mapped[str | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    closed_at: Mapped[datetime | None]


class GapRequest(Identified, Base):
    """Somebody whom the asker of a KnowledgeGap asks; `declined_at`: they do not know."""

    __tablename__ = "gap_requests"
    __table_args__ = (UniqueConstraint("gap_id", "user_id"),)

    gap_id: Mapped[str] = mapped_column(ForeignKey("knowledge_gaps.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    declined_at: Mapped[datetime | None]
