"""What several commands share: the data directory, and printing JSON."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core_api.infra.errors import Invalid
from core_api.infra.settings import Settings

DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Where everything is kept (NEXUS_DATA_DIR; default ./data).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def load_settings(data_dir: Path | None, **changes: Any) -> Settings:
    """The settings, with what the command line says instead."""
    given = {key: value for key, value in {"data_dir": data_dir, **changes}.items() if value is not None}
    return Settings(**given)


def local_settings(data_dir: Path | None, command: str) -> Settings:
    """The settings, for a command that works on the installation of this machine and not over HTTP.

    Raises Invalid where they name a server elsewhere: it is that one which its user means.
    """
    settings = load_settings(data_dir)
    if settings.server_url is not None:
        raise Invalid(
            f"NEXUS_SERVER_URL names {settings.server_url}, and `{command}` would work on the installation of this "
            f"machine instead ({_where(settings)}). For that server, run it on the server's machine, or use its web "
            "app (Admin). For this machine, unset NEXUS_SERVER_URL."
        )
    return settings


def _where(settings: Settings) -> str:
    """What a person knows an installation by; the address of a database without its password."""
    if settings.database_url is None:
        return f"the data directory {settings.data_dir.resolve()}"
    from sqlalchemy import make_url

    return f"the database {make_url(settings.database_url).render_as_string(hide_password=True)}"
