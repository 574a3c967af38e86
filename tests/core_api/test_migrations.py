"""The migrations make exactly the tables that the models describe."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.models import Base
from core_api.outbox import last_change, next_change


def test_migrations_and_models_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    before = set(inspect(database.engine).get_table_names())
    upgrade(database)
    assert set(inspect(database.engine).get_table_names()) == before


def test_change_numbers_follow_the_order_of_commits(database: Database) -> None:
    with database.transaction() as session:
        first = next_change(session)
    with database.transaction() as session:
        second = next_change(session)
    with database.reading() as session:
        assert (first, second, last_change(session)) == (1, 2, 2)
