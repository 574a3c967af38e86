"""Everything of a person's, in a zip archive that is made while it is sent."""

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core_api import audit
from core_api.audit import Actor
from core_api.auth import second_factor
from core_api.auth.access import readable_documents
from core_api.auth.subject import Subject
from core_api.domains.saved_searches.service import export_saved
from core_api.domains.search_log.service import export_searches
from core_api.domains.users.service import get_user
from core_api.infra.errors import NotFound
from core_api.infra.storage import FileStore
from core_api.models import (
    ApiKey,
    AuditEvent,
    Base,
    Document,
    DocumentGrant,
    DocumentVersion,
    Identity,
    Invitation,
    LoginSession,
    Space,
    SpaceMember,
)

_BLOCK = 1 << 20
# Gives a part of the archive, as JSON: packages above add theirs (the assistant: conversations).
ExportPart = Callable[[Session, Subject], Any]


@dataclass(frozen=True, slots=True)
class Export:
    """What goes into the archive: JSON documents, and the hashes of stored files, by their name in it."""

    documents: dict[str, Any]
    files: dict[str, str]


def collect(session: Session, subject: Subject, files: FileStore, parts: dict[str, ExportPart]) -> Export:
    """Everything of the subject's that they may read; that it was exported is recorded."""
    stored, described = _documents(session, subject)
    user = get_user(session, subject.user_id)
    if user.avatar_sha256 is not None:
        stored["avatar.png"] = user.avatar_sha256
    content = {
        "profile": _row(user, "password_hash", "avatar_sha256"),
        "identities": _rows(session, select(Identity).where(Identity.user_id == user.id)),
        "sessions": _rows(session, select(LoginSession).where(LoginSession.user_id == user.id), "secret_sha256"),
        "api_keys": _rows(session, select(ApiKey).where(ApiKey.user_id == user.id), "key_sha256"),
        "second_factor": {"enabled": second_factor.is_enabled(session, user.id)},
        "memberships": _memberships(session, user.id),
        "grants": _rows(session, select(DocumentGrant).where(DocumentGrant.user_id == user.id)),
        "invitations": _rows(session, select(Invitation).where(Invitation.invited_by == user.id), "token_sha256"),
        "documents": described,
        "searches": export_searches(session, subject),
        "saved_searches": export_saved(session, subject),
        "audit_events": _events(session, user.id),
        **{name: part(session, subject) for name, part in parts.items()},
    }
    for sha256 in list(stored.values())[:1]:
        with suppress(NotFound):
            files.existing(sha256)  # storage that is away is told now: once the archive is under way, it could only end
    audit.record(session, Actor.of(subject), "user.exported", "user", user.id)
    return Export(content, stored)


def archive(export: Export, files: FileStore) -> Iterator[bytes]:
    """The zip archive, in pieces."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as target:  # type: ignore[call-overload]  # write-only
        for name, content in export.documents.items():
            target.writestr(f"{name}.json", json.dumps(content, ensure_ascii=False, indent=2))
            yield pipe.take()
        for name, sha256 in export.files.items():
            try:
                path = files.existing(sha256)
            except NotFound:  # purged since
                continue
            with path.open("rb") as source, target.open(name, "w", force_zip64=True) as entry:
                while block := source.read(_BLOCK):
                    entry.write(block)
                    yield pipe.take()
    yield pipe.take()


class _Pipe:
    """A file that can only be written to; what was written is taken from its other end."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits in here."""

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _documents(session: Session, subject: Subject) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """What the subject wrote and may still read, each version: somebody who was taken out of a space takes nothing with
    them."""
    rows = session.execute(
        select(Document, DocumentVersion)
        .join(DocumentVersion, DocumentVersion.document_id == Document.id)
        .where(Document.author_id == subject.user_id, Document.deleted_at.is_(None), readable_documents(subject))
        .order_by(Document.id, DocumentVersion.number)
    )
    stored, described = dict[str, str](), dict[str, dict[str, Any]]()
    for document, version in rows:
        place = "" if version.number == document.version else f"version-{version.number}/"
        name = f"files/{document.id}/{place}{_file_name(version.filename)}"
        stored[name] = version.sha256
        file = {"file": name, "media_type": version.media_type, "size": version.size}
        entry = described.setdefault(document.id, {**_row(document), "older_versions": []})
        if place:
            entry["older_versions"].append({"number": version.number, **file})
        else:
            entry.update(file)
    return stored, list(described.values())


def _events(session: Session, user_id: str) -> list[dict[str, Any]]:
    about = or_(AuditEvent.actor_id == user_id, AuditEvent.target_id == user_id)
    rows = _rows(session, select(AuditEvent).where(about).order_by(AuditEvent.id), "previous_sha256", "sha256")
    # Where others did something from is theirs.
    return [row if row["actor_id"] == user_id else {**row, "address": ""} for row in rows]


def _memberships(session: Session, user_id: str) -> list[dict[str, Any]]:
    rows = session.execute(
        select(Space.id, Space.name, Space.kind, SpaceMember.role)
        .join(SpaceMember, SpaceMember.space_id == Space.id)
        .where(SpaceMember.user_id == user_id)
        .order_by(Space.id)
    )
    return [{"space_id": id_, "name": name, "kind": kind, "role": role} for id_, name, kind, role in rows]


def _file_name(name: str) -> str:
    """A name that stays in its folder wherever the archive is unpacked."""
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(char if char.isprintable() and char not in ':*?"<>|' else "_" for char in last)
    return shown[:150].strip(" .") or "file"


def _rows(session: Session, statement: Any, *without: str) -> list[dict[str, Any]]:
    found: Sequence[Base] = session.scalars(statement).all()
    return [_row(row, *without) for row in found]


def _row(row: Base, *without: str) -> dict[str, Any]:
    values = {column.key: getattr(row, column.key) for column in row.__table__.columns if column.key not in without}
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}
