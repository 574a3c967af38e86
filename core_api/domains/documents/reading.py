"""Documents as people see them: one, lists of them, their versions and their text."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import Session

from core_api.auth.access import (
    access_space,
    covers,
    document_role,
    editable_documents,
    granted_document_ids,
    readable_documents,
    readable_space_name,
)
from core_api.auth.permissions import Permission
from core_api.auth.subject import Subject
from core_api.domains.documents.schemas import (
    BlockRead,
    DocumentMay,
    DocumentRead,
    IndexRead,
    OutlineEntry,
    TextRead,
    VersionRead,
)
from core_api.domains.spaces.schemas import SpaceBrief
from core_api.domains.users.schemas import PersonRead
from core_api.http.pagination import Page, page_rows
from core_api.infra.errors import Conflict, Forbidden, NexusError, NotFound
from core_api.models import (
    Document,
    DocumentVersion,
    IndexState,
    IndexStatus,
    OutboxEvent,
    Space,
    SpaceRole,
    User,
    VersionText,
)


class NotReadYet(NexusError):
    """The version has no extracted text (yet)."""

    status, code, title = 409, "not_read_yet", "The document has not been read yet"


def access_document(
    session: Session, subject: Subject, document_id: str, at_least: SpaceRole = SpaceRole.VIEWER
) -> Document:
    """The live document, if the subject is at least this to it, by its space or by a grant.

    Raises NotFound where they may not even read it, Forbidden where their role is too low, Conflict where more than
    reading is asked for in an archived space.
    """
    document = session.scalar(
        select(Document).where(Document.id == document_id, Document.deleted_at.is_(None), readable_documents(subject))
    )
    if document is None:
        raise NotFound(f"There is no document {document_id!r} that you can see.")
    if at_least is not SpaceRole.VIEWER:
        role = document_role(session, subject, document)
        if role is None or not covers(role, at_least):
            raise Forbidden(f"You may only read “{document.title}”; this needs {at_least.value}.")
        if session.get_one(Space, document.space_id).archived_at is not None:
            raise Conflict("The document's space is archived: nothing in it changes. Restore it first.")
    return document


def list_documents(
    session: Session,
    subject: Subject,
    cursor: str | None,
    limit: int,
    *,
    shared: bool = False,
    space_id: str | None = None,
    title: str | None = None,
    path: str | None = None,
) -> Page[DocumentRead]:
    """Documents that the subject may read, last changed first; `title` is a part of the title, `shared` those that
    were shared with them one by one."""
    statement: Select[*tuple[Any, ...]] = select(Document.updated_at, Document.id)
    statement = statement.where(Document.deleted_at.is_(None), readable_documents(subject))
    if shared:
        statement = statement.where(Document.id.in_(granted_document_ids(subject)))
    if space_id is not None:
        access_space(session, subject, space_id)
        statement = statement.where(Document.space_id == space_id)
    if title:
        statement = statement.where(Document.title.icontains(title, autoescape=True))
    if path is not None:
        statement = statement.where(Document.path == path)
    rows, next_cursor = page_rows(session, statement, [Document.updated_at, Document.id], cursor, limit)
    # First the page, then what is shown with it: in one query, all that is readable would be joined to be sorted.
    ids = [row.id for row in rows]
    shown = {row.id: _read(subject, row) for row in session.execute(_described(subject).where(Document.id.in_(ids)))}
    return Page(items=[shown[document_id] for document_id in ids if document_id in shown], next_cursor=next_cursor)


def read_document(session: Session, subject: Subject, document_id: str) -> DocumentRead:
    """One document's metadata. Raises NotFound."""
    statement = _described(subject).where(Document.id == document_id, readable_documents(subject))
    row = session.execute(statement).first()
    if row is None:
        raise NotFound(f"There is no document {document_id!r} that you can see.")
    return _read(subject, row)


def list_versions(
    session: Session, subject: Subject, document_id: str, cursor: str | None, limit: int
) -> Page[VersionRead]:
    """All versions of a document, newest first."""
    access_document(session, subject, document_id)
    statement: Select[*tuple[Any, ...]] = (
        select(DocumentVersion, User.name)
        .join(User, User.id == DocumentVersion.author_id)
        .where(DocumentVersion.document_id == document_id)
    )
    rows, next_cursor = page_rows(session, statement, [DocumentVersion.number], cursor, limit)
    items = [
        VersionRead(
            number=version.number,
            sha256=version.sha256,
            size=version.size,
            filename=version.filename,
            media_type=version.media_type,
            author=PersonRead(id=version.author_id, name=name),
            created_at=version.created_at,
        )
        for version, name in rows
    ]
    return Page(items=items, next_cursor=next_cursor)


