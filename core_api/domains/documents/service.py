"""Documents: written, uploaded, changed and deleted."""

import io
import mimetypes
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth.access import (
    access_space,
    covers,
    space_role,
)
from core_api.auth.subject import Subject
from core_api.domains.documents.labels import label, relabel
from core_api.domains.documents.reading import access_document
from core_api.domains.documents.schemas import (
    Outcome,
)
from core_api.infra.errors import Conflict, Forbidden, NexusError
from core_api.infra.storage import FileStore, StoredFile
from core_api.models import (
    Document,
    DocumentVersion,
    SpaceRole,
    utcnow,
)


class VersionConflict(NexusError):
    """The document has changed since the caller read it."""

    status, code, title = 409, "version_conflict", "The document has changed"


@dataclass(frozen=True, slots=True)
class Content:
    """A stored file that becomes a document's version."""

    stored: StoredFile
    filename: str
    media_type: str


def store_text(files: FileStore, title: str, text: str, max_bytes: int) -> Content:
    """Markdown written in the product, stored as a file."""
    stored = files.put(io.BytesIO(text.encode()), max_bytes)
    return Content(stored, f"{title[:200]}.md", "text/markdown")


def guess_media_type(filename: str, declared: str | None) -> str:
    """The media type by the name's ending, else what the client declared."""
    return mimetypes.guess_type(filename)[0] or declared or "application/octet-stream"


def put_document(
    session: Session,
    subject: Subject,
    space_id: str,
    content: Content,
    *,
    path: str | None,
    title: str | None = None,
    tags: list[str] | None = None,
    category: str | None = None,
) -> tuple[Document, Outcome]:
    """Create the document at `path` of a space, or give it a new version where its content or title differs.

    Without a path a new document is made each time. Tags and a category (empty: none) that are given are kept; without
    them the document's own metadata decides. Needs the editor role.
    """
    access_space(session, subject, space_id, SpaceRole.EDITOR)
    document = None
    if path is not None:
        document = session.scalar(
            select(Document).where(Document.space_id == space_id, Document.path == path, Document.deleted_at.is_(None))
        )
    if document is None:
        return _create(session, subject, space_id, content, path, title, tags, category), Outcome.CREATED
    changed = _revise(session, subject, document, content)
    if title is not None and title != document.title:
        document.title, document.title_given, changed = title, True, True
    if relabel(session, document, tags, category):
        changed = True
    if not changed:
        return document, Outcome.UNCHANGED
    document.updated_at = utcnow()
    session.flush()
    return document, Outcome.UPDATED


def change_document(
    session: Session,
    subject: Subject,
    document_id: str,
    *,
    content: Content | None = None,
    title: str | None = None,
    tags: list[str] | None = None,
    category: str | None = None,
    space_id: str | None = None,
    expected_version: int | None = None,
) -> Document:
    """Change what is given; what is the same already changes nothing, the date neither.

    Raises VersionConflict when the document is not at `expected_version`.
    """
    document = access_document(session, subject, document_id, SpaceRole.EDITOR)
    if expected_version is not None and document.version != expected_version:
        raise VersionConflict(
            f"The document is at version {document.version} and you changed version {expected_version}. "
            "Read it again and repeat your change.",
            version=document.version,
        )
    changed = content is not None and _revise(session, subject, document, content)
    if title is not None:
        changed = changed or title != document.title
        document.title, document.title_given = title, True
    changed = relabel(session, document, tags, category) or changed
    moved_from = None
    if space_id is not None and space_id != document.space_id:
        _access_its_space(session, subject, document)
        access_space(session, subject, space_id, SpaceRole.EDITOR)
        moved_from, document.space_id, changed = document.space_id, space_id, True
    if changed:
        document.updated_at = utcnow()
    _flush_path(session, document.path)
    if moved_from is not None:  # other people read it now
        spaces = {"from_space": moved_from, "to_space": document.space_id}
        audit.record(
            session, Actor.of(subject), "document.moved", "document", document.id, title=document.title, **spaces
        )
    return document


def delete_document(session: Session, subject: Subject, document_id: str) -> None:
    """Hide the document at once; the pipeline purges it when the indexes have let go of it."""
    document = access_document(session, subject, document_id, SpaceRole.EDITOR)
    _access_its_space(session, subject, document)
    document.deleted_at = utcnow()
    audit.record(session, Actor.of(subject), "document.deleted", "document", document.id, title=document.title)


def _create(
    session: Session,
    subject: Subject,
    space_id: str,
    content: Content,
    path: str | None,
    title: str | None,
    tags: list[str] | None,
    category: str | None,
) -> Document:
    document = Document(
        space_id=space_id,
        title=title or PurePosixPath(content.filename).stem[:500] or "Untitled",
        title_given=title is not None,
        path=path,
        author_id=subject.user_id,
        version=1,
    )
    label(document, tags, category)
    session.add(document)
    _flush_path(session, path)
    _add_version(session, subject, document, content)
    return document


def _revise(session: Session, subject: Subject, document: Document, content: Content) -> bool:
    current = session.scalar(
        select(DocumentVersion.sha256).where(
            DocumentVersion.document_id == document.id, DocumentVersion.number == document.version
        )
    )
    if current == content.stored.sha256:
        return False
    document.version += 1
    _add_version(session, subject, document, content)
    return True


def _add_version(session: Session, subject: Subject, document: Document, content: Content) -> None:
    session.add(
        DocumentVersion(
            document_id=document.id,
            number=document.version,
            sha256=content.stored.sha256,
            size=content.stored.size,
            filename=content.filename,
            media_type=content.media_type,
            author_id=subject.user_id,
        )
    )
    session.flush()


def _access_its_space(session: Session, subject: Subject, document: Document) -> None:
    """A grant lets one change a document, not take it away: that needs the editor role in its space."""
    role = space_role(session, subject, document.space_id)
    if role is None or not covers(role, SpaceRole.EDITOR):
        raise Forbidden(f"“{document.title}” is shared with you; only editors of its space may move or delete it.")


def _flush_path(session: Session, path: str | None) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(f"The space already has a document at {path!r}.", field="path") from error
