"""The `nexus` command."""

import asyncio
import contextlib
import gc
import json
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer
from rich.console import Console

from core_api.infra.errors import NexusError
from nexus import audit, evaluate, login, model_change, own_evaluation, processes, render, users
from nexus.backup import commands as backup
from nexus.connection import checked, connect
from nexus.options import DataDirOption, JsonOption, load_settings, local_settings

T = TypeVar("T")

app = typer.Typer(
    name="nexus",
    help="Nexus Stream: a company's memory that answers, with proof.\n\n"
    "Start with `nexus serve`, then `nexus import FOLDER --space NAME` and `nexus ask QUESTION`. Every command works "
    "on the data directory: through its server when one runs, in process when none does.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
index_app = typer.Typer(help="See and repair the state of the index.", no_args_is_help=True)
app.add_typer(index_app, name="index")
app.add_typer(evaluate.app, name="eval")
evaluate.app.command("build")(own_evaluation.build)
evaluate.app.command("gate")(own_evaluation.gate)
app.add_typer(audit.app, name="audit")
app.add_typer(users.app, name="user")
app.add_typer(backup.app, name="backup")
app.command("restore")(backup.restore)
app.command("migrate-to-server")(backup.migrate_to_server)
app.command("secret-key")(users.secret_key)
app.command("login")(login.login)
app.command("api")(processes.api)
app.command("worker")(processes.worker)
app.command("beat")(processes.beat)
app.command("doctor")(processes.doctor)

out = Console()
err = Console(stderr=True)


def main() -> None:
    """Run the command; an error that the product knows is told in words, with exit code 1."""
    try:
        app()
    except NexusError as error:
        err.print(f"[red]Error:[/red] {error.problem()['detail']}", highlight=False, soft_wrap=True)
        raise SystemExit(1) from error


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (NEXUS_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port, 0 for any free one (NEXUS_PORT).")] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Start the product: API, web app and ingestion in one process."""
    # What is imported stays: looking through it for garbage again and again takes a fifth of a start. The server
    # looks again once it has started.
    gc.disable()
    from nexus.server import serve as run_server

    settings = load_settings(data_dir, host=host, port=port)
    if settings.is_server:
        raise NexusError(
            "NEXUS_REDIS_URL is set, which is server mode: start `nexus api`, `nexus worker` and `nexus beat`, or "
            "unset it."
        )
    run_server(settings, render.announce_server)


@app.command()
def token(
    bearer: Annotated[bool, typer.Option("--bearer", help="A bearer token for scripts instead of a link.")] = False,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long a bearer token lives.")] = 30,
    data_dir: DataDirOption = None,
) -> None:
    """Print a new one-time sign-in link, or a bearer token."""
    from core_api.audit import Actor, record
    from nexus.datadir import DataDir
    from nexus.owner import open_database, owner_key, sign_in_link

    settings = local_settings(data_dir, "nexus token")
    datadir = DataDir(settings.data_dir)
    datadir.prepare()
    database = open_database(settings)
    if bearer:
        key = owner_key(database, timedelta(days=days), "nexus token")
        with database.transaction() as session:
            record(session, Actor(None, "command line"), "auth.api_key_created", "api_key", name="nexus token")
        typer.echo(key)
    else:
        server = datadir.running_server()
        url = settings.public_url or (server.url if server else f"http://{settings.host}:{settings.port}")
        typer.echo(sign_in_link(settings, database, url.rstrip("/")))
        if server is None:
            err.print("No server runs on this data directory now; start it with `nexus serve`.", style="yellow")
    database.dispose()


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    mode: Annotated[str, typer.Option(help="hybrid, semantic or keyword.")] = "hybrid",
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="How many passages.")] = 5,
    space: Annotated[list[str] | None, typer.Option(help="Only in this space (may be repeated).")] = None,
    sort: Annotated[str, typer.Option(help="relevance, newest or oldest.")] = "relevance",
    group: Annotated[bool, typer.Option("--group", help="By document, with its best passages.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say how each score came about.")] = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Find passages. The query may have "exact phrases", -words, in:space, by:person, category:…, tag:…, before:…
    and after:…"""

    async def run() -> Any:
        async with _client(data_dir) as client:
            filters = {"space_ids": [await _space_id(client, name) for name in space or []]}
            body = {
                **{"query": query, "mode": mode, "k": k, "filters": filters},
                **{"sort": sort, "group": group, "explain": explain, "log": False},  # nothing is opened from here
            }
            return checked(await client.post("/api/v1/search", json=body))

    _show(_run(run()), as_json, render.search_result)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="The question.")],
    space: Annotated[list[str] | None, typer.Option(help="Only from this space (may be repeated).")] = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Ask a question; the answer comes with its citations."""

    async def run() -> Any:
        async with _client(data_dir) as client:
            spaces = [await _space_id(client, name) for name in space or []]
            body = {"message": question, "space_ids": spaces}
            return checked(await client.post("/api/v1/assistant/chat", json=body))

    _show(_run(run()), as_json, render.answer)


@app.command()
def mcp(data_dir: DataDirOption = None) -> None:
    """Serve other assistants over MCP on standard input and output: they search, open and ask with your rights."""
    from nexus.mcp_server import run

    _run(run(load_settings(data_dir)))


