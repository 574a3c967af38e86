"""How the assistant is set up, and what it takes."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core_api.models.base import Base, utcnow

# The id of the one row that holds for the whole installation.
INSTALLATION = "installation"


class AssistantSetting(Base):
    """What an admin chose (assistant.models.options.Options, in JSON): for the installation, or for a space. The id is
    `installation`, or the space's."""

    __tablename__ = "assistant_settings"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    space_id: Mapped[str | None] = mapped_column(ForeignKey("spaces.id", ondelete="CASCADE"), unique=True)
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class AssistantUsage(Base):
    """What a person's questions took of a model on a day (UTC), summed. No words of them are kept here."""

    __tablename__ = "assistant_usage"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    answers: Mapped[int] = mapped_column(default=0)
    model_calls: Mapped[int] = mapped_column(default=0)
    tool_calls: Mapped[int] = mapped_column(default=0)
    input_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    output_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    milliseconds: Mapped[int] = mapped_column(BigInteger, default=0)
    cost: Mapped[float] = mapped_column(default=0.0)
    # Answers that another model had to give, and those that a limit ended.
    fallbacks: Mapped[int] = mapped_column(default=0)
    limits: Mapped[int] = mapped_column(default=0)
