"""Conversations shown to others: whom their owner has shared them with may read them, and nothing more.

A share opens the conversation only. What a reader sees of its answers is what they may read the sources of.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import CompoundSelect, Select, func, select, union_all
from sqlalchemy.orm import Session

from assistant.sharing.schemas import ShareCreate, ShareRead
from core_api import audit
from core_api.audit import Actor
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.domains.groups.service import access_group
from core_api.domains.members.service import active_user
from core_api.domains.teams.service import TEAM
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Invalid, NotFound
from core_api.models import Conversation, ConversationShare, SpaceMember, Team, User

# With so many people and teams a conversation had better be a document.
_MOST_SHARES = 100


@lru_cache(maxsize=1_000)
def shared_conversation_ids(subject: Subject) -> CompoundSelect[str]:
    """The ids of the conversations that are shared with the subject now, as a query to put into other queries."""
    by_name = select(ConversationShare.conversation_id).where(ConversationShare.user_id == subject.user_id)
    by_team = (
        select(ConversationShare.conversation_id)
        .join(Team, Team.id == ConversationShare.team_id)
        .join(SpaceMember, SpaceMember.space_id == Team.space_id)
        .where(SpaceMember.user_id == subject.user_id)
    )
    return union_all(by_name, by_team)


def list_shares(
    session: Session, subject: Subject, conversation_id: str, cursor: str | None, limit: int
) -> Page[ShareRead]:
    """Whom the subject shares a conversation of theirs with, newest first. Raises NotFound."""
    _own(session, subject, conversation_id)
    statement = _described().where(ConversationShare.conversation_id == conversation_id)
    rows, next_cursor = page_rows(session, statement, [ConversationShare.id], cursor, limit)
    return Page(items=[_read(*row) for row in rows], next_cursor=next_cursor)


def share(session: Session, subject: Subject, conversation_id: str, new: ShareCreate) -> ShareRead:
    """Share a conversation with a person, or with a team that the subject is in; again does nothing.

    Raises NotFound for somebody else's conversation, and for whoever the subject does not know to be here; Invalid for
    the subject themselves.
    """
    # Locked: two that share it at once take turns.
    conversation = _own(session, subject, conversation_id, lock=True)
    if new.user_id is not None:
        if new.user_id == subject.user_id:
            raise Invalid("The conversation is yours already. Name somebody else.", field="user_id")
        _known_person(session, subject, new.user_id)
    if new.team_id is not None:
        access_group(session, subject, TEAM, new.team_id)
    found = session.scalar(
        select(ConversationShare.id).where(
            ConversationShare.conversation_id == conversation_id,
            ConversationShare.user_id.is_not_distinct_from(new.user_id),
            ConversationShare.team_id.is_not_distinct_from(new.team_id),
        )
    )
    if found is None:
        count = select(func.count()).where(ConversationShare.conversation_id == conversation_id)
        if (session.scalar(count) or 0) >= _MOST_SHARES:
            raise Invalid(
                f"It is shared with {_MOST_SHARES} already. Share it with a team, or take a share back.",
                field="user_id" if new.user_id is not None else "team_id",
            )
        made = ConversationShare(conversation_id=conversation_id, user_id=new.user_id, team_id=new.team_id)
        session.add(made)
        session.flush()
        found = made.id
        _record(session, subject, "conversation.shared", conversation, made)
    return _read(*session.execute(_described().where(ConversationShare.id == found)).one())


def unshare(session: Session, subject: Subject, conversation_id: str, share_id: str) -> None:
    """Take a share back; a person may also give up what was shared with them by name. It holds for the next request.

    Raises NotFound.
    """
    row = session.execute(
        select(ConversationShare, Conversation)
        .join(Conversation, Conversation.id == ConversationShare.conversation_id)
        .where(ConversationShare.id == share_id, Conversation.id == conversation_id)
    ).first()
    if row is None or subject.user_id not in (row[0].user_id, row[1].user_id):
        raise NotFound(f"You have no share {share_id!r} of a conversation {conversation_id!r}.")
    session.delete(row[0])
    session.flush()
    _record(session, subject, "conversation.unshared", row[1], row[0])


def shares_of(session: Session, subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Whom the subject shares which of their conversations with, for an export of their data."""
    mine = select(Conversation.id).where(Conversation.user_id == subject.user_id)
    found: dict[str, list[dict[str, Any]]] = {}
    statement = _described().where(ConversationShare.conversation_id.in_(mine)).order_by(ConversationShare.id)
    for row, name in session.execute(statement):
        found.setdefault(row.conversation_id, []).append(_read(row, name).model_dump(mode="json"))
    return found


def _own(session: Session, subject: Subject, conversation_id: str, *, lock: bool = False) -> Conversation:
    statement = select(Conversation).where(Conversation.id == conversation_id, Conversation.user_id == subject.user_id)
    conversation = session.scalar(statement.with_for_update() if lock else statement)
    if conversation is None:
        raise NotFound(f"You have no conversation {conversation_id!r}.")
    return conversation


def _known_person(session: Session, subject: Subject, user_id: str) -> None:
    """Raises NotFound where there is no such person, and, for a guest, where they share no space with them: guests do
    not learn who is here."""
    active_user(session, user_id)
    if subject.may(Permission.PEOPLE_READ):
        return
    mine = select(SpaceMember.space_id).where(SpaceMember.user_id == subject.user_id)
    together = select(SpaceMember.space_id).where(SpaceMember.user_id == user_id, SpaceMember.space_id.in_(mine))
    if session.scalar(together.limit(1)) is None:
        raise NotFound(f"There is no user {user_id!r}.")


def _described() -> Select[*tuple[Any, ...]]:
    return (
        select(ConversationShare, func.coalesce(User.name, Team.name, ""))
        .outerjoin(User, User.id == ConversationShare.user_id)
        .outerjoin(Team, Team.id == ConversationShare.team_id)
    )


def _read(row: ConversationShare, name: str) -> ShareRead:
    return ShareRead(id=row.id, user_id=row.user_id, team_id=row.team_id, name=name, created_at=row.created_at)


def _record(session: Session, subject: Subject, action: str, of: Conversation, row: ConversationShare) -> None:
    # Without the title, which is a person's question: whoever reads the audit log need not know it.
    details = {"user_id": row.user_id, "team_id": row.team_id}
    audit.record(session, Actor.of(subject), action, "conversation", of.id, **details)
