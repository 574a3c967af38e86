"""Sharing single documents. Editors and owners of a document's space do; to have it shared gives no right to share it.

A grant belongs to the document: it moves with it, and ends with it.
"""

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from core_api import audit
from core_api.audit import Actor
from core_api.auth.access import covers, space_role
from core_api.auth.subject import Subject
from core_api.domains.documents.grants.schemas import GrantRead, GrantRole, GrantUpdate
from core_api.domains.documents.reading import access_document
from core_api.domains.groups.service import access_group
from core_api.domains.members.service import active_user
from core_api.domains.teams.service import TEAM
from core_api.domains.users.schemas import PersonRead
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Conflict, Forbidden, NotFound
from core_api.models import Document, DocumentGrant, Space, SpaceRole, Team, User

_Granter = aliased(User)


def list_grants(
    session: Session, subject: Subject, document_id: str, cursor: str | None, limit: int
) -> Page[GrantRead]:
    """Whom a document is shared with, newest first."""
    _shareable(session, subject, document_id)
    statement = _described().where(DocumentGrant.document_id == document_id)
    rows, next_cursor = page_rows(session, statement, [DocumentGrant.id], cursor, limit)
    return Page(items=[_read(*row) for row in rows], next_cursor=next_cursor)


def put_grant(session: Session, subject: Subject, document_id: str, new: GrantUpdate) -> GrantRead:
    """Share a document with a person or with a team that the subject is in, or change as what it is shared."""
    document = _shareable(session, subject, document_id)
    if session.get_one(Space, document.space_id).archived_at is not None:
        raise Conflict("The document's space is archived: nothing in it changes. Restore it first.")
    if new.user_id is not None:
        active_user(session, new.user_id)
    if new.team_id is not None:
        access_group(session, subject, TEAM, new.team_id)
    # Two who share it with the same person at once take turns.
    session.execute(select(Document.id).where(Document.id == document_id).with_for_update(key_share=True))
    grant = session.scalar(
        select(DocumentGrant).where(
            DocumentGrant.document_id == document_id,
            DocumentGrant.user_id.is_not_distinct_from(new.user_id),
            DocumentGrant.team_id.is_not_distinct_from(new.team_id),
        )
    )
    if grant is None:
        grant = DocumentGrant(
            document_id=document_id,
            user_id=new.user_id,
            team_id=new.team_id,
            role=new.role,
            granted_by=subject.user_id,
        )
        session.add(grant)
    elif grant.role == new.role:
        return _one(session, grant.id)
    else:
        grant.role, grant.granted_by = new.role, subject.user_id
    session.flush()
    _record(session, subject, "document.shared", document, grant)
    return _one(session, grant.id)


def delete_grant(session: Session, subject: Subject, document_id: str, grant_id: str) -> None:
    """Take a grant back, in an archived space too; a person may also give up what was granted to them."""
    document = access_document(session, subject, document_id)
    grant = session.scalar(
        select(DocumentGrant).where(DocumentGrant.id == grant_id, DocumentGrant.document_id == document_id)
    )
    if grant is None or grant.user_id != subject.user_id:
        _shareable(session, subject, document_id)
    if grant is None:
        raise NotFound(f"The document has no grant {grant_id!r}.")
    session.delete(grant)
    session.flush()
    _record(session, subject, "document.unshared", document, grant)


def _shareable(session: Session, subject: Subject, document_id: str) -> Document:
    """The document, if the subject may share it. Raises NotFound and Forbidden."""
    document = access_document(session, subject, document_id)
    role = space_role(session, subject, document.space_id)
    if role is None or not covers(role, SpaceRole.EDITOR):
        raise Forbidden(f"Only editors and owners of its space share “{document.title}”, and see with whom.")
    return document


def _described() -> Select[*tuple[Any, ...]]:
    return (
        select(DocumentGrant, func.coalesce(User.name, Team.name, ""), _Granter.name)
        .outerjoin(User, User.id == DocumentGrant.user_id)
        .outerjoin(Team, Team.id == DocumentGrant.team_id)
        .join(_Granter, _Granter.id == DocumentGrant.granted_by)
    )


def _one(session: Session, grant_id: str) -> GrantRead:
    return _read(*session.execute(_described().where(DocumentGrant.id == grant_id)).one())


def _read(grant: DocumentGrant, name: str, granter: str) -> GrantRead:
    return GrantRead(
        id=grant.id,
        user_id=grant.user_id,
        team_id=grant.team_id,
        name=name,
        role=GrantRole(grant.role),
        granted_by=PersonRead(id=grant.granted_by, name=granter),
        created_at=grant.created_at,
    )


def _record(session: Session, subject: Subject, action: str, document: Document, grant: DocumentGrant) -> None:
    audit.record(
        session,
        Actor.of(subject),
        action,
        "document",
        document.id,
        title=document.title,
        user_id=grant.user_id,
        team_id=grant.team_id,
        role=grant.role,
    )
