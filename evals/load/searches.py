"""`python -m evals.load.searches`: people who search over HTTP, among as many chunks as wanted."""

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel
from rich.console import Console

from core_api.infra.settings import Settings
from evals.bench.report import Figure, print_figures
from evals.bench.synthetic import Company
from evals.load.company import Visitor
from evals.load.searchers import make_searchers
from evals.load.server import server_cpu_seconds, serving
from evals.load.visits import Visit, looking, print_visits, searching, typing, visit

_GOAL_SUGGEST_P95_MS = 20.0
_GOALS_ALONE_P95_MS = {100_000: 40.0, 1_000_000: 120.0}
"""Of one person who searches without a pause, by the number of chunks."""
_GOALS_THINKING_P95_MS = {100_000: 100.0}
"""Of twenty with half a second to think, by the number of chunks."""
_LONG_TEXTS = 100_000
"""Above so many chunks texts are shorter, for the disk."""


class SearchReport(BaseModel):
    """All that was measured of searches."""

    chunks: int
    spaces: int
    load_average_before: float
    thinking: Visit
    saturation: list[Visit]
    page: Visit
    suggestions: Visit
    server_cpu_ms: float
    """Processor time of the server for each search, while they think."""

    @property
    def figures(self) -> list[Figure]:
        """What counts, with its goals."""
        part = f"{self.chunks:,} chunks, {self.spaces:,} spaces"
        alone, best = self.saturation[0].all, max(step.requests_per_second for step in self.saturation)
        people = f"{self.thinking.visitors} people, {self.thinking.think_seconds:g} s to think"
        errors = sum(visit.errors for visit in (self.thinking, *self.saturation, self.page, self.suggestions))

        def milliseconds(name: str, value: float, goal: float | None = None) -> Figure:
            return Figure(part=part, name=name, value=value, unit=" ms", goal=goal, at_most=True)

        return [
            milliseconds("one person: p50", alone.p50),
            milliseconds("one person: p95", alone.p95, _GOALS_ALONE_P95_MS.get(self.chunks)),
            milliseconds(f"{people}: p95", self.thinking.all.p95, _GOALS_THINKING_P95_MS.get(self.chunks)),
            milliseconds("processor time of the server for each", self.server_cpu_ms),
            Figure(part=part, name="most at once", value=best, unit=" a second"),
            milliseconds("one person, with groups and facets: p95", self.page.all.p95),
            milliseconds("suggestions while typing: p95", self.suggestions.all.p95, _GOAL_SUGGEST_P95_MS),
            Figure(part=part, name="errors", value=errors, goal=0, at_most=True),
        ]


def measure(
    url: str,
    data_dir: Path,
    people: Sequence[Visitor],
    company: Company,
    think: float,
    seconds: float,
    step_seconds: float,
) -> SearchReport:
    """Let the people search at the server of this directory: so many seconds with time to think, then as fast as it
    answers, `step_seconds` for each number of people."""
    load = os.getloadavg()[0]
    visit(url, people, 0, step_seconds, searching)  # warm
    before = server_cpu_seconds(data_dir)
    thinking = visit(url, people, think, seconds, searching)
    spent = server_cpu_seconds(data_dir) - before
    return SearchReport(
        chunks=company.chunks,
        spaces=company.spaces,
        load_average_before=round(load, 2),
        thinking=thinking,
        saturation=[
            visit(url, people[:count], 0, step_seconds, searching)
            for count in (1, 2, 4, 8, 16, 32)
            if count <= len(people)
        ],
        page=visit(url, people[:1], 0, step_seconds, looking),
        suggestions=visit(url, people[:1], 0, step_seconds, typing),
        server_cpu_ms=round(1000 * spent / max(1, thinking.all.requests), 1),
    )


def main(
    chunks: Annotated[int, typer.Option(min=1_000, help="How much there is to search.")] = 100_000,
    spaces: Annotated[int, typer.Option(min=10, help="In so many spaces.")] = 5_000,
    readable: Annotated[int, typer.Option(min=2, help="Of which each person may read so many.")] = 20,
    visitors: Annotated[int, typer.Option(min=1, max=500, help="People at the same time.")] = 20,
    think: Annotated[float, typer.Option(min=0, help="Seconds between two requests of one person, on average.")] = 0.5,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long they search.")] = 30,
    step_seconds: Annotated[float, typer.Option(min=1, max=60, help="How long each step of saturation takes.")] = 5,
    data: Annotated[
        Path | None, typer.Option(help="Keep what is made in this folder, or take what a run before has made there.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON to this file.")] = None,
) -> None:
    """Measure searches: first by people who think between two, then as fast as it answers.

    Ends with status 1 when a goal is not met. The generator runs on the same machine and takes part of its cores.
    """
    console, notes = Console(), Console(stderr=True)
    company = Company(chunks, spaces, 5 if chunks <= _LONG_TEXTS else 3)
    with tempfile.TemporaryDirectory(prefix="nexus-load-") as temporary:
        models = Settings().models_dir.resolve()
        settings = Settings(data_dir=data or Path(temporary), database_url=None, chroma_url=None, models_cache=models)
        start = time.perf_counter()
        # Who has made a folder for twenty can have fewer of them search in it.
        people = make_searchers(settings, company, readable, max(20, visitors))[:visitors]
        notes.print(f"[dim]filled in {time.perf_counter() - start:.1f} s[/]")
        with serving(settings) as url:
            report = measure(url, settings.data_dir, people, company, think, seconds, step_seconds)
    print_visits(console, f"Searches among {chunks:,} chunks in {spaces:,} spaces", report.thinking, report.saturation)
    print_figures(console, "What counts", report.figures)
    if out is not None:
        out.write_text(report.model_dump_json(indent=2), encoding="utf-8")
    if any(figure.met is False for figure in report.figures):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