@app.command("import")
def import_(
    sources: Annotated[list[str], typer.Argument(help="Folders, files, globs or zip archives.")],
    space: Annotated[str, typer.Option(help="The space to import into; made when it does not exist.")],
    include: Annotated[
        list[str] | None, typer.Option(help="Only files that match this glob (may be repeated).")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="No files that match this glob (may be repeated).")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and import every change.")] = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Import documents. Importing again updates what has changed and never duplicates."""
    from ingest.entries import Selection
    from ingest.importer import ImportOptions
    from ingest.parsers.limits import Limits
    from nexus.importing import run_import

    settings = load_settings(data_dir)
    selection = Selection(tuple(include or []), tuple(exclude or []))
    options = ImportOptions(selection, Limits.from_settings(settings))

    async def run() -> bool:
        async with _client(data_dir) as client:
            space_id = await _space_id(client, space, create=True)
            return await run_import(client, sources, space_id, options, watch=watch, console=None if as_json else out)

    with contextlib.suppress(KeyboardInterrupt):
        if not _run(run()):
            raise typer.Exit(1)


@index_app.command()
def status(as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """What is indexed, what waits, and what failed and why."""
    _call("GET", "/api/v1/index/status", data_dir, as_json, render.index_status)


@index_app.command()
def reconcile(as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Compare the database with its indexes, and repair what differs."""
    _call("POST", "/api/v1/index/reconcile", data_dir, as_json, render.report, wait=True)


@index_app.command()
def reindex(
    space: Annotated[str | None, typer.Option(help="Only this space; default: everything.")] = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Read all documents again, and embed what has changed."""

    async def run() -> Any:
        async with _client(data_dir) as client:
            body = {"space_id": await _space_id(client, space)} if space else {}
            report = checked(await client.post("/api/v1/index/reindex", json=body))
            await _until_indexed(client)
            return report

    _show(_run(run()), as_json, render.report)


@index_app.command()
def retry(as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Try again what failed or was parked."""
    _call("POST", "/api/v1/index/retry", data_dir, as_json, render.report, wait=True)


@index_app.command()
def models(as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """The embedding model in use, and how far a change to another has come."""
    _call("GET", model_change.PATH, data_dir, as_json, model_change.show)


@index_app.command()
def migrate(
    model: model_change.ModelOption,
    revision: model_change.RevisionOption = None,
    precision: model_change.PrecisionOption = "fp32",
    endpoint: model_change.EndpointOption = False,
    language: model_change.LanguageOption = None,
    throttle: model_change.ThrottleOption = None,
    force: model_change.ForceOption = False,
    no_flip: model_change.NoFlipOption = False,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Change the embedding model while search goes on. Ended before it is done, the same command goes on with it."""
    body = {
        "model": model,
        "revision": revision,
        "precision": precision,
        "endpoint": endpoint,
        "languages": language or None,
        "share": throttle,
    }

    async def run() -> Any:
        async with _client(data_dir) as client:
            console = None if as_json else out
            return await model_change.migrate(client, body, force=force, flip=not no_flip, console=console)

    _show(_run(run()), as_json, model_change.show)


@index_app.command()
def rollback(as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Have search use the embedding model before the last change again, at once."""

    async def run() -> Any:
        async with _client(data_dir) as client:
            return await model_change.turn(client, "rollback")

    _show(_run(run()), as_json, model_change.show)


@index_app.command()
def cleanup(as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """End a change of the model: delete the vectors of the one that is not in use. There is no way back then."""
    _call("DELETE", f"{model_change.PATH}/change", data_dir, as_json, model_change.show)


def _client(data_dir: Path | None) -> contextlib.AbstractAsyncContextManager[httpx.AsyncClient]:
    return connect(load_settings(data_dir))


def _call(
    method: str, path: str, data_dir: Path | None, as_json: bool, show: render.Renderer, *, wait: bool = False
) -> None:
    async def run() -> Any:
        async with _client(data_dir) as client:
            result = checked(await client.request(method, path, json={} if method == "POST" else None))
            if wait:
                await _until_indexed(client)
            return result

    _show(_run(run()), as_json, show)


async def _until_indexed(client: httpx.AsyncClient) -> None:
    """Wait for the queue to run empty: in process, the work ends with this command."""
    while checked(await client.get("/api/v1/index/status"))["queue"]["waiting"]:
        await asyncio.sleep(0.3)


async def _space_id(client: httpx.AsyncClient, name: str, *, create: bool = False) -> str:
    found = checked(await client.get("/api/v1/spaces", params={"name": name}))["items"]
    if len(found) > 1:
        raise NexusError(f"You see {len(found)} spaces called {name!r}; rename one of them first.")
    if found:
        return str(found[0]["id"])
    if not create:
        raise NexusError(f"There is no space called {name!r} that you can see.")
    return str(checked(await client.post("/api/v1/spaces", json={"name": name}))["id"])


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except httpx.TransportError as error:
        raise NexusError(f"The server does not answer ({error}). Is it still starting?") from error


def _show(result: Any, as_json: bool, show: render.Renderer) -> None:
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        show(out, result)
