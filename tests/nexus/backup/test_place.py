"""Empty places and what is in the way; restores that are interrupted; older versions; moving to server mode."""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, inspect, select, text

from core_api.auth.sessions import Device, start_browser_session
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.errors import Conflict, Invalid, NexusError, NotFound
from core_api.infra.migrate import newest_revision, revision_of, upgrade
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from core_api.infra.vault import new_key
from core_api.models import Chunk, Document, DocumentVersion, LoginSession, OutboxEvent, User
from nexus.backup import live
from nexus.backup.contents import File, Head, Part, PlaceNotEmpty, Progress, Rows, Summary, TableSum
from nexus.backup.live import LiveProduct, vectors_of
from nexus.backup.place import Report, fill
from nexus.datadir import DataDir, RestoreUnfinished
from nexus.owner import open_database
from retrieval.carrying import VectorBatch
from retrieval.vectors import VectorStore
from tests.databases import Databases, PostgresqlDatabases, borrowed, opened
from tests.modes import environment_of
from tests.nexus.backup.company import Source, as_json, citations, everything_found
from tests.nexus.backup.conftest import Place
from tests.product import run_nexus, running_product


def no_progress(*_: object) -> None:
    pass


@pytest.fixture
def copy(still: Source, tmp_path: Path) -> Settings:
    """A data directory of its own with the company in it."""
    shutil.copytree(still.settings.data_dir, tmp_path / "company", ignore=shutil.ignore_patterns("lock", "*.lock"))
    return still.settings.model_copy(update={"data_dir": tmp_path / "company"})


@pytest.fixture
def empty(still: Source, tmp_path: Path) -> Settings:
    """An empty data directory."""
    return still.settings.model_copy(update={"data_dir": tmp_path / "empty"})


def carry(source: Settings, target: Settings, wrap: Callable[[LiveProduct], "Wrapped"] | None = None) -> Report:
    with vectors_of(source) as vectors, LiveProduct(source, vectors) as found:
        return fill(target, wrap(found) if wrap else found, no_progress, is_the_same=False)


class Wrapped:
    """A source that something happens to on the way."""

    def __init__(self, source: LiveProduct) -> None:
        self._source = source
        self.head = source.head

    @property
    def summary(self) -> Summary:
        return self._source.summary

    def parts(self, progress: Progress) -> Iterator[Part]:
        for part in self._source.parts(progress):
            yield self.change(part)

    def change(self, part: Part) -> Part:
        return part


def test_a_data_directory_moves_to_server_mode(still: Source, copy: Settings, new_place: Place) -> None:
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in copy.files_dir.glob("*/*")}
    with Database(copy.resolved_database_url).transaction() as session:
        owner, _ = ensure_owner(session)
        session.execute(delete(OutboxEvent))
        session.execute(insert(OutboxEvent).values(id=41, source_kind="document", source_id=still.documents["Travel"]))
        cookie = start_browser_session(session, owner.user_id, timedelta(days=1), Device())
    target = new_place("server")
    moving = run_nexus(environment_of(target), "migrate-to-server", "--from", str(copy.data_dir), "--json")
    report = as_json(moving)
    assert report["to_embed"] == 0
    assert report["tables"]["chunks"]["rows"] == sum(report["vectors"].values()) > 0
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in copy.files_dir.glob("*/*")} == before
    with opened(copy.resolved_database_url) as database, database.reading() as session:
        assert session.scalar(select(func.count(LoginSession.id)).where(LoginSession.revoked_at.is_(None))) > 0
    with opened(target.resolved_database_url) as database, database.transaction() as session:
        assert (
            session.scalar(insert(OutboxEvent).values(source_kind="document", source_id="x").returning(OutboxEvent.id))
            == 42
        )
        session.execute(delete(OutboxEvent))
        known = session.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'chunks'::regclass"))
        assert known == report["tables"]["chunks"]["rows"], "PostgreSQL can plan at once"
    with running_product(target) as client:
        assert client.post("/api/v1/index/reconcile", json={}).json()["consistent"]
        assert everything_found(client) == still.seen
        assert all(citations(client))
        client.headers.pop("Authorization")
        client.cookies.set("nexus_session", cookie)
        assert client.get("/api/v1/users/me").status_code == 200, "who was signed in stays so"
    again = run_nexus(environment_of(target), "migrate-to-server", "--from", str(copy.data_dir))
    assert (again.returncode, "empty place" in again.stderr) == (1, True)


