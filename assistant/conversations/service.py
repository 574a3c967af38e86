"""Conversations: kept for the person who has them, and shown with citations that are verified anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select
from sqlalchemy.orm import Session

from assistant.citations import Citation
from assistant.conversations.finding import conversations_of
from assistant.conversations.showing import ASSISTANT, USER, WITHHELD, is_sourced, show
from assistant.schemas import AnswerAbout, ChatRequest, ConversationBrief, ConversationRead, Scope
from assistant.sharing.service import shares_of
from assistant.types import Part, Turn
from core_api import audit
from core_api.audit import Actor
from core_api.auth.subject import Subject
from core_api.domains.users.schemas import PersonRead
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import NotFound
from core_api.models import Conversation, ConversationMessage, utcnow
from retrieval.types import Hit

__all__ = ["ASSISTANT", "USER", "WITHHELD"]

_TITLE_CHARS = 80
_MOST_NEAREST = 5


@dataclass(frozen=True, slots=True)
class Begun:
    """A question that was stored: where, and what was said before it, itself last; `scope` is where it looks, and
    `replaces` the question whose place it takes once it is answered."""

    conversation_id: str
    question_id: str
    turns: list[Turn]
    scope: Scope
    replaces: str | None = None


def access_conversation(session: Session, subject: Subject, conversation_id: str) -> Conversation:
    """The subject's own conversation. Raises NotFound, for somebody else's too."""
    conversation = session.scalar(
        select(Conversation).where(Conversation.id == conversation_id, Conversation.user_id == subject.user_id)
    )
    if conversation is None:
        raise NotFound(f"You have no conversation {conversation_id!r}.")
    return conversation


def access_message(session: Session, subject: Subject, message_id: str, role: str) -> ConversationMessage:
    """A message of the subject's own conversations, said by `role`. Raises NotFound."""
    message = session.scalar(
        select(ConversationMessage)
        .join(Conversation, Conversation.id == ConversationMessage.conversation_id)
        .where(
            ConversationMessage.id == message_id,
            ConversationMessage.role == role,
            Conversation.user_id == subject.user_id,
        )
    )
    if message is None:
        what = "an answer" if role == ASSISTANT else "a question"
        raise NotFound(f"You have no message {message_id!r} that is {what}.")
    return message


def begin_turn(session: Session, subject: Subject, request: ChatRequest) -> Begun:
    """Store a question, in a new conversation or a running one, or to take the place of an earlier one: that stays
    until there is an answer (`store_answer`), or for good where none comes (`drop_question`).

    Earlier answers come without what the subject may not read any more. Raises NotFound.
    """
    conversation_id = request.conversation_id
    if request.replaces is not None:
        replaced = access_message(session, subject, request.replaces, USER)
        if conversation_id not in (None, replaced.conversation_id):
            raise NotFound(f"The conversation {conversation_id!r} has no question {request.replaces!r}.")
        conversation_id = replaced.conversation_id
    said = _scope_said(request)
    if conversation_id is None:
        scope = said or Scope()
        conversation = Conversation(user_id=subject.user_id, title=title_of(request.message))
        turns: list[Turn] = []
        session.add(conversation)
    else:
        conversation = access_conversation(session, subject, conversation_id)
        scope = said or Scope.model_validate(conversation.scope)
        conversation.updated_at = utcnow()
        said_before = _messages(session, conversation.id, before=request.replaces)
        shown = show(session, subject, said_before, mine=True)
        turns = [Turn(message.role, message.content) for message in shown]
    conversation.scope = scope.model_dump(mode="json")
    session.flush()
    question = ConversationMessage(conversation_id=conversation.id, role=USER, content=request.message)
    session.add(question)
    session.flush()
    return Begun(conversation.id, question.id, [*turns, Turn(USER, request.message)], scope, request.replaces)


def drop_question(session: Session, question_id: str) -> None:
    """Delete a question that was to take the place of another, and was not answered."""
    session.execute(delete(ConversationMessage).where(ConversationMessage.id == question_id))


def store_answer(
    session: Session,
    subject: Subject,
    begun: Begun,
    *,
    parts: Sequence[Part],
    citations: Sequence[Citation],
    about: AnswerAbout,
    nearest: Sequence[Hit] = (),
) -> str:
    """Store an answer; its message id. Of `nearest` only is kept which passages they are. What its question replaces
    is deleted; of several that replace the same, the last to be answered stays.

    Raises NotFound when the conversation was deleted meanwhile.
    """
    conversation = access_conversation(session, subject, begun.conversation_id)
    conversation.updated_at = utcnow()
    if begun.replaces is not None:
        _put_in_place(session, conversation, begun, begun.replaces)
    message = ConversationMessage(
        conversation_id=conversation.id,
        role=ASSISTANT,
        content="".join(part.text for part in parts),
        citations=[citation.model_dump(mode="json") for citation in citations],
        answer={
            **about.model_dump(mode="json", include=set(AnswerAbout.model_fields)),
            "parts": [{"text": part.text, "markers": list(part.markers)} for part in parts],
            # By this it is decided in SQL whether others may search what it says.
            "sourced": is_sourced(parts, abstained=about.abstained),
            "nearest": [{"chunk_id": hit.chunk_id, "score": hit.score} for hit in nearest[:_MOST_NEAREST]],
        },
    )
    session.add(message)
    session.flush()
    return message.id


