"""`nexus audit`: checks that nobody has tampered with the audit log."""

import json

import typer
from rich.console import Console

from nexus.options import DataDirOption, JsonOption, local_settings

app = typer.Typer(help="Check the audit log.", no_args_is_help=True)

_out = Console()


@app.callback()
def group() -> None:
    """Check the audit log."""


@app.command()
def verify(as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Check the chain of hashes; exit code 1, and the number of the first event that is not as it was written."""
    from core_api.audit import end, verify
    from nexus.datadir import DataDir
    from nexus.owner import open_database

    settings = local_settings(data_dir, "nexus audit")
    DataDir(settings.data_dir).prepare()
    database = open_database(settings)
    with database.reading() as session:
        broken = verify(session)
        last_id, last_sha256 = end(session)
    database.dispose()
    if as_json:
        typer.echo(json.dumps({"events": last_id, "last_sha256": last_sha256, "first_broken": broken}))
    elif broken is not None:
        _out.print(f"[red]Event {broken} is not as it was written: changed, missing or cut off.[/red]", highlight=False)
    else:
        _out.print(f"All {last_id} events are as they were written.", highlight=False)
        if last_id:
            # Kept elsewhere, this also finds out whoever writes the whole chain anew.
            _out.print(f"The last one has the hash {last_sha256}.", highlight=False, soft_wrap=True)
    if broken is not None:
        raise typer.Exit(1)
