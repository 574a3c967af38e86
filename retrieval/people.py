"""Whose names a subject may know."""

from collections.abc import Collection

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session, aliased

from core_api.auth.access import readable_space_ids
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.models import SpaceMember, User
from retrieval.sources import SOURCE_KINDS


def visible_people(session: Session, subject: Subject, among: Collection[str] | None = None) -> dict[str, str]:
    """Names by id (of those `among` whom one looks): everyone's, for who may see them; else of those who share a space
    with the subject, and of the authors of what the subject may read."""
    query = select(User.id, User.name).where(User.deleted_at.is_(None))
    if among is not None:
        query = query.where(User.id.in_(among))
    if not subject.may(Permission.PEOPLE_READ):
        together = aliased(SpaceMember)
        query = query.where(
            or_(
                User.id == subject.user_id,
                User.id.in_(select(together.user_id).where(together.space_id.in_(readable_space_ids(subject)))),
                *(
                    exists().where(kind.author_id == User.id, kind.model.deleted_at.is_(None), kind.readable(subject))
                    for kind in SOURCE_KINDS.values()
                ),
            )
        )
    return {row.id: row.name for row in session.execute(query)}
