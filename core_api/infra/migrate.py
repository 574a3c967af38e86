"""Brings the database to the schema of this version."""

from pathlib import Path

from sqlalchemy import inspect, text

from core_api.infra.database import Database

_MIGRATIONS = Path(__file__).parent.parent / "migrations"


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the migrations that are missing (up to a revision); each database once, whatever its kind."""
    if revision == "head" and _is_current(database):
        return
    # Imported here: most starts have nothing to migrate, and Alembic takes a while to load.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def _is_current(database: Database) -> bool:
    """Whether the database has the last migration: the files are numbered by their revisions."""
    newest = max(file.name[:4] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return bool(connection.scalar(text("SELECT version_num FROM alembic_version")) == newest)
