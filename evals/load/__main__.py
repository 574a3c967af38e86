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
from rich.table import Table

from core_api.auth.access import readable
from core_api.auth.subject import Subject
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import SystemRole
from evals.bench.synthetic import Company
from evals.load.company import BUSY_GRANTS, BUSY_MEMBERSHIPS, Sizes, Visitor, fill
from evals.load.searchers import make_searchers
from evals.load.server import server_cpu_seconds, serving
from evals.load.visits import Visit, looking, searching, typing, visit

_GOAL_P95_MS = 50.0
_GOAL_RESOLVE_MS = 3.0
_GOAL_SEARCH_P95_MS = 100.0
_GOAL_SUGGEST_P95_MS = 20.0
_GOALS_ALONE_P95_MS = {100_000: 40.0, 1_000_000: 120.0}
"""Of one person who searches without a pause, by the number of chunks."""
_LONG_TEXTS = 100_000
"""Above so many chunks texts are shorter, for the disk."""
_RESOLVES = 300


class SearchReport(BaseModel):
    """All that was measured of searches."""

    chunks: int
    spaces: int
    load_average_before: float
    server_cpu_ms: float
    thinking: Visit
    saturation: list[Visit]
    page: Visit
    suggestions: Visit
    goals_met: bool


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
    visitors: Annotated[
        int | None, typer.Option(min=1, max=500, help="People at the same time; default: 50 who read, 20 who search.")
    ] = None,
    think: Annotated[float, typer.Option(min=0, help="Seconds between two requests of one person, on average.")] = 0.5,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long they read.")] = 30,
    step_seconds: Annotated[float, typer.Option(min=1, max=60, help="How long each step of saturation takes.")] = 5,
    people: Annotated[int, typer.Option(min=100)] = 10_000,
    teams: Annotated[int, typer.Option(min=1)] = 500,
    projects: Annotated[int, typer.Option(min=1)] = 1_000,
    database_url: Annotated[str | None, typer.Option(help="An empty database; default: SQLite in a folder.")] = None,
    search: Annotated[
        bool, typer.Option("--search", help="Measure searches instead: 20 people, unless --visitors says otherwise.")
    ] = False,
    chunks: Annotated[int, typer.Option(min=1_000, help="How much there is to search.")] = 100_000,
    spaces: Annotated[int, typer.Option(min=10, help="In so many spaces.")] = 240,
    readable: Annotated[int, typer.Option(min=2, help="Of which each person who searches may read so many.")] = 13,
    data: Annotated[
        Path | None,
        typer.Option(help="With --search: keep what is made in this folder, or take what a run before has made there."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON to this file.")] = None,
) -> None:
    """Measure reads of the CRUD API, or searches: first by people who think between two requests, then as fast as it
    answers.

    Ends with status 1 when a goal is not met. The generator runs on the same machine and takes part of its cores.
    """
    console, notes = Console(), Console(stderr=True)
    load = os.getloadavg()[0]
    models = Settings().models_dir.resolve()
    if search:
        searched = Company(chunks, spaces, 5 if chunks <= _LONG_TEXTS else 3)
        with tempfile.TemporaryDirectory(prefix="nexus-load-") as temporary:
            settings = Settings(
                data_dir=data or Path(temporary), database_url=None, chroma_url=None, models_cache=models
            )
            start = time.perf_counter()
            searchers = make_searchers(settings, searched, readable, max(20, visitors or 0))
            notes.print(f"[dim]filled in {time.perf_counter() - start:.1f} s[/]")
            _measure_searches(settings, searched, searchers[: visitors or 20], think, seconds, step_seconds, out)
        return
    visitors = visitors or 50
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


def _measure_searches(
    settings: Settings,
    company: Company,
    searchers: list[Visitor],
    think: float,
    seconds: float,
    step_seconds: float,
    out: Path | None,
) -> None:
    console = Console()
    load = os.getloadavg()[0]
    with serving(settings) as url:
        visit(url, searchers, 0, 5, searching)  # warm
        before = server_cpu_seconds(settings.data_dir)
        thinking = visit(url, searchers, think, seconds, searching)
        cpu_ms = 1000 * (server_cpu_seconds(settings.data_dir) - before) / max(1, thinking.all.requests)
        saturation = [
            visit(url, searchers[:count], 0, step_seconds, searching)
            for count in (1, 2, 4, 8, 16, 32)
            if count <= len(searchers)
        ]
        page = visit(url, searchers[:1], 0, step_seconds, looking)
        suggestions = visit(url, searchers[:1], 0, step_seconds, typing)
    report = SearchReport(
        chunks=company.chunks,
        spaces=company.spaces,
        load_average_before=round(load, 2),
        server_cpu_ms=round(cpu_ms, 1),
        thinking=thinking,
        saturation=saturation,
        page=page,
        suggestions=suggestions,
        goals_met=thinking.all.p95 < _GOAL_SEARCH_P95_MS
        and suggestions.all.p95 < _GOAL_SUGGEST_P95_MS
        and saturation[0].all.p95 < _GOALS_ALONE_P95_MS.get(company.chunks, float("inf"))
        and sum(step.errors for step in (thinking, *saturation, page, suggestions)) == 0,
    )
    title = f"Searches among {company.chunks:,} chunks in {company.spaces:,} spaces"
    _print_visits(console, title, thinking, saturation)
    for name, one in (("The search page, with groups and facets", page), ("Suggestions while typing", suggestions)):
        console.print(f"{name}, one person: p50 {one.all.p50} ms, p95 {one.all.p95} ms.")
    console.print(f"Processor time of the server: {report.server_cpu_ms} ms a search, while they think.")
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
    _print_visits(console, title, report.thinking, report.saturation)
    console.print(
        f"Readable spaces of a person with {BUSY_MEMBERSHIPS} memberships and {BUSY_GRANTS} granted documents: "
        f"p50 {report.resolve_ms_p50} ms, p95 {report.resolve_ms_p95} ms (goal: {_GOAL_RESOLVE_MS} ms)."
    )


def _print_visits(console: Console, title: str, thinking: Visit, saturation: list[Visit]) -> None:
    table = Table(title=title)
    for column in ("", "requests/s", "p50 ms", "p95 ms", "p99 ms", "worst ms", "errors"):
        table.add_column(column, justify="left" if not column else "right")

    def add(name: str, visit: Visit) -> None:
        seen = visit.all
        figures = (visit.requests_per_second, seen.p50, seen.p95, seen.p99, seen.worst, visit.errors)
        table.add_row(name, *(str(figure) for figure in figures))

    add(f"{thinking.visitors} people, {thinking.think_seconds} s to think", thinking)
    if len(thinking.by_request) > 1:
        for name, seen in thinking.by_request.items():
            table.add_row(f"  {name}", "", str(seen.p50), str(seen.p95), str(seen.p99), str(seen.worst), "")
    for step in saturation:
        add(f"{step.visitors} without a pause", step)
    console.print(table)
    best = max(saturation, key=lambda step: step.requests_per_second)
    console.print(f"Saturation: {best.requests_per_second} requests/s (with {best.visitors} at a time).")
    errors = [step.first_error for step in (thinking, *saturation) if step.first_error]
    if errors:
        console.print(f"First error: {errors[0]}")


if __name__ == "__main__":
    typer.run(main)
