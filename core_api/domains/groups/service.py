"""The verbs of teams and projects. Both are a name over a space: who is in them is who is in that space."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth.access import access_space, readable_space_ids
from core_api.auth.subject import Subject
from core_api.domains.groups.schemas import GroupRead
from core_api.domains.members import service as members
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Conflict, NotFound
from core_api.models import Chunk, Document, Project, Space, SpaceKind, SpaceMember, SpaceRole, Team, utcnow

G = TypeVar("G", Team, Project)
R = TypeVar("R", bound=GroupRead)


@dataclass(frozen=True, slots=True)
class Kind(Generic[G, R]):
    """Teams, or projects: their table, their space's kind (its value names them too), and how they are shown."""

    model: type[G]
    space_kind: SpaceKind
    read: type[R]

    @property
    def name(self) -> str:
        """What one is called in messages and in the audit log."""
        return self.space_kind.value


def list_groups(
    session: Session,
    subject: Subject,
    kind: Kind[G, R],
    cursor: str | None,
    limit: int,
    *,
    text: str | None = None,
    archived: bool | None = None,
) -> Page[R]:
    """Those that the subject is in, newest first; `text` is a part of the name or description."""
    statement = _described(subject, kind)
    if text:
        in_name = kind.model.name.icontains(text, autoescape=True)
        statement = statement.where(or_(in_name, kind.model.description.icontains(text, autoescape=True)))
    if archived is not None:
        statement = statement.where(
            kind.model.archived_at.is_not(None) if archived else kind.model.archived_at.is_(None)
        )
    rows, next_cursor = page_rows(session, statement, [kind.model.id], cursor, limit)
    return Page(items=[_read(kind, *row) for row in rows], next_cursor=next_cursor)


def read_group(session: Session, subject: Subject, kind: Kind[G, R], group_id: str) -> R:
    """One of them. Raises NotFound."""
    row = session.execute(_described(subject, kind).where(kind.model.id == group_id)).first()
    if row is None:
        raise _missing(kind, group_id)
    return _read(kind, *row)


def create_group(session: Session, subject: Subject, kind: Kind[G, R], name: str, **more: Any) -> G:
    """A new one with its space, owned by the subject; `more` are other columns."""
    space = Space(name=name, kind=kind.space_kind)
    session.add(space)
    session.flush()
    group = kind.model(name=name, space_id=space.id, **more)
    session.add_all([group, SpaceMember(space_id=space.id, user_id=subject.user_id, role=SpaceRole.OWNER)])
    session.flush()
    _record(session, subject, kind, "created", group, name=name, space_id=space.id)
    return group


def change_group(session: Session, subject: Subject, kind: Kind[G, R], group_id: str, **changes: Any) -> None:
    """Set these columns; needs ownership. Its space has its name."""
    group, space = access_group(session, subject, kind, group_id, SpaceRole.OWNER)
    changes = {column: value for column, value in changes.items() if getattr(group, column) != value}
    if not changes:
        return
    for column, value in changes.items():
        setattr(group, column, value)
    space.name, group.updated_at = group.name, utcnow()
    session.flush()
    _record(session, subject, kind, "changed", group, name=group.name, changed=sorted(changes))


def set_archived(session: Session, subject: Subject, kind: Kind[G, R], group_id: str, archived: bool) -> None:
    """Archive it with its space, or restore both; needs ownership. Does nothing where it is so already."""
    group, space = access_group(session, subject, kind, group_id, SpaceRole.OWNER, even_archived=True)
    if (group.archived_at is not None) == archived:
        return
    now = utcnow()
    group.archived_at = space.archived_at = now if archived else None
    group.updated_at = now
    session.flush()
    _record(session, subject, kind, "archived" if archived else "restored", group, name=group.name)


def transfer_group(session: Session, subject: Subject, kind: Kind[G, R], group_id: str, user_id: str) -> None:
    """Make another person the owner; the subject stays as an editor."""
    group, space = access_group(session, subject, kind, group_id, SpaceRole.OWNER)
    members.transfer(session, subject, space.id, user_id)
    group.updated_at = utcnow()
    session.flush()
    _record(session, subject, kind, "transferred", group, name=group.name, user_id=user_id)


def delete_group(session: Session, subject: Subject, kind: Kind[G, R], group_id: str) -> None:
    """Delete it with its space; needs ownership, and that nothing is in there."""
    group, space = access_group(session, subject, kind, group_id, SpaceRole.OWNER, even_archived=True)
    # Nothing comes into the space until it is gone: a new document's reference waits for this lock.
    session.execute(select(Space.id).where(Space.id == space.id).with_for_update())
    live = func.count().filter(Document.deleted_at.is_(None))
    documents, held = session.execute(select(live, func.count()).where(Document.space_id == space.id)).one()
    if documents:
        raise Conflict(
            f"“{group.name}” holds {documents} document{'s' if documents > 1 else ''}. Move or delete them first, "
            f"or archive the {kind.name}: then everything in it stays readable."
        )
    # Chunks of a document that has moved away name the space until the pipeline has followed.
    if held or session.scalar(select(exists().where(Chunk.space_id == space.id))):
        raise Conflict("What was deleted from it or moved out is still being cleared away. Try again in a minute.")
    for project in session.scalars(select(Project).where(Project.team_id == group.id)):
        project.team_id = None
    session.flush()
    session.delete(group)
    session.flush()
    session.delete(space)
    session.flush()
    _record(session, subject, kind, "deleted", group, name=group.name)


def access_group(
    session: Session,
    subject: Subject,
    kind: Kind[G, R],
    group_id: str,
    at_least: SpaceRole = SpaceRole.VIEWER,
    *,
    even_archived: bool = False,
) -> tuple[G, Space]:
    """One of them with its space, if the subject has at least this role in it; what is to change is locked.

    Raises as core_api.auth.access.access_space does.
    """
    group = session.get(kind.model, group_id)
    if group is not None and at_least is not SpaceRole.VIEWER:
        members.lock_space(session, group.space_id)
        group = session.get(kind.model, group_id, populate_existing=True)  # changed, or deleted, while this waited
    if group is None:
        raise _missing(kind, group_id)
    try:
        space = access_space(session, subject, group.space_id, at_least, even_archived=even_archived)
    except NotFound as error:
        raise _missing(kind, group_id) from error
    return group, space


def _missing(kind: Kind[G, R], group_id: str) -> NotFound:
    return NotFound(f"There is no {kind.name} {group_id!r} that you can see.")


@lru_cache(maxsize=1_000)  # the query, not what it finds
def _described(subject: Subject, kind: Kind[G, R]) -> Select[*tuple[Any, ...]]:
    members_of = (
        select(func.count()).where(SpaceMember.space_id == kind.model.space_id).correlate(kind.model).scalar_subquery()
    )
    return (
        select(kind.model, SpaceMember.role, members_of)
        .outerjoin(
            SpaceMember, (SpaceMember.space_id == kind.model.space_id) & (SpaceMember.user_id == subject.user_id)
        )
        .where(kind.model.space_id.in_(readable_space_ids(subject)))
    )


def _read(kind: Kind[G, R], group: G, role: str | None, member_count: int) -> R:
    columns = {name: getattr(group, name) for name in kind.read.model_fields if hasattr(group, name)}
    return kind.read(**columns, role=SpaceRole(role or SpaceRole.VIEWER), member_count=member_count)


def _record(session: Session, subject: Subject, kind: Kind[G, R], verb: str, group: G, **details: Any) -> None:
    audit.record(session, Actor.of(subject), f"{kind.name}.{verb}", kind.name, group.id, **details)