def test_what_is_missing_to_move_is_told(still: Source, empty: Settings, tmp_path: Path) -> None:
    environment = environment_of(empty)
    nowhere = run_nexus(environment, "migrate-to-server", "--from", str(still.settings.data_dir))
    assert "NEXUS_CHROMA_URL" in nowhere.stderr
    for command in (("backup", str(tmp_path / "x")), ("restore", str(tmp_path / "x"))):
        refused = run_nexus({**environment, "NEXUS_SERVER_URL": "http://elsewhere.example"}, *command)
        assert "where the data are" in refused.stderr
    nothing = run_nexus(environment, "backup", str(tmp_path / "x"))
    assert "There is no data directory" in nothing.stderr
    short = run_nexus({**environment, "NEXUS_BACKUP_PASSPHRASE": "short"}, "backup", str(tmp_path / "x"))
    assert "characters or more" in short.stderr
    assert not (tmp_path / "x").exists()
    assert not empty.data_dir.exists(), "nothing is made where nothing is"


def test_an_interrupted_restore_says_so_and_can_begin_anew(still: Source, empty: Settings) -> None:
    class Interrupted(Wrapped):
        def change(self, part: Part) -> Part:
            if isinstance(part, File):
                raise KeyboardInterrupt
            return part

    with pytest.raises(KeyboardInterrupt):
        carry(still.settings, empty, Interrupted)
    with pytest.raises(RestoreUnfinished, match="again"):
        DataDir(empty.data_dir).prepare()
    with pytest.raises(RestoreUnfinished), vectors_of(empty):
        pass
    with VectorStore.open(empty) as store:
        assert store.collections()
    with opened(empty.resolved_database_url) as database, database.reading() as session:
        assert session.scalars(select(User)).all() == []
    assert carry(still.settings, empty).to_embed == 0
    DataDir(empty.data_dir).prepare()
    with running_product(empty) as client:
        report = client.post("/api/v1/index/reconcile", json={}).json()
        assert (report["consistent"], report["vectors"]) == (True, report["chunks"])


def test_what_does_not_come_as_it_was_is_not_kept(still: Source, empty: Settings) -> None:
    class Falsified(Wrapped):
        def change(self, part: Part) -> Part:
            if isinstance(part, Rows) and part.table == "users":
                lines = [line.replace(b'"Kim"', b'"Lee"') for line in part.lines]
                return Rows(part.table, lines)
            return part

    with pytest.raises(NexusError, match="table users"):
        carry(still.settings, empty, Falsified)
    with opened(empty.resolved_database_url) as database, database.reading() as session:
        assert session.scalars(select(User)).all() == []


def test_vectors_that_are_missing_are_made_again(still: Source, empty: Settings) -> None:
    class Short(Wrapped):
        def change(self, part: Part) -> Part:
            if isinstance(part, VectorBatch):
                part = VectorBatch(part.fingerprint, part.rows[1:])
                self.summary.vectors[part.fingerprint] = len(part.rows)
            return part

    assert carry(still.settings, empty, Short).to_embed == 1
    with running_product(empty) as client:
        assert client.app.state.ingest.wait_idle(60)  # type: ignore[attr-defined]
        report = client.post("/api/v1/index/reconcile", json={}).json()
        assert (report["consistent"], report["vectors"]) == (True, report["chunks"])


def test_what_was_deleted_meanwhile_is_deleted_here_too(still: Source, copy: Settings, empty: Settings) -> None:
    travel = still.documents["Travel"]
    with vectors_of(copy) as vectors, LiveProduct(copy, vectors) as found:
        with opened(copy.resolved_database_url) as database, database.transaction() as session:
            sha256 = session.scalars(select(DocumentVersion.sha256).where(DocumentVersion.document_id == travel)).one()
            session.delete(session.get_one(Document, travel))
            picture = session.scalars(select(User).where(User.avatar_sha256.is_not(None))).one()
            before, picture.avatar_sha256 = picture.avatar_sha256, None
        assert before is not None
        for gone in (sha256, before):
            open_files(copy).delete(gone)
        report = fill(empty, found, no_progress, is_the_same=False)
    assert (report.missing_files, report.purged_documents) == ([], 1)
    with running_product(empty) as client:
        assert client.app.state.ingest.wait_idle(60)  # type: ignore[attr-defined]
        assert client.get(f"/api/v1/documents/{travel}").status_code == 404
        assert client.post("/api/v1/index/reconcile", json={}).json()["consistent"]


def test_files_that_were_missing_before_are_told(still: Source, copy: Settings, empty: Settings) -> None:
    files = open_files(copy)
    with opened(copy.resolved_database_url) as database, database.reading() as session:
        named = session.scalars(select(DocumentVersion.sha256).order_by(DocumentVersion.sha256).limit(2)).all()
    files.existing(named[0]).unlink()
    files.existing(named[1]).write_bytes(b"rotten")
    assert carry(copy, empty).missing_files == named


