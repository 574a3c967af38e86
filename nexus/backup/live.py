"""The running product as a source: one state of the database, and the files and vectors that belong to it.

Rows are read in one transaction, which sees one state however much is written meanwhile. Then come the vectors: of
those that have changed since, the ones that still fit the rows. Files never change; one that is gone when its turn
comes was deleted, with what named it, after the rows had been read, which is noted.
"""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Self

import httpx
from sqlalchemy import Connection, func, select, text

from core_api.infra.database import Database
from core_api.infra.errors import Conflict, NexusError, NotFound
from core_api.infra.migrate import newest_revision, revision_of
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from core_api.models import Base, Chunk, DocumentVersion, IndexModel, SpaceIndex, User, utcnow
from nexus.backup.contents import FORMAT, DataFile, File, Head, Part, Progress, Summary, TableSum
from nexus.backup.rows import count, read_rows, tables_of
from nexus.connection import checked, connect
from nexus.datadir import DataDir
from retrieval.carrying import VectorBatch, read_batches, read_file
from retrieval.vectors import VectorStore

SECRET_KEY = "secret.key"  # noqa: S105 - a file's name
KEPT_EVALUATIONS = re.compile(r"evals/[A-Za-z0-9][A-Za-z0-9._-]*\.(json|jsonl|html)")
"""Golden sets and runs of evaluations, which `nexus eval gate` compares with."""

_FETCHED = 1_000
_EXPORT = "/api/v1/index/vectors/export"
_STORED_FILES = (
    select(DocumentVersion.sha256)
    .union(select(User.avatar_sha256).where(User.avatar_sha256.is_not(None)))
    .order_by("sha256")
)
Vectors = Callable[[], Iterator[VectorBatch]]


class LiveProduct:
    """Reads the product of these settings. A context manager.

    Raises NotFound where there is none, and Conflict where its database is of another version.
    """

    def __init__(self, settings: Settings, vectors: Vectors, *, with_key: bool = True) -> None:
        self._settings = settings
        self._vectors = vectors
        self._with_key = with_key
        self._files = open_files(settings)
        self._open = contextlib.ExitStack()
        self.summary = Summary()
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise

    def _start(self) -> None:
        database = self._database = open_existing(self._settings)
        self._open.callback(database.dispose)
        connection = self._open.enter_context(database.engine.connect())
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._snapshot: Connection = connection
        connection.execute(text("SELECT 1 FROM users LIMIT 1"))  # from here on one state is seen
        self._tables = tables_of(connection, sorted(Base.metadata.tables))
        keys = keys_of(self._settings)
        self._key = keys[0] if self._with_key and not self._settings.secret_keys and keys else None
        self.head = Head(
            format=FORMAT,
            version=version("nexus-stream"),
            revision=newest_revision(),
            made_at=utcnow().isoformat(),
            tables=[table.name for table in self._tables],
            keys=[key_id(each) for each in keys],
            has_key=self._key is not None,
        )

    def parts(self, progress: Progress) -> Iterator[Part]:
        """The parts; `summary` counts them."""
        for part in self._parts(progress):
            self.summary.add(part)
            yield part

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _parts(self, progress: Progress) -> Iterator[Part]:
        total = sum(count(self._snapshot, table) for table in self._tables)
        done = 0
        for table in self._tables:
            self.summary.tables[table.name] = TableSum()
            for rows in read_rows(self._snapshot, table):
                done += len(rows.lines)
                yield rows
                progress("Rows", done, total)
        yield from self._fitting_vectors(progress)
        yield from self._stored_files(progress)
        yield from self._data_files()

    def _fitting_vectors(self, progress: Progress) -> Iterator[VectorBatch]:
        chunks = count(self._snapshot, Base.metadata.tables[Chunk.__tablename__])
        known_models = set(self._snapshot.scalars(select(IndexModel.fingerprint)))
        done, total = 0, chunks * len(known_models)
        for batch in self._vectors():
            known = self._snapshot.execute(
                select(Chunk.id, Chunk.space_id, Chunk.content_sha256)
                .join(SpaceIndex, SpaceIndex.space_id == Chunk.space_id)
                .where(SpaceIndex.fingerprint == batch.fingerprint, Chunk.id.in_([row.id for row in batch.rows]))
            )
            expected = {id_: (space_id, sha) for id_, space_id, sha in known}
            fitting = [row for row in batch.rows if expected.get(row.id) == (row.space_id, row.content_sha256)]
            done += len(batch.rows)
            if fitting and batch.fingerprint in known_models:
                yield VectorBatch(batch.fingerprint, fitting)
            progress("Vectors", min(done, total), total)

    def _stored_files(self, progress: Progress) -> Iterator[File]:
        total = self._snapshot.scalar(select(func.count()).select_from(_STORED_FILES.subquery())) or 0
        named = self._snapshot.scalars(_STORED_FILES, execution_options={"yield_per": _FETCHED})
        for number, sha256 in enumerate(named, 1):
            yield from self._stored_file(sha256)
            progress("Files", number, total)

    def _stored_file(self, sha256: str) -> Iterator[File]:
        """The file of a hash; nothing where it is missing, damaged or has just been deleted, which is noted."""
        try:
            # Held open until it has been read: deleted from now on, it is still there.
            with self._files.existing(sha256).open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() == sha256:
                    size = content.tell()
                    content.seek(0)
                    yield File(sha256, size, lambda: contextlib.nullcontext(content))
                    return
        except (NotFound, FileNotFoundError):
            with self._database.reading() as session:
                named_now = session.scalar(select(_STORED_FILES.subquery().c.sha256).filter_by(sha256=sha256).limit(1))
            if named_now is None:
                self.summary.purged_files.append(sha256)
                return
        self.summary.missing_files.append(sha256)

    def _data_files(self) -> Iterator[DataFile]:
        folder = self._settings.data_dir
        for path in sorted((folder / "evals").glob("*")):
            name = path.relative_to(folder).as_posix()
            if KEPT_EVALUATIONS.fullmatch(name) and path.is_file():
                yield DataFile(name, path.read_bytes())
        if self._key is not None:
            yield DataFile(SECRET_KEY, f"{self._key}\n".encode())


