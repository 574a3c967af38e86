"""Brings the database to the schema of this version."""

from pathlib import Path

from sqlalchemy import Connection, MetaData, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core_api.infra.database import Database, is_away
from core_api.infra.errors import NexusError, Unreachable
from core_api.models import Base

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
_MIGRATION_LOCK = 0x6E787574  # any number that nobody else uses


class NewerSchema(NexusError):
    """The database belongs to a newer version of the product."""

    status, code, title = 503, "newer_schema", "The database is newer than this version"


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the migrations that are missing (up to a revision); each database once, whatever its kind, and however many
    processes start at a time. Raises NewerSchema, or Unreachable when the database does not answer."""
    try:
        _upgrade(database, revision)
    except SQLAlchemyError as error:
        if database.is_local or not is_away(error):
            raise
        says = " ".join(str(getattr(error, "orig", None) or error).split())
        where = database.engine.url.render_as_string(hide_password=True)
        raise Unreachable(
            f"The database at {where} does not answer ({says}). Start it, or correct NEXUS_DATABASE_URL."
        ) from error


def lock_start(session: Session) -> None:
    """Keep other processes that start from doing what only one may, until the transaction ends."""
    if session.get_bind().dialect.name != "sqlite":  # which lets one transaction write at a time anyway
        session.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))


def _upgrade(database: Database, revision: str) -> None:
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
