"""Spaces and their members."""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core_api.auth.access import access_space, readable_space_ids
from core_api.auth.subject import Subject
from core_api.domains.spaces.schemas import MemberRead, SpaceRead
from core_api.domains.users.service import get_user
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Conflict, NotFound
from core_api.models import Document, Space, SpaceKind, SpaceMember, SpaceRole, User


def list_spaces(
    session: Session, subject: Subject, cursor: str | None, limit: int, name: str | None = None
) -> Page[SpaceRead]:
    """The spaces that the subject may read; with `name`, only those called exactly so."""
    statement = _described(subject)
    if name is not None:
        statement = statement.where(Space.name == name)
    rows, next_cursor = page_rows(session, statement, [Space.id], cursor, limit)
    return Page(items=[_read(*row) for row in rows], next_cursor=next_cursor)


def get_space(session: Session, subject: Subject, space_id: str) -> SpaceRead:
    """One space. Raises NotFound."""
    access_space(session, subject, space_id)
    return _read(*session.execute(_described(subject).where(Space.id == space_id)).one())


def create_space(session: Session, subject: Subject, name: str, kind: SpaceKind) -> SpaceRead:
    """A new space owned by the subject."""
    space = Space(name=name, kind=kind)
    session.add(space)
    session.flush()
    session.add(SpaceMember(space_id=space.id, user_id=subject.user_id, role=SpaceRole.OWNER))
    session.flush()
    return get_space(session, subject, space.id)


def list_members(session: Session, subject: Subject, space_id: str) -> list[MemberRead]:
    """Who is in a space, by name."""
    access_space(session, subject, space_id)
    rows = session.execute(
        select(SpaceMember.user_id, User.name, SpaceMember.role)
        .join(User, User.id == SpaceMember.user_id)
        .where(SpaceMember.space_id == space_id)
        .order_by(User.name, User.id)
    )
    return [MemberRead(user_id=row.user_id, name=row.name, role=SpaceRole(row.role)) for row in rows]


def set_member(session: Session, subject: Subject, space_id: str, user_id: str, role: SpaceRole) -> MemberRead:
    """Add a person to a space or change their role; needs ownership. A space is never without an owner."""
    access_space(session, subject, space_id, SpaceRole.OWNER)
    user = get_user(session, user_id)
    member = session.get(SpaceMember, (space_id, user_id))
    if member is None:
        session.add(SpaceMember(space_id=space_id, user_id=user_id, role=role))
    else:
        if role is not SpaceRole.OWNER:
            _keep_an_owner(session, space_id, member)
        member.role = role
    session.flush()
    return MemberRead(user_id=user_id, name=user.name, role=role)


def remove_member(session: Session, subject: Subject, space_id: str, user_id: str) -> None:
    """Take a person out of a space: owners anyone, everyone themselves."""
    needed = SpaceRole.VIEWER if user_id == subject.user_id else SpaceRole.OWNER
    access_space(session, subject, space_id, needed)
    member = session.get(SpaceMember, (space_id, user_id))
    if member is None:
        raise NotFound(f"User {user_id!r} is not a member of this space.")
    _keep_an_owner(session, space_id, member)
    session.delete(member)


def _keep_an_owner(session: Session, space_id: str, leaving: SpaceMember) -> None:
    others = select(func.count()).where(
        SpaceMember.space_id == space_id,
        SpaceMember.role == SpaceRole.OWNER,
        SpaceMember.user_id != leaving.user_id,
    )
    if leaving.role == SpaceRole.OWNER and not session.scalar(others):
        raise Conflict("This is the space's only owner. Make somebody else an owner first.")


def _described(subject: Subject) -> Select[*tuple[Any, ...]]:
    documents = (
        select(func.count())
        .where(Document.space_id == Space.id, Document.deleted_at.is_(None))
        .correlate(Space)
        .scalar_subquery()
    )
    return (
        select(Space, SpaceMember.role, documents)
        .outerjoin(SpaceMember, (SpaceMember.space_id == Space.id) & (SpaceMember.user_id == subject.user_id))
        .where(Space.id.in_(readable_space_ids(subject)))
    )


def _read(space: Space, role: str | None, documents: int) -> SpaceRead:
    return SpaceRead(
        id=space.id,
        name=space.name,
        kind=SpaceKind(space.kind),
        role=SpaceRole(role) if role else SpaceRole.VIEWER,
        document_count=documents,
    )