def test_only_an_empty_place_is_filled(still: Source, empty: Settings, new_place: Place) -> None:
    empty.data_dir.mkdir()
    open_database(empty).dispose()
    with pytest.raises(PlaceNotEmpty, match="another data directory"):
        carry(still.settings, empty)
    server = new_place("server")
    with VectorStore.open(server) as store, vectors_of(still.settings) as vectors:
        store.upsert("space-somebody-elses", next(iter(vectors())).rows)
    with pytest.raises(PlaceNotEmpty, match="space-somebody-elses"):
        carry(still.settings, server)
    with pytest.raises(NotFound, match="nothing of Nexus Stream"):
        carry(server, empty)


def test_secrets_come_with_their_key_or_not_at_all(still: Source, copy: Settings, empty: Settings) -> None:
    key = (copy.data_dir / "secret.key").read_text().strip()

    def with_keys(*keys: str) -> Settings:
        return Settings(**{**empty.model_dump(), "secret_keys": list(keys)})

    with pytest.raises(Invalid, match="behind"):
        carry(copy, with_keys(new_key()))
    empty.data_dir.mkdir(exist_ok=True)
    (empty.data_dir / "secret.key").write_text(new_key())
    with pytest.raises(PlaceNotEmpty, match=r"secret\.key"):
        carry(copy, empty)
    (empty.data_dir / "secret.key").unlink()
    with vectors_of(copy) as vectors, LiveProduct(copy, vectors, with_key=False) as found:
        assert not found.head.has_key
        with pytest.raises(Invalid, match="Set NEXUS_SECRET_KEYS"):
            fill(empty, found, no_progress, is_the_same=False)
    with vectors_of(copy) as vectors, LiveProduct(copy, vectors, with_key=False) as found:
        fill(with_keys(new_key(), key), found, no_progress, is_the_same=False)
    assert not (empty.data_dir / "secret.key").exists()


class OldProduct:
    """What a version with an older schema would have backed up."""

    def __init__(self, database: Database, revision: str) -> None:
        with database.engine.connect() as connection:
            names = sorted(set(inspect(connection).get_table_names()) - {"alembic_version"})
            self._tables = live.tables_of(connection, names)
            self._rows = [rows for table in self._tables for rows in live.read_rows(connection, table)]
        order = [table.name for table in self._tables]
        self.head = Head(1, "0.0.9", revision, "2026-01-01T00:00:00+00:00", order, [], False)
        self.summary = Summary({name: TableSum() for name in order})

    def parts(self, progress: Progress) -> Iterator[Part]:
        for rows in self._rows:
            self.summary.add(rows)
            yield rows


@pytest.mark.parametrize("there", ["nothing", "older", "newer"])
def test_an_older_backup_is_brought_up_to_date(databases: Databases, empty: Settings, there: str) -> None:
    with borrowed(databases, bare=True) as old, borrowed(databases, bare=True) as new:
        upgrade(old, "0005")
        with old.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO users (id, name, role, email, created_at) "
                    "VALUES ('u', 'Kim', 'admin', 'kim@a.example', '2026-01-01 00:00:00+00:00')"
                    if connection.dialect.name == "postgresql"
                    else "INSERT INTO users (id, name, role, email, created_at) "
                    "VALUES ('u', 'Kim', 'admin', 'kim@a.example', '2026-01-01 00:00:00.000000')"
                )
            )
        if there != "nothing":
            upgrade(new, {"older": "0002", "newer": "head"}[there])
        settings = empty.model_copy(update={"database_url": new.url})
        fill(settings, OldProduct(old, "0005"), no_progress, is_the_same=False)
        assert revision_of(new) == newest_revision()
        with new.reading() as session:
            kim = session.scalars(select(User)).one()
            assert (kim.name, kim.created_at.isoformat()) == ("Kim", "2026-01-01T00:00:00+00:00")
            assert session.scalars(select(Chunk)).all() == []


def test_a_newer_backup_is_refused(still: Source, empty: Settings) -> None:
    class Newer(Wrapped):
        def __init__(self, source: LiveProduct) -> None:
            super().__init__(source)
            self.head = dataclasses.replace(source.head, revision="9999", version="9.9")

    with pytest.raises(Conflict, match=r"9\.9"):
        carry(still.settings, empty, Newer)
    assert not (empty.data_dir / "restoring").exists()


def test_a_text_that_postgresql_does_not_take_is_told(
    copy: Settings, empty: Settings, postgresql_databases: PostgresqlDatabases
) -> None:
    with opened(copy.resolved_database_url) as database, database.transaction() as session:
        session.scalars(select(User)).first().name = "a\0b"  # type: ignore[union-attr]
    target = empty.model_copy(update={"database_url": postgresql_databases.bare()})
    with pytest.raises(Invalid, match="rows of users"):
        carry(copy, target)
    assert json.dumps("a\0b") not in (empty.data_dir / "restoring").read_text()
