"""Connections to PostgreSQL: who asks notices neither that one was cut off, nor what it planned for other tables."""

import time
from contextlib import closing

import psycopg
import pytest
from sqlalchemy import text

from core_api.infra import database as database_module
from core_api.infra.database import Database
from tests.databases import PostgresqlDatabases


def test_connections_that_were_cut_off_at_rest_are_replaced(postgresql_databases: PostgresqlDatabases) -> None:
    url = postgresql_databases.bare()
    database = Database(url)
    pid = text("SELECT pg_backend_pid()")
    try:
        with database.reading() as first, database.reading() as second:
            before = {first.scalar(pid), second.scalar(pid)}
        with database.reading() as session:
            assert session.scalar(pid) in before
        with closing(psycopg.connect(url.replace("+psycopg", ""), autocommit=True)) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [list(before)])
        time.sleep(1.2)  # what was in use a moment ago is not asked whether it is there
        with database.reading() as first, database.reading() as second:
            assert not {first.scalar(pid), second.scalar(pid)} & before
    finally:
        database.dispose()
        postgresql_databases.drop(url)


def test_a_plan_for_a_small_table_is_not_kept_when_it_has_grown(
    postgresql_databases: PostgresqlDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql_databases.bare()
    database = Database(url)

    def plan() -> str:
        with database.reading() as session:
            return "\n".join(session.scalars(text("EXPLAIN EXECUTE named(7)")))

    try:
        with database.reading() as session:
            session.execute(text("CREATE TABLE things (id int PRIMARY KEY, name text) WITH (autovacuum_enabled = off)"))
            session.execute(text("INSERT INTO things VALUES (1, 'one')"))
            session.execute(text("ANALYZE things"))
            session.execute(text("PREPARE named AS SELECT name FROM things WHERE id = $1"))
            for _ in range(6):  # the first five times PostgreSQL plans for the value
                session.execute(text("EXECUTE named(1)"))
            session.execute(text("INSERT INTO things SELECT n, repeat('x', 100) FROM generate_series(2, 20000) AS n"))
        assert "Seq Scan" in plan()
        monkeypatch.setattr(database_module, "_PLANS_KEPT_SECONDS", 0.0)
        assert "Index Scan" in plan()
    finally:
        database.dispose()
        postgresql_databases.drop(url)
