"""The one rule of who may read what: a person reads the spaces that they are in, and everyone but guests the
company space. Everything that reads content goes through these functions."""

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.infra.errors import Forbidden, NotFound
from core_api.models import Space, SpaceKind, SpaceMember, SpaceRole, SystemRole

_RANK = {SpaceRole.VIEWER: 0, SpaceRole.EDITOR: 1, SpaceRole.OWNER: 2}


def readable_space_ids(subject: Subject) -> Select[str]:
    """The ids of the spaces that the subject may read, as a query to put into other queries."""
    return select(Space.id).where(_readable(subject))


def _readable(subject: Subject) -> ColumnElement[bool]:
    member = Space.id.in_(select(SpaceMember.space_id).where(SpaceMember.user_id == subject.user_id))
    if subject.role is SystemRole.GUEST:
        return member
    return or_(member, Space.kind == SpaceKind.COMPANY)


def space_role(session: Session, subject: Subject, space_id: str) -> SpaceRole | None:
    """The subject's role in a space, None where they may not read it. In the company space a person without a role
    of their own is a viewer."""
    row = session.execute(
        select(Space.kind, SpaceMember.role)
        .outerjoin(SpaceMember, (SpaceMember.space_id == Space.id) & (SpaceMember.user_id == subject.user_id))
        .where(Space.id == space_id)
    ).first()
    if row is None:
        return None
    kind, role = row
    if role is not None:
        return SpaceRole(role)
    return SpaceRole.VIEWER if kind == SpaceKind.COMPANY and subject.role is not SystemRole.GUEST else None


def access_space(session: Session, subject: Subject, space_id: str, at_least: SpaceRole = SpaceRole.VIEWER) -> Space:
    """The space, if the subject has at least this role in it.

    Raises NotFound where they may not even read it (its existence is not told), Forbidden where the role is too low.
    """
    role = space_role(session, subject, space_id)
    space = session.get(Space, space_id) if role is not None else None
    if space is None or role is None:
        raise NotFound(f"There is no space {space_id!r} that you can see.")
    if _RANK[role] < _RANK[at_least]:
        raise Forbidden(f"You are {role.value} of the space “{space.name}”; this needs {at_least.value}.")
    return space
