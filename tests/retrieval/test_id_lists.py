"""Lists of ids as one parameter: both databases find them, and by an index, however many there are."""

import pytest
from sqlalchemy import select

from core_api.domains.users.service import create_user
from core_api.models import Chunk, Document, User
from retrieval.id_lists import bound, one_of
from tests.databases import Databases, SqliteDatabases, borrowed


@pytest.mark.parametrize("listed", [[], [0], [0, 1]])
def test_both_databases_find_what_is_listed(databases: Databases, listed: list[int]) -> None:
    with borrowed(databases) as database, database.transaction() as session:
        people = [create_user(session, name).id for name in ("Ada", "O'Hara", "박지민")]
        wanted = [people[place] for place in listed]
        parameters = bound([*wanted, 'nobody"', "'"])
        assert set(session.scalars(select(User.id).where(one_of(User.id)), parameters)) == set(wanted)


def test_ids_are_looked_up_and_nothing_is_read_through(sqlite_databases: SqliteDatabases) -> None:
    # Written as SQLite's dialect writes booleans, `… IN (…) = 1`, it would read the whole table.
    statement = select(Chunk.id).join(Document, Document.id == Chunk.source_id).where(one_of(Chunk.id))
    with borrowed(sqlite_databases) as database, database.reading() as session:
        compiled = statement.compile(database.engine)
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", ("[]",)).all()
    steps = [str(row[3]) for row in plan]
    assert any(step.startswith("SEARCH chunks") for step in steps)
    assert not any(step.startswith("SCAN chunks") for step in steps)