def get_version(session: Session, subject: Subject, document_id: str, number: int | None) -> DocumentVersion:
    """A version of a document that the subject may read; the current one by default. Raises NotFound."""
    document = access_document(session, subject, document_id)
    version = session.scalar(
        select(DocumentVersion).where(
            DocumentVersion.document_id == document_id, DocumentVersion.number == (number or document.version)
        )
    )
    if version is None:
        raise NotFound(f"The document has no version {number}; the current one is {document.version}.")
    return version


def read_text(
    session: Session, subject: Subject, document_id: str, number: int | None, start: int, end: int | None
) -> TextRead:
    """A span of a version's extracted text with its structure. Raises NotFound, and NotReadYet before parsing."""
    document = access_document(session, subject, document_id)
    version = get_version(session, subject, document_id, number)
    text = session.get(VersionText, version.id)
    if text is None:
        state = session.get(IndexState, (Document.__source_kind__, document_id))
        reason = state.error if state is not None and state.error and version.number == document.version else None
        raise NotReadYet(reason or "Its text is still being extracted. Try again in a moment.")
    length = len(text.text)
    start = min(start, length)
    end = length if end is None else max(start, min(end, length))
    blocks = [BlockRead.model_validate(block) for block in text.blocks]
    return TextRead(
        version=version.number,
        current=version.number == document.version,
        text=text.text[start:end],
        start=start,
        end=end,
        length=length,
        blocks=[block for block in blocks if block.start < end and block.end > start],
        outline=[
            OutlineEntry(heading=text.text[block.start : block.end], level=block.level, start=block.start)
            for block in blocks
            if block.kind == "heading"
        ],
    )


# Columns, not objects: a page of them is read in half the time.
_SHOWN = (
    Document.id,
    Document.title,
    Document.space_id,
    Document.path,
    Document.tags,
    Document.category,
    Document.version,
    Document.author_id,
    Document.created_at,
    Document.updated_at,
    DocumentVersion.media_type,
    DocumentVersion.filename,
    DocumentVersion.size,
    User.name.label("author_name"),
    IndexState.status,
    IndexState.chunk_count,
    IndexState.error_code,
    IndexState.error,
    IndexState.indexed_at,
)


@lru_cache(maxsize=1_000)  # the query, not what it finds
def _described(subject: Subject) -> Select[*tuple[Any, ...]]:
    """Live documents with what is shown of them; the caller has to say which the subject may read."""
    waiting = exists().where(
        OutboxEvent.source_kind == Document.__source_kind__,
        OutboxEvent.source_id == Document.id,
        OutboxEvent.parked_at.is_(None),
    )
    return (
        select(
            *_SHOWN,
            readable_space_name(subject).label("space_name"),
            waiting.label("waiting"),
            (editable_documents(subject) & Space.archived_at.is_(None)).label("editable"),
        )
        .select_from(Document)
        .join(
            DocumentVersion,
            (DocumentVersion.document_id == Document.id) & (DocumentVersion.number == Document.version),
        )
        .join(Space, Space.id == Document.space_id)
        .join(User, User.id == Document.author_id)
        .outerjoin(
            IndexState,
            (IndexState.source_kind == Document.__source_kind__) & (IndexState.source_id == Document.id),
        )
        .where(Document.deleted_at.is_(None))
    )


def _read(subject: Subject, row: Any) -> DocumentRead:
    status = IndexStatus.PENDING if row.status is None or row.waiting else IndexStatus(row.status)
    failed = status is IndexStatus.FAILED
    return DocumentRead(
        id=row.id,
        title=row.title,
        space=SpaceBrief(id=row.space_id, name=row.space_name),
        path=row.path,
        tags=row.tags,
        category=row.category,
        version=row.version,
        author=PersonRead(id=row.author_id, name=row.author_name),
        media_type=row.media_type,
        filename=row.filename,
        size=row.size,
        created_at=row.created_at,
        updated_at=row.updated_at,
        index=IndexRead(
            status=status,
            chunk_count=row.chunk_count or 0,
            error_code=row.error_code if failed else None,
            error=row.error if failed else None,
            indexed_at=row.indexed_at,
        ),
        url=f"/documents/{row.id}",
        may=DocumentMay(write=bool(row.editable) and subject.may(Permission.CONTENT_WRITE)),
    )