def keys_of(settings: Settings) -> list[str]:
    """The keys that encrypt secrets: those of the settings, else the one in the data directory, where there is one."""
    path = settings.data_dir / SECRET_KEY
    if settings.secret_keys or not path.exists():
        return [key.get_secret_value() for key in settings.secret_keys]
    return [path.read_text(encoding="ascii").strip()]


def key_id(key: str) -> str:
    """By what a key that encrypts secrets is known again, without being told: it is random, so nobody guesses it."""
    return hashlib.sha256(key.encode()).hexdigest()


def open_existing(settings: Settings) -> Database:
    """The database of these settings as it is. Raises NotFound, RestoreUnfinished, or Conflict where its schema is
    another one."""
    DataDir(settings.data_dir).require_restored()
    where = settings.database_url and "the database of NEXUS_DATABASE_URL"
    if where is None:
        where = str(settings.data_dir)
        if not (settings.data_dir / "nexus.db").is_file():
            raise NotFound(f"There is no data directory of Nexus Stream in {where}.")
    database = Database(settings.resolved_database_url)
    revision = revision_of(database)
    if revision is None:
        database.dispose()
        raise NotFound(f"There is nothing of Nexus Stream in {where}.")
    if revision != newest_revision():
        database.dispose()
        raise Conflict(
            f"The schema of {where} is {revision}, and that of this version is {newest_revision()}. Start the server "
            "of this version once (`nexus serve`), which brings it up to date, or use the version that it belongs to."
        )
    return database


@contextlib.contextmanager
def vectors_of(settings: Settings) -> Iterator[Vectors]:
    """How to read the vectors of these settings: from the Chroma server, from the embedded Chroma, or, where a server
    of the data directory has that one open, through it.

    Raises what `open_existing` does (so that nothing is made where nothing is), and DataDirLocked where another command
    has the embedded Chroma open.
    """
    open_existing(settings).dispose()
    if settings.chroma_url is not None:
        with VectorStore.open(settings) as store:
            yield lambda: _read(settings, store)
        return
    datadir = DataDir(settings.data_dir)
    if datadir.running_server() is not None:
        yield lambda: _from_server(settings)
        return
    datadir.lock()
    try:
        with VectorStore.open(settings) as store:
            yield lambda: _read(settings, store)
    finally:
        datadir.unlock()


def _read(settings: Settings, store: VectorStore) -> Iterator[VectorBatch]:
    database = Database(settings.resolved_database_url)
    try:
        with database.reading() as session:
            for batch in read_batches(session, store):
                session.rollback()
                yield batch
    finally:
        database.dispose()


def _from_server(settings: Settings) -> Iterator[VectorBatch]:
    """Have the server put its vectors into a file of the data directory, which only who has that can read."""

    async def ask() -> str:
        async with connect(settings) as client:
            return str(checked(await client.post(_EXPORT, timeout=None))["name"])

    try:
        path = settings.exports_dir / Path(asyncio.run(ask())).name
    except httpx.TransportError as error:
        raise NexusError(f"The server of {settings.data_dir} did not give its vectors ({error}). Try again.") from error
    try:
        yield from read_file(path)
    finally:
        path.unlink(missing_ok=True)
