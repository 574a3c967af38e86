"""The engine and its sessions: synchronous SQLAlchemy on SQLite (WAL) or PostgreSQL."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from core_api import outbox
from core_api.infra import tracing
from core_api.models import MailMessage

# A server that is away is told of within seconds, and one that vanished without a word is not waited for: libpq's own
# answer is to wait for as long as the kernel does, two hours and more. What the URL says goes before.
_POSTGRESQL = {
    "connect_timeout": "5",
    "keepalives_idle": "20",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_POOL_SECONDS = 10
_TRUSTED_SECONDS = 1.0
"""A connection that was in use so lately is not asked whether it is still there."""
_PLANS_KEPT_SECONDS = 10.0
"""PostgreSQL keeps a plan until a table is analysed: one that met small tables is a hundred times slower on those that
an import has filled since."""
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeoutError)
"""What SQLAlchemy raises when the database cannot be reached, is too busy, or breaks off."""


def is_away(error: BaseException) -> bool:
    """Whether an error says that the database is away or busy, and not that it refuses what it was asked."""
    return isinstance(error, DATABASE_AWAY) or (isinstance(error, DBAPIError) and error.connection_invalidated)


class Database:
    """An engine with its sessions. One request or one task is one `transaction()`."""

    def __init__(self, url: str) -> None:
        self.url = url
        # What an error says goes to the log, where values of rows (content, secrets) have no place.
        options: dict[str, Any] = {"hide_parameters": True}
        if url.startswith("sqlite"):
            options["connect_args"] = {"timeout": 30, "check_same_thread": False}
            # Past its size a pool opens a connection for each use, which costs as much as a request; without an end,
            # since the event loop, which asks who calls, must never wait for one.
            options.update(pool_size=20, max_overflow=-1)
        else:
            given = make_url(url).query
            options["connect_args"] = {name: value for name, value in _POSTGRESQL.items() if name not in given}
            # The connection used last is used next: it has prepared its statements.
            options.update(pool_size=10, max_overflow=20, pool_timeout=_POOL_SECONDS, pool_use_lifo=True)
        self.engine: Engine = create_engine(url, **options)
        self._reading = self.engine
        if self.engine.dialect.name == "sqlite":
            _configure_sqlite(self.engine)
        else:
            _configure_postgresql(self.engine)
            # There is nothing to begin and to end in what only reads. (With each ROLLBACK, besides, the driver forgets
            # the statements that it has prepared.)
            self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._readers = sessionmaker(self._reading, expire_on_commit=False, autoflush=False)
        self._streams = sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        # Set after each commit that wrote outbox events, so that a relay in this process need not poll.
        self.outbox_written = threading.Event()
        # SQLite: a transaction that will write takes the write lock at its beginning. One that upgrades a read lock
        # later would fail at once, without waiting, when another has committed in between.
        self._writers = sessionmaker(
            self.engine.execution_options(sqlite_begin="IMMEDIATE"),
            expire_on_commit=False,
        )

        outbox.attach(self._writers, self.outbox_written, tracing.traceparent)
        # Set after each commit that queued mail, for the thread that sends it.
        self.mail_queued = threading.Event()
        _attach_mail(self._writers, self.mail_queued)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end, and rolls back when an error passes through."""
        with self._writers() as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for reading only. SQLite shows one consistent state, PostgreSQL to each statement the latest."""
        with self._readers() as session:
            yield session

    @contextmanager
    def streaming(self) -> Iterator[Session]:
        """A session for reading more rows than there should be in memory (`yield_per`): in a transaction, which a
        cursor of PostgreSQL needs."""
        with self._streams() as session:
            yield session

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """A connection for one question: a session costs as much again as a small query."""
        with self._reading.connect() as connection:
            yield connection

    def open_reader(self) -> Session:
        """A session as `reading` gives, for the caller to close."""
        return self._readers()

    @property
    def is_local(self) -> bool:
        """Whether the database is a file, so that nothing goes over a network."""
        return self.engine.dialect.name == "sqlite"

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _attach_mail(sessions: sessionmaker[Session], queued: threading.Event) -> None:
    @event.listens_for(sessions, "after_flush")
    def note(session: Session, _context: object) -> None:
        if any(isinstance(row, MailMessage) for row in session.new):
            session.info["mail_queued"] = True

    @event.listens_for(sessions, "after_commit")
    def signal(session: Session) -> None:
        if session.info.pop("mail_queued", False):
            queued.set()

    @event.listens_for(sessions, "after_rollback")
    def forget(session: Session) -> None:
        session.info.pop("mail_queued", None)


def _configure_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_parameters(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            # To compile a query takes longer than any of ours runs.
            cursor.execute("SET jit = off")
        connection.autocommit = False

    # As SQLAlchemy's `pool_pre_ping`, but not for what was in use a moment ago: under load that is every connection,
    # and a ping costs as much as a small query.
    @event.listens_for(engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def look_after(connection: Any, record: Any, _proxy: Any) -> None:
        now = time.monotonic()
        try:
            if now - record.info.get("used", now) > _TRUSTED_SECONDS:
                engine.dialect.do_ping(connection)
            if now - record.info.setdefault("planned", now) > _PLANS_KEPT_SECONDS:
                record.info["planned"] = now
                connection.autocommit = True
                connection.execute("DISCARD PLANS")
                connection.autocommit = False
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the pool opens another, and trusts none of the others


def _configure_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        # Transactions are begun by us (below), not by the driver, which would begin them too late for reads.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-32000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")
