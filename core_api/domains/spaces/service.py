"""Spaces, and what one may do in them. Who is in them: core_api.domains.members."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core_api.auth.access import covers, readable_space_ids
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.domains.groups.service import create_group
from core_api.domains.projects.service import PROJECT
from core_api.domains.spaces.schemas import SpaceMay, SpaceRead
from core_api.domains.teams.service import TEAM
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Invalid, NotFound
from core_api.models import Document, Space, SpaceKind, SpaceMember, SpaceRole


def list_spaces(
    session: Session, subject: Subject, cursor: str | None, limit: int, name: str | None = None
) -> Page[SpaceRead]:
    """The spaces that the subject may read; with `name`, only those called exactly so."""
    statement = _described(subject)
    if name is not None:
        statement = statement.where(Space.name == name)
    rows, next_cursor = page_rows(session, statement, [Space.id], cursor, limit)
    return Page(items=[_read(subject, *row) for row in rows], next_cursor=next_cursor)


def get_space(session: Session, subject: Subject, space_id: str) -> SpaceRead:
    """One space. Raises NotFound."""
    row = session.execute(_described(subject).where(Space.id == space_id)).first()
    if row is None:
        raise NotFound(f"There is no space {space_id!r} that you can see.")
    return _read(subject, *row)


def create_space(session: Session, subject: Subject, name: str, kind: SpaceKind = SpaceKind.TEAM) -> SpaceRead:
    """A new team or project: a space of such a kind always belongs to one."""
    if kind is SpaceKind.PROJECT:
        space_id = create_group(session, subject, PROJECT, name).space_id
    elif kind is SpaceKind.TEAM:
        space_id = create_group(session, subject, TEAM, name).space_id
    else:
        raise Invalid(f"Nobody makes a {kind.value} space: it is there by itself.", field="kind")
    return get_space(session, subject, space_id)


@lru_cache(maxsize=1_000)  # the query, not what it finds
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


def _read(subject: Subject, space: Space, role: str | None, documents: int) -> SpaceRead:
    mine = SpaceRole(role) if role else SpaceRole.VIEWER
    writer = subject.may(Permission.CONTENT_WRITE)
    return SpaceRead(
        id=space.id,
        name=space.name,
        kind=SpaceKind(space.kind),
        role=mine,
        document_count=documents,
        archived_at=space.archived_at,
        may=SpaceMay(
            write=writer and space.archived_at is None and covers(mine, SpaceRole.EDITOR),
            manage=writer and space.kind != SpaceKind.PERSONAL and mine is SpaceRole.OWNER,
        ),
    )
