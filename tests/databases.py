"""Databases for tests, on SQLite and on PostgreSQL. Migrations run once for each kind; the others are copies."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from sqlalchemy import create_engine, text

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
    """Makes databases on a server; `server` is the URL of one that exists."""

    def __init__(self, server: str) -> None:
        self._server = server

    def bare(self) -> str:
        """The URL of a database without tables."""
        return self._create("template0")

    def copy(self) -> str:
        """The URL of a new database at the current schema."""
        return self._create(self._template)

    def copy_of(self, url: str) -> str:
        """The URL of a new database that holds what another does, which nobody uses now."""
        return self._create(url.rsplit("/", 1)[1])

    @cached_property
    def _template(self) -> str:
        url = self.bare()
        with opened(url) as database:
            upgrade(database)
        return url.rsplit("/", 1)[1]

    def drop(self, url: str) -> None:
        """Remove a database: hundreds of them are gigabytes."""
        self._run(f"DROP DATABASE {url.rsplit('/', 1)[1]} WITH (FORCE)")

    def _create(self, template: str) -> str:
        name = "t" + new_id().replace("-", "")
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._server.rsplit("/", 1)[0] + f"/{name}"

    def _run(self, statement: str) -> None:
        admin = create_engine(self._server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(statement))
        admin.dispose()


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
