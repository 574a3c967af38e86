"""Which conversations somebody may see, and which of them say something: in SQL, a page of them in one query."""

import unicodedata
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy import text as sql
from sqlalchemy.orm import Session

from assistant.conversations.showing import USER
from assistant.sharing.service import shared_conversation_ids
from core_api.auth.access import readable_documents
from core_api.auth.subject import Subject
from core_api.models import Conversation, ConversationMessage, ConversationShare, Document, User

_MOST_WORDS = 8


def conversations_of(
    session: Session, subject: Subject, text: str = "", shared: bool | None = None
) -> Select[*tuple[Any, ...]]:
    """(conversation, its owner's name, whether it is shared) of those that the subject may see: their own, and those
    shared with them (`shared`: only the ones or the others), in which each word of `text` occurs."""
    mine = Conversation.user_id == subject.user_id
    given = and_(Conversation.id.in_(shared_conversation_ids(subject)), ~mine)
    seen = or_(mine, given) if shared is None else given if shared else mine
    has_shares = exists(select(1).where(ConversationShare.conversation_id == Conversation.id))
    return (
        select(Conversation, User.name, has_shares)
        .join(User, User.id == Conversation.user_id)
        .where(seen, *_saying(session, subject, text))
    )


def _saying(session: Session, subject: Subject, text: str) -> Iterator[ColumnElement[bool]]:
    """What a conversation must meet so that each word occurs in it.

    An answer counts only where the subject may read all that it rests on, and one of somebody else only where all that
    it says has a source: what is not shown must not be found either, or searching would tell it.
    """
    mine = select(Conversation.id).where(Conversation.user_id == subject.user_id)
    own, unreadable = ConversationMessage.conversation_id.in_(mine), _rests_on_unreadable(session, subject)
    if text and session.get_bind().dialect.name == "postgresql":
        # For this transaction: to compile the query takes many times what it takes to run it.
        session.execute(sql("SET LOCAL jit = off"))
    for word in unicodedata.normalize("NFC", text).split()[:_MOST_WORDS]:
        # Each set by itself, for the database to make once: asked for each conversation, PostgreSQL takes many times
        # as long.
        said = select(ConversationMessage.conversation_id).where(
            or_(own, ConversationMessage.conversation_id.in_(shared_conversation_ids(subject))),
            ConversationMessage.content.icontains(word, autoescape=True),
            or_(
                ConversationMessage.role == USER,
                and_(
                    or_(own, ConversationMessage.answer["sourced"].as_boolean()),
                    ~unreadable,
                ),
            ),
        )
        yield or_(Conversation.title.icontains(word, autoescape=True), Conversation.id.in_(said))


def _rests_on_unreadable(session: Session, subject: Subject) -> ColumnElement[bool]:
    """Whether a message cites a source that the subject may not read."""
    readable = select(Document.id).where(Document.deleted_at.is_(None), readable_documents(subject))
    if session.get_bind().dialect.name == "postgresql":
        citation = func.json_array_elements(ConversationMessage.citations).table_valued("value")
        source = func.json_extract_path_text(citation.c.value, "source", "id")
    else:
        citation = func.json_each(ConversationMessage.citations).table_valued("value")
        source = func.json_extract(citation.c.value, "$.source.id")
    return exists(select(1).select_from(citation).where(source.not_in(readable)))
