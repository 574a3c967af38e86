"""The one rule of who may read what. A person reads the spaces that they are in, everyone but guests the company space,
and the documents that were shared with them or with a team of theirs. Everything that reads content asks here."""

from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    SelectBase,
    Subquery,
    bindparam,
    case,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.infra.errors import Conflict, Forbidden, NotFound
from core_api.models import Document, DocumentGrant, Space, SpaceKind, SpaceMember, SpaceRole, SystemRole, Team

# Making a query takes longer than running it, and for the same subject it is the same. What it finds is not kept.
_kept = lru_cache(maxsize=1_000)
_RANK = {SpaceRole.VIEWER: 0, SpaceRole.EDITOR: 1, SpaceRole.OWNER: 2}


@_kept
def readable_space_ids(subject: Subject) -> SelectBase:
    """The ids of the spaces that the subject may read, as a query to put into other queries."""
    # A union: PostgreSQL reads the whole table for an OR of the two.
    mine = select(SpaceMember.space_id).where(SpaceMember.user_id == subject.user_id)
    if subject.role is SystemRole.GUEST:
        return mine
    return union_all(mine, select(Space.id).where(Space.kind == SpaceKind.COMPANY))


@_kept
def granted_documents(subject: Subject) -> Subquery:
    """(document_id, role) of the documents shared with the subject or with a team that they are in, as a query; the
    same document may come several times."""
    by_name = select(DocumentGrant.document_id, DocumentGrant.role).where(DocumentGrant.user_id == subject.user_id)
    by_team = (
        select(DocumentGrant.document_id, DocumentGrant.role)
        .join(Team, Team.id == DocumentGrant.team_id)
        .join(SpaceMember, SpaceMember.space_id == Team.space_id)
        .where(SpaceMember.user_id == subject.user_id)
    )
    return union_all(by_name, by_team).subquery()


@_kept
def granted_document_ids(subject: Subject) -> Select[str]:
    """The ids of the documents that were shared with the subject, as a query to put into other queries."""
    return select(granted_documents(subject).c.document_id)


@dataclass(frozen=True, slots=True)
class Readable:
    """What a subject may read: whole spaces, and single documents that were shared with them."""

    space_ids: frozenset[str]
    document_ids: frozenset[str]


def readable(session: Session, subject: Subject) -> Readable:
    """What the subject may read now, in one query."""
    rows = session.execute(_readable(subject)).all()
    return Readable(
        frozenset(id_ for id_, is_space in rows if is_space), frozenset(id_ for id_, is_space in rows if not is_space)
    )


@_kept
def _readable(subject: Subject) -> CompoundSelect[str, bool]:
    spaces, documents = readable_space_ids(subject).subquery(), granted_documents(subject)
    return union_all(
        select(spaces.c[0], literal(True)),
        select(documents.c.document_id, literal(False)),
    )


@_kept
def readable_space_name(subject: Subject) -> ColumnElement[str]:
    """The name of a Space, empty where the subject may not read it (and sees a document that was shared out of it)."""
    return case((Space.id.in_(readable_space_ids(subject)), Space.name), else_="")


@_kept
def readable_documents(subject: Subject) -> ColumnElement[bool]:
    """The condition on a Document that the subject may read it."""
    return or_(Document.space_id.in_(readable_space_ids(subject)), Document.id.in_(granted_document_ids(subject)))


@_kept
def editable_documents(subject: Subject) -> ColumnElement[bool]:
    """The condition on a Document that the subject is at least its editor, by its space or by a grant; whether anything
    changes there at all (an archived space), and whether they may write, is not asked. See `document_role`."""
    roles = [role.value for role in SpaceRole if covers(role, SpaceRole.EDITOR)]
    mine = select(SpaceMember.space_id).where(SpaceMember.user_id == subject.user_id, SpaceMember.role.in_(roles))
    granted = granted_documents(subject)
    return or_(
        Document.space_id.in_(mine), Document.id.in_(select(granted.c.document_id).where(granted.c.role.in_(roles)))
    )


# Made once: nearly every request asks it.
_SPACE = (
    select(Space, SpaceMember.role)
    .outerjoin(SpaceMember, (SpaceMember.space_id == Space.id) & (SpaceMember.user_id == bindparam("user_id")))
    .where(Space.id == bindparam("space_id"))
)


def space_role(session: Session, subject: Subject, space_id: str) -> SpaceRole | None:
    """The subject's role in a space, None where they may not read it. In the company space a person without a role
    of their own is a viewer."""
    found = _space_with_role(session, subject, space_id)
    return found[1] if found is not None else None


def _space_with_role(session: Session, subject: Subject, space_id: str) -> tuple[Space, SpaceRole] | None:
    row = session.execute(_SPACE, {"user_id": subject.user_id, "space_id": space_id}).first()
    if row is None:
        return None
    space, role = row
    if role is not None:
        return space, SpaceRole(role)
    open_to_them = space.kind == SpaceKind.COMPANY and subject.role is not SystemRole.GUEST
    return (space, SpaceRole.VIEWER) if open_to_them else None


def access_space(
    session: Session,
    subject: Subject,
    space_id: str,
    at_least: SpaceRole = SpaceRole.VIEWER,
    *,
    even_archived: bool = False,
) -> Space:
    """The space, if the subject has at least this role in it.

    Raises NotFound where they may not even read it (its existence is not told), Forbidden where the role is too low,
    Conflict where more than reading is asked for in an archived space (`even_archived`: it may be).
    """
    found = _space_with_role(session, subject, space_id)
    if found is None:
        raise NotFound(f"There is no space {space_id!r} that you can see.")
    space, role = found
    if not covers(role, at_least):
        raise Forbidden(f"You are {role.value} of the space “{space.name}”; this needs {at_least.value}.")
    if space.archived_at is not None and at_least is not SpaceRole.VIEWER and not even_archived:
        raise Conflict(f"“{space.name}” is archived: nothing in it changes. Restore it first.")
    return space


def document_role(session: Session, subject: Subject, document: Document) -> SpaceRole | None:
    """What the subject is to a document: the higher of their role in its space and of what was granted to them; None
    where they may not read it."""
    granted = granted_documents(subject)
    found = session.scalars(select(granted.c.role).where(granted.c.document_id == document.id))
    roles = [SpaceRole(role) for role in found]
    if (in_space := space_role(session, subject, document.space_id)) is not None:
        roles.append(in_space)
    return max(roles, key=lambda role: _RANK[role], default=None)


def covers(role: SpaceRole, needed: SpaceRole) -> bool:
    """Whether a role includes another: owner, editor, viewer."""
    return _RANK[role] >= _RANK[needed]
