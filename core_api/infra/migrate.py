"""Brings the database to the schema of this version."""

from pathlib import Path

from sqlalchemy import func, inspect, select, text

from core_api.infra.database import Database
from core_api.infra.errors import NexusError

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
_MIGRATION_LOCK = 0x6E787574  # any number that nobody else uses


class NewerSchema(NexusError):
    """The database belongs to a newer version of the product."""

    status, code, title = 503, "newer_schema", "The database is newer than this version"


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the migrations that are missing (up to a revision); each database once, whatever its kind, and however many
    processes start at a time. Raises NewerSchema."""
    if revision == "head" and _is_current(database):
        return
    # Imported here: most starts have nothing to migrate, and Alembic takes a while to load.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with database.engine.connect() as connection:
        if not database.is_local:
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def newest_schema() -> str:
    """The revision of this version: the files are numbered by them."""
    return max(file.name[:4] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def schema_of(database: Database) -> str | None:
    """The revision that a database is at; None for one without tables."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


def _is_current(database: Database) -> bool:
    there, newest = schema_of(database), newest_schema()
    if there is not None and there > newest:
        raise NewerSchema(
            f"The database is at schema {there}, and this version knows {newest} at most. Start the newer version."
        )
    return there == newest
