"""Conversations: kept for the person who has them, and shown with citations that are verified anew."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from assistant.agent import Turn
from assistant.citations import Citation, verify_all
from assistant.schemas import ConversationBrief, ConversationRead, MessageRead
from assistant.types import Confidence, Part
from core_api.auth.subject import Subject
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import NotFound
from core_api.models import Conversation, ConversationMessage, utcnow

USER = "user"
ASSISTANT = "assistant"
_TITLE_CHARS = 80
# Put in the place of a sentence whose source the reader may not read any more.
WITHHELD = "(This part is not shown: you can no longer read its source.)"


def access_conversation(session: Session, subject: Subject, conversation_id: str) -> Conversation:
    """The subject's own conversation. Raises NotFound, for somebody else's too."""
    conversation = session.scalar(
        select(Conversation).where(Conversation.id == conversation_id, Conversation.user_id == subject.user_id)
    )
    if conversation is None:
        raise NotFound(f"You have no conversation {conversation_id!r}.")
    return conversation


def begin_turn(session: Session, subject: Subject, conversation_id: str | None, message: str) -> tuple[str, list[Turn]]:
    """Store a question, in a new conversation or a running one; its id, and what was said, the question last.

    Earlier answers come without what the subject may not read any more. Raises NotFound.
    """
    if conversation_id is None:
        conversation = Conversation(user_id=subject.user_id, title=title_of(message))
        session.add(conversation)
        session.flush()
        turns: list[Turn] = []
    else:
        conversation = access_conversation(session, subject, conversation_id)
        conversation.updated_at = utcnow()
        shown = [_shown(session, subject, row) for row in _messages(session, conversation.id)]
        turns = [Turn(message.role, message.content) for message in shown]
    session.add(ConversationMessage(conversation_id=conversation.id, role=USER, content=message))
    return conversation.id, [*turns, Turn(USER, message)]


def store_answer(
    session: Session,
    subject: Subject,
    conversation_id: str,
    *,
    parts: Sequence[Part],
    citations: Sequence[Citation],
    confidence: Confidence,
    abstained: bool,
    model: str,
) -> str:
    """Store an answer; its message id. Raises NotFound when the conversation was deleted meanwhile."""
    conversation = access_conversation(session, subject, conversation_id)
    conversation.updated_at = utcnow()
    message = ConversationMessage(
        conversation_id=conversation_id,
        role=ASSISTANT,
        content="".join(part.text for part in parts),
        citations=[citation.model_dump(mode="json") for citation in citations],
        answer={
            "confidence": confidence,
            "abstained": abstained,
            "model": model,
            "parts": [{"text": part.text, "markers": list(part.markers)} for part in parts],
        },
    )
    session.add(message)
    session.flush()
    return message.id


def list_conversations(session: Session, subject: Subject, cursor: str | None, limit: int) -> Page[ConversationBrief]:
    """The subject's conversations, last used first."""
    statement = select(Conversation).where(Conversation.user_id == subject.user_id)
    rows, next_cursor = page_rows(session, statement, [Conversation.updated_at, Conversation.id], cursor, limit)
    items = [ConversationBrief(id=row[0].id, title=row[0].title, updated_at=row[0].updated_at) for row in rows]
    return Page(items=items, next_cursor=next_cursor)


def read_conversation(session: Session, subject: Subject, conversation_id: str) -> ConversationRead:
    """A whole conversation, every citation verified now. Raises NotFound."""
    conversation = access_conversation(session, subject, conversation_id)
    return ConversationRead(
        id=conversation.id,
        title=conversation.title,
        updated_at=conversation.updated_at,
        messages=[_shown(session, subject, row) for row in _messages(session, conversation.id)],
    )


def export_conversations(session: Session, subject: Subject) -> list[dict[str, Any]]:
    """All conversations of the subject for an export of their data: what they may not read any more is left out, as
    it is when they open them."""
    ids = session.scalars(
        select(Conversation.id).where(Conversation.user_id == subject.user_id).order_by(Conversation.id)
    ).all()
    return [read_conversation(session, subject, id_).model_dump(mode="json") for id_ in ids]


def delete_conversation(session: Session, subject: Subject, conversation_id: str) -> None:
    """Delete a conversation with its messages. Raises NotFound."""
    conversation = access_conversation(session, subject, conversation_id)
    session.execute(delete(ConversationMessage).where(ConversationMessage.conversation_id == conversation.id))
    session.delete(conversation)


def title_of(message: str) -> str:
    """A conversation's title: its first question, on one line, cut at a word."""
    line = " ".join(message.split())
    if len(line) <= _TITLE_CHARS:
        return line
    return line[: _TITLE_CHARS - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _messages(session: Session, conversation_id: str) -> Sequence[ConversationMessage]:
    # Ids are UUIDv7: their order is the order of writing.
    return session.scalars(
        select(ConversationMessage)
        .where(ConversationMessage.conversation_id == conversation_id)
        .order_by(ConversationMessage.id)
    ).all()


def _shown(session: Session, subject: Subject, message: ConversationMessage) -> MessageRead:
    """A message as the subject may see it now."""
    citations = verify_all(session, subject, (Citation.model_validate(citation) for citation in message.citations))
    hidden = {citation.marker for citation in citations if not citation.readable}
    content = message.content
    if hidden:
        parts = [Part(part["text"], tuple(part["markers"])) for part in message.answer.get("parts", [])]
        content = _redacted(parts, hidden)
    return MessageRead(
        id=message.id,
        role=message.role,
        content=content,
        citations=citations,
        answer={key: message.answer[key] for key in ("confidence", "abstained", "model") if key in message.answer},
        created_at=message.created_at,
    )


def _redacted(parts: Sequence[Part], hidden: set[int]) -> str:
    """The text without the parts that rest on a hidden citation, even if on another one as well."""
    kept: list[str] = []
    for part in parts:
        if hidden.intersection(part.markers):
            lead = part.text[: len(part.text) - len(part.text.lstrip())]
            kept.append(lead + WITHHELD)
        else:
            kept.append(part.text)
    return "".join(kept)
