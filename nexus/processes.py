"""The processes of server mode: `nexus api`, `nexus worker`, `nexus beat`; and a look at them, `nexus doctor`."""

import gc
import json
import os
import signal
import socket
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from core_api.infra.errors import NexusError
from core_api.infra.settings import Settings
from nexus.options import DataDirOption, JsonOption, load_settings
from nexus.render import announce_server

if TYPE_CHECKING:
    from nexus.doctor import Finding

_NICE = 5
"""Of workers and beat: where they share a machine with API processes, somebody waits for these."""
_MARKS = {"ok": "[green]ok[/green]", "warning": "[yellow]warning[/yellow]", "failed": "[red]failed[/red]"}


class NotServerMode(NexusError):
    """The settings are those of embedded mode."""

    code, title = "not_server_mode", "Server mode is not set up"


def api(
    host: Annotated[str | None, typer.Option(help="Address to listen on (NEXUS_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port, 0 for any free one (NEXUS_PORT).")] = None,
    web: Annotated[bool, typer.Option(help="Serve the web app too.")] = True,
    data_dir: DataDirOption = None,
) -> None:
    """Serve the API and the web app (server mode). Several may run."""
    gc.disable()  # as in `nexus serve`
    from nexus.server import serve

    settings = server_settings(load_settings(data_dir, host=host, port=port))
    serve(settings, announce_server, web=web)


def worker(
    queues: Annotated[
        str, typer.Option(help="The queues that it looks into: interactive, bulk, maintenance.")
    ] = "interactive,bulk,maintenance",
    threads: Annotated[int, typer.Option(min=1, max=64, help="Tasks at a time.")] = 3,
    name: Annotated[str | None, typer.Option(help="Its name among the workers; default: host and process.")] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Index what changes (server mode). Several may run."""
    settings = server_settings(load_settings(data_dir))
    _prepare(settings, "worker")
    from core_api.infra.migrate import upgrade
    from ingest.tasks import Queue
    from ingest.worker import Worker

    try:
        wanted = [Queue(queue.strip()) for queue in queues.split(",")]
    except ValueError as error:
        known = ", ".join(Queue)
        raise NexusError(f"{error.args[0]}: the queues are {known}.") from error
    os.nice(_NICE)
    made = Worker(settings)
    upgrade(made.database)  # as every process: none works on a schema that is not its own
    made.run(wanted, threads, name or f"worker-{os.getpid()}@{socket.gethostname()}")


def beat(data_dir: DataDirOption = None) -> None:
    """Do what is due at its time: retries, alerts, reminders, upkeep (server mode). One leads, others stand by."""
    settings = server_settings(load_settings(data_dir))
    _prepare(settings, "beat")
    from nexus.beat import Beat
    from nexus.owner import open_database

    os.nice(_NICE)
    database = open_database(settings)
    leader = Beat(settings, database)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        leader.stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    leader.run()
    database.dispose()


def doctor(as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Check the data directory, the database, Redis, Chroma, storage, and the other processes; exit code 1 when
    something does not work."""
    from nexus.doctor import examine

    settings = load_settings(data_dir)
    findings = list(examine(settings))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        _show(Console(), findings)
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)


def server_settings(settings: Settings) -> Settings:
    """The settings, if they are those of server mode. Raises NotServerMode with what is missing."""
    missing = [
        name
        for name, there in (
            ("NEXUS_DATABASE_URL", (settings.database_url or "").startswith("postgresql")),
            ("NEXUS_REDIS_URL", settings.redis_url is not None),
            ("NEXUS_CHROMA_URL", settings.chroma_url is not None),
        )
        if not there
    ]
    if missing:
        raise NotServerMode(
            f"Server mode needs {', '.join(missing)} (PostgreSQL, Redis and a Chroma server). `nexus serve` runs "
            "everything in one process without them; `nexus doctor` checks what is set."
        )
    return settings


def _prepare(settings: Settings, part: str) -> None:
    from core_api.infra.logging import configure_logging
    from core_api.ops.process import observe
    from nexus.datadir import DataDir

    DataDir(settings.data_dir).prepare()
    configure_logging(settings)
    observe(settings, part)


def _show(console: Console, findings: "list[Finding]") -> None:
    table = Table("part", "state", "found", "what to do")
    for finding in findings:
        table.add_row(finding.part, _MARKS[finding.state], finding.found, finding.todo)
    console.print(table)
