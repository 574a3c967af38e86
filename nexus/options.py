"""What several commands share: the data directory, and printing JSON."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core_api.infra.settings import Settings

DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Where everything is kept (NEXUS_DATA_DIR; default ./data).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def load_settings(data_dir: Path | None, **changes: Any) -> Settings:
    """The settings, with what the command line says instead."""
    given = {key: value for key, value in {"data_dir": data_dir, **changes}.items() if value is not None}
    return Settings(**given)
