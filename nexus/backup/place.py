"""An empty place that is filled from a source: all of it, checked, or nothing.

All rows go into one transaction, which is committed when files and vectors are there and everything has been read back
and compared. Until then the database is empty, whatever happens; a file in the data directory says that a restore
began, so that the same command can begin anew over what an interrupted one left.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, delete, exists, func, select, update
from sqlalchemy.orm import Session

from core_api.audit import Actor, record
from core_api.infra.database import Database
from core_api.infra.errors import Conflict, Invalid
from core_api.infra.migrate import drop_schema, newest_revision, revision_of, upgrade, upgrade_within
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from core_api.models import (
    Base,
    Chunk,
    Document,
    DocumentVersion,
    IndexModel,
    IndexState,
    LoginSession,
    MailMessage,
    ModelChange,
    OneTimeToken,
    OutboxEvent,
    SpaceIndex,
    User,
    utcnow,
)
from core_api.outbox import request_index
from ingest.reconcile import look_again, source_of
from ingest.sources import SourceKey
from nexus.backup.contents import (
    BackupDamaged,
    CopyDiffers,
    DataFile,
    File,
    Head,
    PlaceNotEmpty,
    Progress,
    Rows,
    Source,
    Summary,
    TableSum,
)
from nexus.backup.live import KEPT_EVALUATIONS, SECRET_KEY, key_id, keys_of
from nexus.backup.rows import analyze, read_rows, set_sequences, tables_of, write_rows
from nexus.datadir import DataDir
from retrieval.active_model import active_model
from retrieval.carrying import BATCH, VectorBatch
from retrieval.vectors import VectorRow, VectorStore

_SEEDED = {"audit_chain", "change_sequence", "active_model"}
"""Tables that the migrations put a row into."""
_COLLECTIONS = ("space-", "pool-")
_NOTHING_LOST = 1e-6
"""Chroma makes vectors as long as one again, which may change their last bit (6e-8)."""
_BLOCK = 1 << 20
COMMAND_LINE = Actor(None, "command line")


@dataclass(slots=True)
class Report:
    """What was put into a place, and read back from there."""

    made_at: str
    version: str
    tables: dict[str, TableSum] = field(default_factory=dict)
    files: int = 0
    file_bytes: int = 0
    vectors: dict[str, int] = field(default_factory=dict)
    to_embed: int = 0
    """Passages whose vectors did not fit the rows any more when they were read; they are embedded again."""
    missing_files: list[str] = field(default_factory=list)
    purged_documents: int = 0
    """Documents that were deleted while the backup was made."""

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def fill(settings: Settings, source: Source, progress: Progress, *, is_the_same: bool) -> Report:
    """Put everything into the place of these settings. `is_the_same`: it goes on here at once (a move); otherwise time
    has passed, so what could do harm by then is ended (sessions, links, mail that waits).

    Raises PlaceNotEmpty, DataDirLocked, Conflict or Invalid before anything is done; CopyDiffers, or what a part of the
    product raises, with the place left to be filled again.
    """
    datadir = DataDir(settings.data_dir)
    datadir.prepare(to_restore=True)
    datadir.lock()
    try:
        with _Place(settings, datadir) as place:
            return place.fill(source, progress, is_the_same=is_the_same)
    finally:
        datadir.unlock()


class _Place:
    """A database, a file store and a vector store that are to be filled."""

    def __init__(self, settings: Settings, datadir: DataDir) -> None:
        self._settings = settings
        self._datadir = datadir
        self._vectors = VectorStore.open(settings)
        self._database = Database(settings.resolved_database_url)
        self._files = open_files(settings)
        self._homes: dict[tuple[str, str], str] | None = None

    def __enter__(self) -> "_Place":
        return self

    def __exit__(self, *_: object) -> None:
        self._vectors.close()
        self._database.dispose()

    def fill(self, source: Source, progress: Progress, *, is_the_same: bool) -> Report:
        head = source.head
        if head.revision > newest_revision():
            raise Conflict(
                f"The backup is of Nexus Stream {head.version}, whose schema ({head.revision}) is newer than that of "
                f"this version ({newest_revision()}). Restore it with that version or a later one."
            )
        self._require_keys(head)
        self._require_empty()
        self._datadir.restoring_file.touch(mode=0o600)
        self._make_schema(head.revision)
        # SQLite: the lock to write is taken at the beginning, as in Database.transaction.
        engine = self._database.engine.execution_options(sqlite_begin="IMMEDIATE")
        with engine.connect() as connection:
            tables = tables_of(connection, head.tables)
            if sorted(table.name for table in tables) != sorted(head.tables):
                raise BackupDamaged("The backup has tables that its schema does not have. Use another one.")
            for table in reversed(tables):
                connection.execute(delete(table))
            by_name = {table.name: table for table in tables}
            for part in source.parts(progress):
                match part:
                    case Rows():
                        write_rows(connection, by_name[part.table], part.lines)
                    case VectorBatch():
                        self._put_vectors(connection, part)
                    case File():
                        self._put_file(part)
                    case DataFile():
                        self._put_data_file(part)
            summary = source.summary
            _compare_rows(connection, tables, summary, progress)
            set_sequences(connection, tables)
            analyze(connection, tables)
            if head.revision != newest_revision():
                upgrade_within(connection)
            with Session(connection, join_transaction_mode="rollback_only") as session:
                report = self._settle(session, head, summary, is_the_same=is_the_same)
                session.flush()
            connection.commit()
        self._datadir.restoring_file.unlink()
        return report

    # --- before

    def _require_keys(self, head: Head) -> None:
        here = {key_id(key) for key in keys_of(self._settings)}
        missing = set(head.keys) - here
        if not missing or (head.has_key and not here):
            return
        if not here:
            raise Invalid(
                "The secrets in the backup (second factors, signing keys) are encrypted with a key that is not in it. "
                "Set NEXUS_SECRET_KEYS to that key (the setting, or `secret.key` of the data directory, where the "
                "backup was made), and try again."
            )
        if not self._settings.secret_keys:
            raise PlaceNotEmpty(
                f"{self._settings.data_dir / SECRET_KEY} exists already, and is not the key of the backup. Use another "
                "data directory, or move it away."
            )
        raise Invalid(
            "The secrets there are encrypted with another key than those of NEXUS_SECRET_KEYS here. Add the key of the "
            "place that they come from (its NEXUS_SECRET_KEYS, or `secret.key` of its data directory) behind the "
            "others, or unset NEXUS_SECRET_KEYS to go on with the key of the backup, where that has it."
        )

    def _require_empty(self) -> None:
        """Raise PlaceNotEmpty unless there is nothing, or what an interrupted restore has left, which is removed."""
        where = "the database" if self._settings.database_url else str(self._settings.data_dir)
        began_before = self._datadir.restoring_file.exists()
        if (found := _first_rows(self._database)) is not None:
            self._datadir.restoring_file.unlink(missing_ok=True)  # its end was all that was left to be noted
            raise PlaceNotEmpty(
                f"There is something in {where} already (table {found}). Restore into an empty place: another data "
                "directory (--data-dir, NEXUS_DATA_DIR) or a new database (NEXUS_DATABASE_URL)."
            )
        collections = [name for name in self._vectors.collections() if name.startswith(_COLLECTIONS)]
        if collections and not began_before:
            raise PlaceNotEmpty(
                f"The vector store ({self._settings.chroma_url or self._settings.vectors_dir}) has collections of "
                f"Nexus Stream already, such as {collections[0]}. Use an empty one, or delete them."
            )
        for name in collections:
            self._vectors.drop(name)
        # A replica of another database; it builds itself from this one.
        if self._settings.keywords_dir.exists():
            shutil.rmtree(self._settings.keywords_dir)

    def _make_schema(self, revision: str) -> None:
        if (there := revision_of(self._database)) is not None and there > revision:  # and empty
            drop_schema(self._database)
        upgrade(self._database, revision)

    # --- the parts

    def _put_vectors(self, connection: Connection, batch: VectorBatch) -> None:
        """Write vectors to the collections that the rows name, and read them back."""
        if self._homes is None:
            rows = connection.execute(select(SpaceIndex.space_id, SpaceIndex.fingerprint, SpaceIndex.collection))
            self._homes = {(space_id, fingerprint): collection for space_id, fingerprint, collection in rows}
        by_collection: dict[str, list[VectorRow]] = {}
        for row in batch.rows:
            home = self._homes.get((row.space_id, batch.fingerprint))
            if home is None:
                raise BackupDamaged(f"The backup has a vector of a space that it does not have ({row.id}).")
            by_collection.setdefault(home, []).append(row)
        for collection, rows_of in by_collection.items():
            self._vectors.upsert(collection, rows_of)
            there = self._vectors.get(collection, [row.id for row in rows_of])
            for row in rows_of:
                if (found := there.get(row.id)) is None or not _same_vector(row, found):
                    raise CopyDiffers(f"The vector of {row.id} was not kept as it was written. Try again.")

    def _put_file(self, part: File) -> None:
        """Store a file, and read it back."""
        with part.open() as content:
            stored = self._files.put(content, max(part.size, 1))
        with self._files.existing(stored.sha256).open("rb") as there:
            found = hashlib.file_digest(there, "sha256").hexdigest()
        if stored.sha256 != part.sha256 or found != part.sha256:
            raise CopyDiffers(f"The file {part.sha256[:12]}… was not kept as it was written. Try again.")

    def _put_data_file(self, part: DataFile) -> None:
        if part.path != SECRET_KEY and not KEPT_EVALUATIONS.fullmatch(part.path):
            raise BackupDamaged(f"The backup has a file {part.path!r} that does not belong there. Use another one.")
        if part.path == SECRET_KEY and self._settings.secret_keys:
            return  # it is among these, which is where it is looked for
        path = self._settings.data_dir / part.path
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(part.data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    # --- after

    def _settle(self, session: Session, head: Head, summary: Summary, *, is_the_same: bool) -> Report:
        """Make of the rows what they mean here and now."""
        report = Report(
            made_at=head.made_at,
            version=head.version,
            tables=summary.tables,
            files=summary.files,
            file_bytes=summary.file_bytes,
            vectors=dict(summary.vectors),
            missing_files=summary.missing_files,
        )
        _end_leases(session)
        if not is_the_same:
            _end_what_has_passed(session)
        report.purged_documents = _delete_purged(session, summary.purged_files)
        report.to_embed = self._embed_missing(session, summary)
        record(
            session,
            COMMAND_LINE,
            "backup.moved" if is_the_same else "backup.restored",
            "backup",
            made_at=head.made_at,
            version=head.version,
            rows=sum(table.rows for table in report.tables.values()),
            files=report.files,
            vectors=sum(report.vectors.values()),
            to_embed=report.to_embed,
            missing_files=len(report.missing_files),
        )
        return report

    def _embed_missing(self, session: Session, summary: Summary) -> int:
        """Have sources looked at again whose vectors are not all there; gives how many are missing. Another model than
        the active one begins anew to follow: it embeds what it does not have."""
        active = active_model(session)
        missing = 0
        chunks = session.scalar(select(func.count(Chunk.id))) or 0
        for model in session.scalars(select(IndexModel)).all():
            if summary.vectors.get(model.fingerprint, 0) == chunks:
                continue
            is_active = active is not None and model.id == active.id
            # A model that is being built has no vectors yet of what comes later.
            upto = None if is_active else model.position
            sources: set[SourceKey] = set()
            for ids in self._missing_vectors(session, model.fingerprint, upto):
                missing += len(ids) if is_active else 0
                sources.update(source_of(id_) for id_ in ids)
            if sources and is_active:
                look_again(session, sorted(sources))
            elif sources:
                model.position = 0
        return missing

    def _missing_vectors(self, session: Session, fingerprint: str, upto: int | None) -> Iterator[list[str]]:
        last = ""
        placed = (SpaceIndex.space_id == Chunk.space_id) & (SpaceIndex.fingerprint == fingerprint)
        chunks = select(Chunk.id, SpaceIndex.collection).outerjoin(SpaceIndex, placed)
        if upto is not None:
            of_source = (IndexState.source_kind == Chunk.source_kind) & (IndexState.source_id == Chunk.source_id)
            chunks = chunks.join(IndexState, of_source).where(IndexState.change_seq <= upto)
        while page := session.execute(chunks.where(Chunk.id > last).order_by(Chunk.id).limit(BATCH)).all():
            last = page[-1].id
            by_collection: dict[str, list[str]] = {}
            for id_, collection in page:
                by_collection.setdefault(collection or "", []).append(id_)
            for collection, ids in by_collection.items():
                there = self._vectors.get(collection, ids) if collection else {}
                yield [id_ for id_ in ids if id_ not in there]


def _first_rows(database: Database) -> str | None:
    """A table of ours that has rows, other than those that the migrations make; None: there is none."""
    with database.engine.connect() as connection:
        for table in tables_of(connection, sorted(Base.metadata.tables)):
            if table.name not in _SEEDED and connection.scalar(select(exists().select_from(table))):
                return str(table.name)
    return None


def _compare_rows(connection: Connection, tables: Iterable[Table], summary: Summary, progress: Progress) -> None:
    """Read all rows back. Raises CopyDiffers."""
    total, done = sum(table.rows for table in summary.tables.values()), 0
    for table in tables:
        found = TableSum()
        for rows in read_rows(connection, table):
            found.add(rows.lines)
            done += len(rows.lines)
            progress("Comparing rows", done, total)
        expected = summary.tables.get(table.name, TableSum())
        if found != expected:
            raise CopyDiffers(
                f"The table {table.name} has {found.rows} rows now, which are not the {expected.rows} that it should "
                "have. Nothing was kept."
            )


def _same_vector(row: VectorRow, found: VectorRow) -> bool:
    return (
        (row.space_id, row.content_sha256) == (found.space_id, found.content_sha256)
        and row.embedding.shape == found.embedding.shape
        and bool(np.abs(row.embedding - found.embedding).max() <= _NOTHING_LOST)
    )


def _end_leases(session: Session) -> None:
    """Whoever held them works elsewhere."""
    session.execute(update(OutboxEvent).where(OutboxEvent.leased_until.is_not(None)).values(leased_until=None))
    session.execute(update(ModelChange).values(builder=None, leased_until=None, turning_until=None))


def _end_what_has_passed(session: Session) -> None:
    """End what may have been used up, or taken back, between the backup and now."""
    now = utcnow()
    session.execute(update(LoginSession).where(LoginSession.revoked_at.is_(None)).values(revoked_at=now))
    session.execute(update(OneTimeToken).where(OneTimeToken.used_at.is_(None)).values(used_at=now))
    session.execute(
        update(MailMessage)
        .where(MailMessage.next_try_at.is_not(None))
        .values(next_try_at=None, body_encrypted=None, error="It was waiting when a backup was made that was restored.")
    )


def _delete_purged(session: Session, purged: list[str]) -> int:
    """Delete again what was deleted while the backup was made; gives how many documents that are."""
    count = 0
    for sha256 in purged:
        session.execute(update(User).where(User.avatar_sha256 == sha256).values(avatar_sha256=None))
        documents = select(DocumentVersion.document_id).where(DocumentVersion.sha256 == sha256)
        for document_id in session.scalars(
            select(Document.id).where(Document.id.in_(documents), Document.deleted_at.is_(None))
        ).all():
            session.execute(update(Document).where(Document.id == document_id).values(deleted_at=utcnow()))
            request_index(session, Document.__source_kind__, document_id)
            count += 1
    return count