def list_conversations(
    session: Session,
    subject: Subject,
    cursor: str | None,
    limit: int,
    *,
    text: str = "",
    shared: bool | None = None,
) -> Page[ConversationBrief]:
    """The subject's conversations and those shared with them, last used first; `shared`: only the ones or the others.

    With `text` those in which each of its words occurs, in the title or in a message, in what the subject may read.
    """
    statement = conversations_of(session, subject, text, shared)
    rows, next_cursor = page_rows(session, statement, [Conversation.updated_at, Conversation.id], cursor, limit)
    return Page(items=[_brief(subject, *row) for row in rows], next_cursor=next_cursor)


def read_conversation(session: Session, subject: Subject, conversation_id: str) -> ConversationRead:
    """A whole conversation, one's own or one that was shared, every citation verified now. Raises NotFound."""
    row = session.execute(conversations_of(session, subject).where(Conversation.id == conversation_id)).first()
    if row is None:
        raise NotFound(f"There is no conversation {conversation_id!r} that you can see.")
    brief = _brief(subject, *row)
    # Where others look says what they have (the ids of spaces and documents).
    scope = Scope.model_validate(row[0].scope) if brief.mine else Scope()
    messages = show(session, subject, _messages(session, conversation_id), mine=brief.mine)
    return ConversationRead(**dict(brief), scope=scope, messages=messages)


def rename_conversation(session: Session, subject: Subject, conversation_id: str, title: str) -> ConversationBrief:
    """Give a conversation of the subject's another title. Raises NotFound."""
    access_conversation(session, subject, conversation_id).title = title
    session.flush()
    row = session.execute(conversations_of(session, subject).where(Conversation.id == conversation_id)).one()
    return _brief(subject, *row)


def export_conversations(session: Session, subject: Subject) -> list[dict[str, Any]]:
    """All conversations of the subject for an export of their data: what they may not read any more is left out, as
    it is when they open them."""
    ids = session.scalars(
        select(Conversation.id).where(Conversation.user_id == subject.user_id).order_by(Conversation.id)
    ).all()
    readers = shares_of(session, subject)
    return [
        {**read_conversation(session, subject, id_).model_dump(mode="json"), "shares": readers.get(id_, [])}
        for id_ in ids
    ]


def delete_conversation(session: Session, subject: Subject, conversation_id: str) -> None:
    """Delete a conversation with its messages, for whom it was shared with too. Raises NotFound."""
    conversation = access_conversation(session, subject, conversation_id)
    session.execute(delete(ConversationMessage).where(ConversationMessage.conversation_id == conversation.id))
    session.delete(conversation)
    # Without the title, which is a person's question.
    audit.record(session, Actor.of(subject), "conversation.deleted", "conversation", conversation.id)


def title_of(message: str) -> str:
    """A conversation's title: its first question, on one line, cut at a word."""
    line = " ".join(message.split())
    if len(line) <= _TITLE_CHARS:
        return line
    return line[: _TITLE_CHARS - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"


def _scope_said(request: ChatRequest) -> Scope | None:
    """The scope that the request names; None where it names no part of it."""
    if not request.model_fields_set & set(Scope.model_fields):
        return None
    return Scope(**{name: getattr(request, name) for name in Scope.model_fields})


def _put_in_place(session: Session, conversation: Conversation, begun: Begun, replaces: str) -> None:
    """Delete a question and all after it but the one that stands there instead; a title that was made of it is made of
    that one."""
    # One after the other: the second finds what the first has put there.
    session.execute(select(Conversation.id).where(Conversation.id == conversation.id).with_for_update())
    first, instead = _first(session, conversation.id), begun.turns[-1].content
    if first is not None and first.id >= replaces and conversation.title == title_of(first.content):
        conversation.title = title_of(instead)
    after = ConversationMessage.conversation_id == conversation.id, ConversationMessage.id >= replaces
    session.execute(
        delete(ConversationMessage).where(*after, ConversationMessage.id != begun.question_id),
        execution_options={"synchronize_session": False},
    )
    stored = select(ConversationMessage.id).where(ConversationMessage.id == begun.question_id)
    if session.scalar(stored) is None:  # one that replaced the same was answered before
        question = ConversationMessage(conversation_id=conversation.id, role=USER, content=instead)
        question.id = begun.question_id
        session.add(question)
        session.flush()


def _first(session: Session, conversation_id: str) -> Row[str, str] | None:
    mine = select(ConversationMessage.id, ConversationMessage.content)
    mine = mine.where(ConversationMessage.conversation_id == conversation_id)
    return session.execute(mine.order_by(ConversationMessage.id).limit(1)).first()


def _messages(session: Session, conversation_id: str, *, before: str | None = None) -> Sequence[ConversationMessage]:
    # Ids are UUIDv7: their order is the order of writing.
    statement = select(ConversationMessage).where(ConversationMessage.conversation_id == conversation_id)
    if before is not None:
        statement = statement.where(ConversationMessage.id < before)
    return session.scalars(statement.order_by(ConversationMessage.id)).all()


def _brief(subject: Subject, conversation: Conversation, owner: str, is_shared: bool) -> ConversationBrief:
    return ConversationBrief(
        id=conversation.id,
        title=conversation.title,
        updated_at=conversation.updated_at,
        mine=conversation.user_id == subject.user_id,
        owner=PersonRead(id=conversation.user_id, name=owner),
        shared=is_shared,
    )
