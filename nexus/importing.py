"""`nexus import`: a progress bar over the importer's events, and what failed and why."""

import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ingest.importer import Event, Failed, Finished, Found, ImportOptions, Indexed, Removed, Uploaded, import_sources
from ingest.importer import watch as watch_sources
from nexus import render


async def run_import(
    client: httpx.AsyncClient,
    sources: Sequence[str],
    space_id: str,
    options: ImportOptions,
    *,
    watch: bool,
    console: Console | None,
) -> bool:
    """Import, and go on with every change when `watch`; without a console each event is a line of JSON.

    Gives whether nothing failed.
    """
    events = import_sources(client, sources, space_id, options)
    failed = await (_with_bar(events, console) if console else _as_json(events))
    if watch:
        if console is not None:
            console.print("Watching for changes; Ctrl-C ends it.")
        async for event in watch_sources(client, sources, space_id, options):
            if console is not None:
                _tell(console, event)
            else:
                _print_json(event)
    return not failed


async def _with_bar(events: AsyncIterator[Event], console: Console) -> bool:
    failures: list[Failed] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )
    started = time.monotonic()
    with Progress(*columns, console=console) as bar:
        uploading: TaskID = bar.add_task("Uploading", total=None, rate="")
        indexing: TaskID = bar.add_task("Indexing", total=None, rate="")
        chunks = 0
        async for event in events:
            match event:
                case Found(files=files):
                    bar.update(uploading, total=files)
                    bar.update(indexing, total=files)
                case Uploaded():
                    bar.advance(uploading)
                case Indexed():
                    chunks += event.chunks
                    rate = chunks / max(time.monotonic() - started, 0.001)
                    bar.update(indexing, advance=1, rate=f"{rate:.0f} passages/s")
                case Failed():
                    failures.append(event)
                    if event.document_id is None:
                        bar.advance(uploading)
                    bar.advance(indexing)
                case Finished():
                    finished = event
    changed = f"{finished.created} new, {finished.updated} updated, {finished.unchanged} unchanged"
    rate = finished.chunks / max(finished.seconds, 0.001)
    console.print(
        f"{changed}, {finished.failed} failed; {finished.chunks} passages in {finished.seconds:.1f} s ({rate:.0f}/s).",
        highlight=False,
    )
    if failures:
        render.failures(console, [(failure.path, failure.message) for failure in failures])
    return bool(failures)


async def _as_json(events: AsyncIterator[Event]) -> bool:
    failed = False
    async for event in events:
        failed = failed or isinstance(event, Failed)
        _print_json(event)
    return failed


def _print_json(event: Event) -> None:
    typer.echo(json.dumps({"event": type(event).__name__.lower(), **asdict(event)}, ensure_ascii=False))


def _tell(console: Console, event: Event) -> None:
    match event:
        case Indexed(path=path, chunks=chunks):
            console.print(f"indexed {path} ({chunks} passages)", highlight=False, markup=False)
        case Removed(path=path):
            console.print(f"removed {path}", highlight=False, markup=False)
        case Failed(path=path, message=message):
            console.print(f"failed  {path}: {message}", highlight=False, markup=False)
        case _:
            pass
