"""Brings the database to the schema of this version."""

from pathlib import Path

from core_api.infra.database import Database


def upgrade(database: Database, revision: str = "head") -> None:
    """Run the migrations that are missing (up to a revision); each database once, whatever its kind."""
    # Imported here: most commands never migrate, and Alembic takes a while to load.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
