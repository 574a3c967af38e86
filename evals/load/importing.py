"""`python -m evals.load.importing`: a big folder is imported while somebody edits; memory of the server, and how soon
edits are found. Without `--url` a server is started for it, in embedded mode."""

import asyncio
import math
import statistics
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import httpx
import numpy as np
import typer
from pydantic import BaseModel
from rich.console import Console

from core_api.auth.api_keys import create_api_key
from core_api.auth.permissions import Scope
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.infra.settings import Settings
from evals.bench.process import percentile
from evals.load.folder import make_folder, make_small_files
from evals.load.server import process_tree_mb, server_pid, serving
from ingest.importer import Failed, Finished, import_sources

_GOAL_MB, _GOAL_EDIT_MS = 1_500.0, 2_000.0
_BETWEEN_EDITS = 3.0
_EDIT_TIMEOUT = 60.0


class Memory(BaseModel):
    """Of a process, in MB: before, at most, and the median in each tenth of the time."""

    idle: float
    peak: float
    by_tenth: list[float]

    @classmethod
    def of(cls, seen: list[float]) -> "Memory":
        """What was seen of it, the first before anything was done."""
        tenths = [round(statistics.median(part)) for part in np.array_split(np.array(seen), 10) if len(part)]
        return cls(idle=round(seen[0]), peak=round(max(seen)), by_tenth=tenths)


class Report(BaseModel):
    """All that was measured. `memory` is resident memory of each process with its children; `peak_mb` is the most of
    all together."""

    megabytes: int
    files: int
    failed: int
    chunks: int
    seconds: float
    peak_mb: float
    memory: dict[str, Memory]
    edits: int
    edit_ms_p50: float
    edit_ms_p95: float
    goals_met: bool


def main(
    megabytes: Annotated[int, typer.Option(min=1)] = 500,
    small: Annotated[int, typer.Option(min=0, help="Import so many pages of a sentence instead.")] = 0,
    url: Annotated[str | None, typer.Option(help="Of an installation that runs; needs --token.")] = None,
    token: Annotated[str, typer.Option(help="An API key that may read and write.")] = "",
    process: Annotated[list[str] | None, typer.Option(help="A process to watch, as worker=4711.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON to this file.")] = None,
) -> None:
    """Import a folder of so many megabytes, or of so many small files, through the API. Ends with status 1 when a goal
    is not met; that of memory is for the server that is started here."""
    notes = Console(stderr=True)
    models = Settings().models_dir.resolve()
    with tempfile.TemporaryDirectory(prefix="nexus-import-") as scratch, ExitStack() as stack:
        folder = Path(scratch) / "folder"
        folder.mkdir()
        files = make_small_files(folder, small) if small else make_folder(folder, megabytes)
        notes.print(f"[dim]{files} files[/]")
        watched = {name: int(pid) for name, _, pid in (one.partition("=") for one in process or ())}
        if url is None:
            settings = Settings(
                data_dir=Path(scratch) / "data", database_url=None, chroma_url=None, models_cache=models
            )
            settings.data_dir.mkdir()
            token = _owner_key(settings)
            url = stack.enter_context(serving(settings))
            watched["server"] = server_pid(settings.data_dir)
        most_mb = _GOAL_MB if "server" in watched else math.inf
        report = asyncio.run(_import(url, token, folder, megabytes, files, watched, most_mb))
    Console().print(report)
    if out is not None:
        out.write_text(report.model_dump_json(indent=2), encoding="utf-8")
    if not report.goals_met:
        raise typer.Exit(1)


def _owner_key(settings: Settings) -> str:
    database = Database(settings.resolved_database_url)
    upgrade(database)
    with database.transaction() as session:
        owner, _ = ensure_owner(session)
        _, key = create_api_key(session, owner.user_id, "load", [Scope.READ, Scope.WRITE], timedelta(days=1))
    database.dispose()
    return key


async def _import(
    url: str, key: str, folder: Path, megabytes: int, files: int, watched: dict[str, int], most_mb: float
) -> Report:
    headers = {"Authorization": f"Bearer {key}"}
    memory: dict[str, list[float]] = {name: [process_tree_mb(pid)] for name, pid in watched.items()}
    edits: list[float] = []
    finished = Finished(0, 0, 0, 0, 0, 0, 0.0)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=120) as client:
        made = await client.post("/api/v1/teams", json={"name": f"Import {time.time():.0f}"})
        space = made.raise_for_status().json()["space_id"]
        await _edit(client, space, 0)  # the document that is edited from now on
        stopping = asyncio.Event()

        async def watch_memory() -> None:
            while not stopping.is_set():
                for name, pid in watched.items():
                    memory[name].append(await asyncio.to_thread(process_tree_mb, pid))
                await asyncio.sleep(0.2)

        async def edit() -> None:
            while not stopping.is_set():
                edits.append(await _edit(client, space, len(edits) + 1))
                await asyncio.sleep(_BETWEEN_EDITS)

        beside = [asyncio.create_task(watch_memory()), asyncio.create_task(edit())]
        async for event in import_sources(client, [str(folder)], space):
            if isinstance(event, Failed):
                Console(stderr=True).print(f"[dim]{event.path}: {event.message}[/]")
            if isinstance(event, Finished):
                finished = event
        stopping.set()
        await asyncio.gather(*beside)
    p95 = percentile(edits, 0.95)
    peak = max(map(sum, zip(*memory.values(), strict=True)), default=0.0)
    return Report(
        megabytes=megabytes,
        files=files,
        failed=finished.failed,
        chunks=finished.chunks,
        seconds=round(finished.seconds, 1),
        peak_mb=round(peak),
        memory={name: Memory.of(seen) for name, seen in memory.items()},
        edits=len(edits),
        edit_ms_p50=round(statistics.median(edits)),
        edit_ms_p95=round(p95),
        goals_met=peak < most_mb and p95 < _GOAL_EDIT_MS and finished.failed == 0,
    )


async def _edit(client: httpx.AsyncClient, space: str, number: int) -> float:
    """Milliseconds from the commit of an edit to a search that finds it, at most a minute."""
    word = f"zebrafinch{number:05}"
    content = f"# A page that is edited\n\nThis is edit number {number}: {word}.\n".encode()
    response = await client.post(
        "/api/v1/documents/upload",
        data={"space_id": space, "path": "edited.md"},
        files={"file": ("edited.md", content)},
    )
    response.raise_for_status()
    began = time.perf_counter()
    while time.perf_counter() - began < _EDIT_TIMEOUT:
        found = await client.post("/api/v1/search", json={"query": word, "k": 1, "mode": "keyword"})
        found.raise_for_status()
        if any(word in hit["text"] for hit in found.json()["hits"]):
            return (time.perf_counter() - began) * 1000
        await asyncio.sleep(0.05)
    return _EDIT_TIMEOUT * 1000


if __name__ == "__main__":
    typer.run(main)
