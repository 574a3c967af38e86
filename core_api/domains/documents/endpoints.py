"""HTTP for documents."""

from pathlib import PurePosixPath
from typing import Annotated, TypeVar

from fastapi import APIRouter, File, Form, Query, Response, UploadFile, status
from fastapi.responses import FileResponse
from pydantic import TypeAdapter, ValidationError

from core_api.auth.access import access_space
from core_api.auth.dependencies import DatabaseDep, FilesDep, Reader, ReadSession, SettingsDep, Writer, WriteSession
from core_api.domains.documents import reading, service
from core_api.domains.documents.schemas import (
    Category,
    DocumentCreate,
    DocumentRead,
    DocumentUpdate,
    Outcome,
    Path,
    Tags,
    TextRead,
    Title,
    UploadRead,
    VersionRead,
)
from core_api.http.pagination import Cursor, Limit, Page
from core_api.http.quick import quick
from core_api.infra.errors import Conflict, Invalid
from core_api.models import SpaceRole

T = TypeVar("T")

router = APIRouter(prefix="/documents", tags=["knowledge"])

VersionNumber = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Default: the current version.")]
_title, _path, _tags, _category = TypeAdapter(Title), TypeAdapter(Path), TypeAdapter(Tags), TypeAdapter(Category)


@router.get("")
@quick
def list_documents(
    subject: Reader,
    session: ReadSession,
    cursor: Cursor = None,
    limit: Limit = 50,
    space_id: Annotated[str | None, Query(max_length=36)] = None,
    q: Annotated[str | None, Query(max_length=200, description="A part of the title.")] = None,
    path: Annotated[str | None, Query(max_length=1024, description="The exact path.")] = None,
    shared: Annotated[bool, Query(description="Only those that were shared with you one by one.")] = False,
) -> Page[DocumentRead]:
    """Documents that you may read, last changed first."""
    return reading.list_documents(session, subject, cursor, limit, space_id=space_id, title=q, path=path, shared=shared)


@router.post("", status_code=status.HTTP_201_CREATED)
def create_document(
    body: DocumentCreate, subject: Writer, database: DatabaseDep, files: FilesDep, settings: SettingsDep
) -> DocumentRead:
    """Write a new document in Markdown."""
    content = service.store_text(files, body.title, body.text, settings.max_upload_bytes)
    with database.transaction() as session:
        document, outcome = service.put_document(
            session,
            subject,
            body.space_id,
            content,
            path=body.path,
            title=body.title,
            tags=body.tags,
            category=body.category,
        )
        if outcome is not Outcome.CREATED:
            raise Conflict(f"The space already has a document at {body.path!r}. Change that one instead.", field="path")
        return reading.read_document(session, subject, document.id)


@router.post(
    "/upload",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"model": UploadRead, "description": "The path existed: updated or unchanged."}},
)
def upload_document(
    subject: Writer,
    database: DatabaseDep,
    files: FilesDep,
    settings: SettingsDep,
    response: Response,
    file: Annotated[UploadFile, File(description="The file; its name's ending tells its format.")],
    space_id: Annotated[str, Form(max_length=36)],
    path: Annotated[str | None, Form(description="Names the document in its space; default: the file's name.")] = None,
    title: Annotated[str | None, Form()] = None,
    tags: Annotated[list[str] | None, Form(description="Default: those of the file's own metadata.")] = None,
    category: Annotated[str | None, Form(description="Default: that of the file's own metadata.")] = None,
) -> UploadRead:
    """Upload a file. The same path again makes a new version of the document, or changes nothing."""
    filename = PurePosixPath((file.filename or "").replace("\\", "/")).name[:500]
    if not filename:
        raise Invalid("The upload has no file name.", field="file")
    path = _checked(_path, path, "path") if path is not None else _checked(_path, filename, "file")
    title = _checked(_title, title, "title") if title is not None else None
    tags = _checked(_tags, tags, "tags") if tags is not None else None
    category = _checked(_category, category, "category") if category is not None else None
    with database.reading() as session:  # before the bytes are stored
        access_space(session, subject, space_id, SpaceRole.EDITOR)
    content = service.Content(
        files.put(file.file, settings.max_upload_bytes),
        filename,
        service.guess_media_type(filename, file.content_type),
    )
    with database.transaction() as session:
        document, outcome = service.put_document(
            session, subject, space_id, content, path=path, title=title, tags=tags, category=category
        )
        if outcome is not Outcome.CREATED:
            response.status_code = status.HTTP_200_OK
        return UploadRead(document=reading.read_document(session, subject, document.id), outcome=outcome)


@router.get("/{document_id}")
@quick
def read_document(document_id: str, subject: Reader, session: ReadSession) -> DocumentRead:
    """A document's metadata."""
    return reading.read_document(session, subject, document_id)


@router.patch("/{document_id}")
def update_document(
    document_id: str,
    body: DocumentUpdate,
    subject: Writer,
    database: DatabaseDep,
    files: FilesDep,
    settings: SettingsDep,
) -> DocumentRead:
    """Change a document; new text makes a new version."""
    content = None
    if body.text is not None:
        with database.reading() as session:
            document = reading.access_document(session, subject, document_id, SpaceRole.EDITOR)
        content = service.store_text(files, body.title or document.title, body.text, settings.max_upload_bytes)
    with database.transaction() as session:
        service.change_document(
            session,
            subject,
            document_id,
            content=content,
            title=body.title,
            tags=body.tags,
            category=body.category,
            space_id=body.space_id,
            expected_version=body.version,
        )
        return reading.read_document(session, subject, document_id)


@router.delete("/{document_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete_document(document_id: str, subject: Writer, session: WriteSession) -> None:
    """Delete a document; it is not found from this moment on."""
    service.delete_document(session, subject, document_id)


@router.get("/{document_id}/versions")
def list_versions(
    document_id: str, subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[VersionRead]:
    """All versions, newest first."""
    return reading.list_versions(session, subject, document_id, cursor, limit)


@router.get("/{document_id}/text")
def read_text(
    document_id: str,
    subject: Reader,
    session: ReadSession,
    version: VersionNumber = None,
    start: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    end: Annotated[int | None, Query(ge=0, le=2**31 - 1)] = None,
) -> TextRead:
    """The text extracted from a version, whole or a span of it, with its outline."""
    return reading.read_text(session, subject, document_id, version, start, end)


@router.get("/{document_id}/file", response_class=FileResponse)
def read_file(
    document_id: str, subject: Reader, database: DatabaseDep, files: FilesDep, version: VersionNumber = None
) -> FileResponse:
    """The original file, as an attachment: a browser never renders what somebody uploaded."""
    with database.reading() as session:  # not while the file is fetched
        stored = reading.get_version(session, subject, document_id, version)
    return FileResponse(
        files.existing(stored.sha256),
        media_type="application/octet-stream",
        filename=stored.filename,
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _checked(kind: TypeAdapter[T], value: object, field: str) -> T:
    """A form field's value as its type takes it. Raises Invalid, which names the field."""
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        says = error.errors()[0]["msg"].removeprefix("Value error, ").rstrip(".")
        raise Invalid(f"`{field}`: {says}.", field=field) from error
