"""Databases for tests, on SQLite and on PostgreSQL. Migrations run once for each kind; the others are copies."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import psycopg

from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.models import new_id


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The database at a URL, let go of at the end."""
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()


class SqliteDatabases:
    """Makes database files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def bare(self) -> str:
        """The URL of a database without tables."""
        return f"sqlite:///{self._folder / new_id()}.db"

    def copy(self) -> str:
        """The URL of a new database at the current schema."""
        return self.copy_of(f"sqlite:///{self.template}")

    def copy_of(self, url: str) -> str:
        """The URL of a new database that holds what another does, which nobody uses now."""
        path = self._folder / f"{new_id()}.db"
        shutil.copy(url.removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"

    def drop(self, url: str) -> None:
        """Remove a database."""
        Path(url.removeprefix("sqlite:///")).unlink(missing_ok=True)

    @cached_property
    def template(self) -> Path:
        """A database file at the current schema, to be copied."""
        path = self._folder / "template.db"
        with opened(f"sqlite:///{path}") as database:
            upgrade(database)
            with database.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return path


class PostgresqlDatabases:
    """Makes databases on a server; `server` is the URL of one that exists.

    To make one takes longer than most tests. What was given out by `copy` is emptied, and given out again.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._copies: set[str] = set()
        self._free: list[str] = []

    def bare(self) -> str:
        """The URL of a database without tables."""
        return self._create("template0")

    def copy(self) -> str:
        """The URL of a new database at the current schema."""
        if self._free:
            return self._free.pop()
        url = self._create(self._template.name)
        self._copies.add(url)
        return url

    def copy_of(self, url: str) -> str:
        """The URL of a new database that holds what another does, which nobody uses now."""
        return self._create(_name(url))

    def drop(self, url: str) -> None:
        """Remove a database: hundreds of them are gigabytes."""
        if url in self._copies:
            if self._template.restore(url):
                self._free.append(url)
                return
            self._copies.remove(url)
        self._run(f"DROP DATABASE {_name(url)} WITH (FORCE)")

    @cached_property
    def _template(self) -> "Template":
        url = self.bare()
        with opened(url) as database:
            upgrade(database)
        return Template(url)

    def _create(self, template: str) -> str:
        name = "t" + new_id().replace("-", "")
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._server.rsplit("/", 1)[0] + f"/{name}"

    def _run(self, statement: str) -> None:
        with psycopg.connect(self._server.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement)


class Template:
    """A PostgreSQL database at the current schema, with the few rows that migrations have put there."""

    def __init__(self, url: str) -> None:
        self.name = _name(url)
        with _connected(url) as connection:
            names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            self._tables = [name for (name,) in names]
            self._rows = {name: rows for name in self._tables if (rows := _copied_out(connection, name))}
            self._shape = _shape(connection)

    def restore(self, url: str) -> bool:
        """Make a copy what it was at first; gives whether that could be done: not where the schema was changed."""
        with _connected(url) as connection:
            connection.execute(_END_THE_OTHERS)
            if _shape(connection) != self._shape:
                return False
            # Neither foreign keys nor the triggers that keep the audit log whole.
            connection.execute("SET session_replication_role = replica")
            connection.execute(";".join(f"DELETE FROM {name}" for name in self._tables))
            for name, rows in self._rows.items():
                with connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                    copy.write(rows)
            connection.execute("SELECT setval(sequencename::regclass, start_value, false) FROM pg_sequences")
        return True


_END_THE_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_SHAPE = """SELECT (SELECT count(*) FROM pg_class WHERE relpersistence = 'p'), (SELECT count(*) FROM pg_attribute),
    (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_constraint)"""


def _shape(connection: psycopg.Connection) -> tuple[int, ...] | None:
    """Numbers that a change of the schema changes."""
    return connection.execute(_SHAPE).fetchone()


def _copied_out(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
        return b"".join(bytes(block) for block in copy)


def _name(url: str) -> str:
    return url.rsplit("/", 1)[1]


def _connected(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("+psycopg", ""))


Databases = SqliteDatabases | PostgresqlDatabases


@contextmanager
def borrowed(databases: Databases, *, bare: bool = False) -> Iterator[Database]:
    """A new database, gone afterwards; `bare`: without tables."""
    url = databases.bare() if bare else databases.copy()
    try:
        with opened(url) as database:
            yield database
    finally:
        databases.drop(url)
