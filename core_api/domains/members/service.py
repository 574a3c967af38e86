"""The members of spaces. Teams and projects have no others: theirs are those of their space.

A space is never without an owner who can sign in. Whatever could leave it so locks the space's row first, so that two
owners who go at the same moment go one after the other. The lock comes before the audit log's, everywhere.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, case, select
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth.access import access_space
from core_api.auth.subject import Subject
from core_api.domains.members.schemas import MemberRead
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Conflict, NotFound
from core_api.models import Space, SpaceKind, SpaceMember, SpaceRole, User


def lock_space(session: Session, space_id: str) -> None:
    """Let one transaction at a time change who is in a space. (On SQLite writers take turns anyway.)"""
    # A weaker lock than FOR UPDATE: documents that are written into the space meanwhile do not wait.
    session.execute(select(Space.id).where(Space.id == space_id).with_for_update(key_share=True))


def active_user(session: Session, user_id: str) -> User:
    """A person who is here: not deactivated, not deleted. Raises NotFound."""
    user = session.get(User, user_id)
    if user is None or user.disabled_at is not None or user.deleted_at is not None:
        raise NotFound(f"There is no user {user_id!r}.")
    return user


def list_members(session: Session, space: Space, cursor: str | None, limit: int) -> Page[MemberRead]:
    """Who is in a space, by name. The caller has it from `access_space`."""
    statement: Select[*tuple[Any, ...]] = (
        select(User.id, User.name, User.avatar_sha256, SpaceMember.role)
        .join(SpaceMember, SpaceMember.user_id == User.id)
        .where(SpaceMember.space_id == space.id)
    )
    rows, next_cursor = page_rows(session, statement, [User.name, User.id], cursor, limit, ascending=True)
    return Page(items=[_read(*row) for row in rows], next_cursor=next_cursor)


def set_member(session: Session, subject: Subject, space_id: str, user_id: str, role: SpaceRole) -> MemberRead:
    """Add a person to a space or change their role; needs ownership. A space is never without an owner."""
    lock_space(session, space_id)
    space = access_space(session, subject, space_id, SpaceRole.OWNER)
    user = active_user(session, user_id)
    if role is not SpaceRole.OWNER:
        _keep_an_owner(session, space, user_id)
    put_member(session, Actor.of(subject), space, user_id, role)
    return _read(user.id, user.name, user.avatar_sha256, role)


def put_member(session: Session, actor: Actor, space: Space, user_id: str, role: SpaceRole) -> None:
    """Write a member's role. The caller has locked the space and decided that this may be."""
    member = session.get(SpaceMember, (space.id, user_id))
    before = member.role if member is not None else None
    if before == role:
        return
    if space.kind == SpaceKind.PERSONAL:
        raise Conflict("A personal space has one member. Share single documents of it, or make a team.")
    if member is None:
        session.add(SpaceMember(space_id=space.id, user_id=user_id, role=role))
    else:
        member.role = role
    session.flush()
    _record(session, actor, "space.member_set", space, user_id, role=role, before=before)


def remove_member(session: Session, subject: Subject, space_id: str, user_id: str) -> None:
    """Take a person out of a space, an archived one too: owners anyone, everyone themselves."""
    lock_space(session, space_id)
    needed = SpaceRole.VIEWER if user_id == subject.user_id else SpaceRole.OWNER
    space = access_space(session, subject, space_id, needed, even_archived=True)
    member = session.get(SpaceMember, (space_id, user_id))
    if member is None:
        raise NotFound(f"User {user_id!r} is not a member of this space.")
    _keep_an_owner(session, space, user_id)
    session.delete(member)
    session.flush()
    _record(session, Actor.of(subject), "space.member_removed", space, user_id, role=member.role)


def transfer(session: Session, subject: Subject, space_id: str, user_id: str) -> None:
    """Make a person the owner in the subject's place, who stays as an editor."""
    lock_space(session, space_id)
    space = access_space(session, subject, space_id, SpaceRole.OWNER)
    active_user(session, user_id)
    if user_id == subject.user_id:
        raise Conflict("It is yours already. Name somebody else.", field="user_id")
    put_member(session, Actor.of(subject), space, user_id, SpaceRole.OWNER)
    put_member(session, Actor.of(subject), space, subject.user_id, SpaceRole.EDITOR)


def leave_all(session: Session, actor: Actor, user_id: str) -> None:
    """Take a person who goes for good out of all spaces but their personal one.

    Where they are the only owner, another becomes one: an editor rather than a viewer, of several the one who came to
    the company first; where there is nobody else, an actor who is not that person. Raises Conflict when a person who
    deletes themselves would leave something to nobody. Call it before anything is audited (the order of locks).
    """
    spaces = session.scalars(
        select(Space)
        .join(SpaceMember, SpaceMember.space_id == Space.id)
        .where(SpaceMember.user_id == user_id, Space.kind != SpaceKind.PERSONAL)
        .order_by(Space.id)
    ).all()
    for space in spaces:
        lock_space(session, space.id)
    heirs = {space.id: _heir(session, space, user_id) for space in spaces if _only_owner(session, space.id, user_id)}
    if actor.user_id in (None, user_id) and (orphans := [s.name for s in spaces if heirs.get(s.id, "") is None]):
        raise Conflict(f"You are the only member of: {_names(orphans)}. Delete them, or hand them to somebody first.")
    for space in spaces:
        if space.id in heirs:
            heir = heirs[space.id] or actor.user_id
            assert heir is not None
            put_member(session, actor, space, heir, SpaceRole.OWNER)
        member = session.get_one(SpaceMember, (space.id, user_id))
        session.delete(member)
        session.flush()
        _record(session, actor, "space.member_removed", space, user_id, role=member.role)


def _record(session: Session, actor: Actor, action: str, space: Space, user_id: str, **details: Any) -> None:
    name = session.get_one(User, user_id).name
    audit.record(session, actor, action, "space", space.id, user_id=user_id, name=name, space=space.name, **details)


def _keep_an_owner(session: Session, space: Space, leaving: str) -> None:
    if _only_owner(session, space.id, leaving):
        raise Conflict(f"This is the only owner of “{space.name}”. Make somebody else an owner first.")


def _only_owner(session: Session, space_id: str, user_id: str) -> bool:
    owners = session.scalars(
        select(SpaceMember.user_id)
        .join(User, User.id == SpaceMember.user_id)
        .where(SpaceMember.space_id == space_id, SpaceMember.role == SpaceRole.OWNER)
        .where((User.id == user_id) | (User.disabled_at.is_(None) & User.deleted_at.is_(None)))
    ).all()
    return list(owners) == [user_id]


def _heir(session: Session, space: Space, leaving: str) -> str | None:
    editors_first = case((SpaceMember.role == SpaceRole.EDITOR, 0), else_=1)
    return session.scalar(
        select(SpaceMember.user_id)
        .join(User, User.id == SpaceMember.user_id)
        .where(SpaceMember.space_id == space.id, SpaceMember.user_id != leaving)
        .where(User.disabled_at.is_(None), User.deleted_at.is_(None))
        .order_by(editors_first, User.id)
        .limit(1)
    )


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _read(user_id: str, name: str, avatar_sha256: str | None, role: str) -> MemberRead:
    avatar_url = f"/api/v1/users/{user_id}/avatar" if avatar_sha256 else None
    return MemberRead(user_id=user_id, name=name, role=SpaceRole(role), avatar_url=avatar_url)
