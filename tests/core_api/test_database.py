"""Connections to PostgreSQL: who asks does not notice that one was cut off meanwhile."""

import time
from contextlib import closing

import psycopg
from sqlalchemy import text

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
