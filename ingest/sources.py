"""What can be indexed, seen the same way whatever its kind: documents now; logs and messages join here."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from core_api.models import Document, DocumentVersion, User


class SourceKey(NamedTuple):
    """Names a source."""

    kind: str
    id: str


def of_sources(table: Any, keys: Iterable[SourceKey]) -> ColumnElement[bool]:
    """The rows of these sources, in a table with a source's kind and id."""
    by_kind: dict[str, list[str]] = {}
    for key in keys:
        by_kind.setdefault(key.kind, []).append(key.id)
    return or_(*(and_(table.source_kind == kind, table.source_id.in_(ids)) for kind, ids in by_kind.items()))


@dataclass(frozen=True, slots=True)
class StoredContent:
    """The file of a source's version, in the file store."""

    version_id: str
    sha256: str
    filename: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A source as it was when it was read. Two snapshots are equal when nothing that is indexed has changed between."""

    key: SourceKey
    space_id: str
    title: str
    title_given: bool
    version: int
    deleted: bool
    content: StoredContent


def read_sources(session: Session, keys: Iterable[SourceKey], *, lock: bool = False) -> dict[SourceKey, Snapshot]:
    """The sources that exist, deleted ones that are not purged yet included.

    `lock` holds their rows until the transaction ends, so that nobody changes them meanwhile.
    """
    found: dict[SourceKey, Snapshot] = {}
    by_kind: dict[str, list[str]] = {}
    for key in keys:
        by_kind.setdefault(key.kind, []).append(key.id)
    for kind, ids in by_kind.items():
        for snapshot in _READERS[kind](session, ids, lock):
            found[snapshot.key] = snapshot
    return found


def set_found_title(session: Session, key: SourceKey, title: str) -> None:
    """Give a source the title that its content shows; a title that a person gave stays."""
    document = session.get(Document, key.id)
    if document is not None and not document.title_given and document.title != title:
        document.title = title


def set_found_labels(session: Session, key: SourceKey, tags: Sequence[str], category: str | None) -> None:
    """Give a source the tags and the category that its content names, in place of those that the content before did;
    what a person chose stays."""
    document = session.get(Document, key.id)
    if document is None:
        return
    if not document.tags_given:
        document.tags = list(tags)
    if not document.category_given:
        document.category = category


def purge_source(session: Session, key: SourceKey) -> None:
    """Remove the row of a deleted source and all its versions."""
    document = session.get(Document, key.id)
    if document is not None and document.deleted_at is not None:
        session.delete(document)


@dataclass(frozen=True, slots=True)
class SourceHead:
    """What reconciling needs to know of a source."""

    key: SourceKey
    space_id: str
    version: int
    deleted: bool


def all_sources(session: Session, space_id: str | None = None) -> Iterator[SourceHead]:
    """Every source (of a space), deleted ones that are not purged yet included."""
    statement = select(Document.id, Document.space_id, Document.version, Document.deleted_at)
    if space_id is not None:
        statement = statement.where(Document.space_id == space_id)
    for id_, space, version, deleted_at in session.execute(statement):
        yield SourceHead(SourceKey(Document.__source_kind__, id_), space, version, deleted_at is not None)


def count_sources(session: Session, space_id: str) -> int:
    """How many sources a space has, deleted ones that are not purged yet included."""
    return session.scalar(select(func.count(Document.id)).where(Document.space_id == space_id)) or 0


def stored_files(session: Session) -> set[str]:
    """The hashes of all files that a version of a source, or a person as their picture, refers to."""
    pictures = select(User.avatar_sha256).where(User.avatar_sha256.is_not(None))
    return {*session.scalars(select(DocumentVersion.sha256)), *session.scalars(pictures)}


def _read_documents(session: Session, ids: Sequence[str], lock: bool) -> list[Snapshot]:
    statement = (
        select(Document, DocumentVersion)
        .join(
            DocumentVersion,
            (DocumentVersion.document_id == Document.id) & (DocumentVersion.number == Document.version),
        )
        .where(Document.id.in_(ids))
    )
    if lock:
        statement = statement.with_for_update(of=Document)
    return [
        Snapshot(
            SourceKey(Document.__source_kind__, document.id),
            document.space_id,
            document.title,
            document.title_given,
            document.version,
            document.deleted_at is not None,
            StoredContent(version.id, version.sha256, version.filename, version.media_type),
        )
        for document, version in session.execute(statement)
    ]


_READERS: dict[str, Callable[[Session, Sequence[str], bool], list[Snapshot]]] = {
    Document.__source_kind__: _read_documents
}
