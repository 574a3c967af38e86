"""`python -m evals.load`: fills a database, serves it on loopback, and measures what reading takes."""

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.console import Console

from core_api.auth.access import readable
from core_api.auth.subject import Subject
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import SystemRole
from evals.load.company import BUSY_GRANTS, BUSY_MEMBERSHIPS, Sizes, fill
from evals.load.server import serving
from evals.load.visits import Visit, print_visits, visit

_GOAL_P95_MS = 50.0
_GOAL_RESOLVE_MS = 3.0
_RESOLVES = 300


class Report(BaseModel):
    """All that was measured."""

    database: str
    people: int
    teams: int
    projects: int
    load_average_before: float
    resolve_ms_p50: float
    resolve_ms_p95: float
    thinking: Visit
    saturation: list[Visit]
    goals_met: bool


def main(
    visitors: Annotated[int, typer.Option(min=1, max=500, help="People at the same time.")] = 50,
    think: Annotated[float, typer.Option(min=0, help="Seconds between two requests of one person, on average.")] = 0.5,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long they read.")] = 30,
    step_seconds: Annotated[float, typer.Option(min=1, max=60, help="How long each step of saturation takes.")] = 5,
    people: Annotated[int, typer.Option(min=100)] = 10_000,
    teams: Annotated[int, typer.Option(min=1)] = 500,
    projects: Annotated[int, typer.Option(min=1)] = 1_000,
    database_url: Annotated[str | None, typer.Option(help="An empty database; default: SQLite in a folder.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON to this file.")] = None,
) -> None:
    """Measure reads of the CRUD API: first by people who think between two requests, then as fast as it answers.

    Ends with status 1 when a goal is not met. The generator runs on the same machine and takes part of its cores.
    """
    console, notes = Console(), Console(stderr=True)
    load = os.getloadavg()[0]
    models = Settings().models_dir.resolve()
    with tempfile.TemporaryDirectory(prefix="nexus-load-") as folder:
        settings = Settings(data_dir=Path(folder), database_url=database_url, models_cache=models)
        database = Database(settings.resolved_database_url)
        start = time.perf_counter()
        company = fill(database, Sizes(people, teams, projects), visitors)
        notes.print(f"[dim]filled in {time.perf_counter() - start:.1f} s[/]")
        resolve = _measure_resolving(database, company.busy_user_id)
        dialect = database.engine.dialect.name
        database.dispose()
        with serving(settings) as url:
            visit(url, company.visitors, 0, 3)  # warm
            thinking = visit(url, company.visitors, think, seconds)
            saturation = []
            for count in (1, 2, 4, 8, 16, 32, 64):
                if count <= len(company.visitors):
                    notes.print(f"[dim]{count} without a pause[/]")
                    saturation.append(visit(url, company.visitors[:count], 0, step_seconds))
    p95 = statistics.quantiles(resolve, n=20)[-1]
    errors = thinking.errors + sum(step.errors for step in saturation)
    report = Report(
        database=dialect,
        people=people,
        teams=teams,
        projects=projects,
        load_average_before=round(load, 2),
        resolve_ms_p50=round(statistics.median(resolve), 3),
        resolve_ms_p95=round(p95, 3),
        thinking=thinking,
        saturation=saturation,
        goals_met=thinking.all.p95 < _GOAL_P95_MS and errors == 0 and p95 < _GOAL_RESOLVE_MS,
    )
    _print(console, report)
    if out is not None:
        out.write_text(report.model_dump_json(indent=2), encoding="utf-8")
    if not report.goals_met:
        raise typer.Exit(1)


def _measure_resolving(database: Database, user_id: str) -> list[float]:
    """Milliseconds to find out what a person with many memberships and grants may read, each time in a new session."""
    subject = Subject(user_id, "Busy", SystemRole.MEMBER)
    taken = []
    for _ in range(_RESOLVES):
        with database.reading() as session:
            session.connection()  # from the pool, as a request's is
            start = time.perf_counter()
            found = readable(session, subject)
            taken.append((time.perf_counter() - start) * 1000)
    if len(found.space_ids) < BUSY_MEMBERSHIPS or len(found.document_ids) < BUSY_GRANTS:
        raise RuntimeError("the company is too small to measure resolving")
    return taken


def _print(console: Console, report: Report) -> None:
    title = f"{report.people:,} people, {report.teams} teams, {report.projects:,} projects ({report.database})"
    print_visits(console, title, report.thinking, report.saturation)
    console.print(
        f"Readable spaces of a person with {BUSY_MEMBERSHIPS} memberships and {BUSY_GRANTS} granted documents: "
        f"p50 {report.resolve_ms_p50} ms, p95 {report.resolve_ms_p95} ms (goal: {_GOAL_RESOLVE_MS} ms)."
    )


if __name__ == "__main__":
    typer.run(main)
