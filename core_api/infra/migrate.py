"""Brings the database to the schema of this version."""

from pathlib import Path

from sqlalchemy import Connection, MetaData, func, inspect, select, text

from core_api.infra.database import Database
from core_api.infra.errors import NexusError
from core_api.models import Base

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
    with database.engine.connect() as connection:
        if not database.is_local:
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        upgrade_within(connection, revision)
        connection.commit()


def upgrade_within(connection: Connection, revision: str = "head") -> None:
    """Run the migrations that are missing (up to a revision) on a connection; where it has begun a transaction, in
    that one, which the caller commits."""
    # Imported here: most starts have nothing to migrate, and Alembic takes a while to load.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def drop_schema(database: Database) -> None:
    """Take all our tables away, with whatever is in them."""
    found = MetaData()
    with database.engine.begin() as connection:
        found.reflect(connection, only=lambda name, _: name in Base.metadata.tables or name == "alembic_version")
        found.drop_all(connection)


def newest_revision() -> str:
    """The schema of this version: the files are numbered by their revisions."""
    return max(file.name[:4] for file in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def revision_of(database: Database) -> str | None:
    """The schema that a database has; None where it has none."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return revision


def _is_current(database: Database) -> bool:
    there, newest = revision_of(database), newest_revision()
    if there is not None and there > newest:
        raise NewerSchema(
            f"The database is at schema {there}, and this version knows {newest} at most. Start the newer version."
        )
    return there == newest
