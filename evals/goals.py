"""`python -m evals.goals DIR`: all that search promises, quality and speed, measured in one run, in one report."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from core_api.infra.settings import Settings
from evals import suite
from evals.bench.report import Figure, Report, markdown
from evals.load.searches import SearchReport

_SIZES = (100_000, 1_000_000)


def main(
    folder: Annotated[Path, typer.Argument(help="Has the collections of `nexus eval suite`.")],
    out: Annotated[Path, typer.Option(help="The report.")] = Path("goals.md"),
    data: Annotated[Path | None, typer.Option(help="Keep what is made to be searched in this folder.")] = None,
) -> None:
    """Measure what search finds (`nexus eval suite`), its speed beside LangChain's and LlamaIndex's retrievers
    (`python -m evals.bench --only search`), and people who search over HTTP (`python -m evals.load.searches`).

    Ends with status 1 when a goal is not met. Takes half an hour on two cores, a quarter with `--data` and
    collections of a run before; leave the machine alone meanwhile.
    """
    settings = Settings()
    with tempfile.TemporaryDirectory(prefix="nexus-goals-") as temporary:
        place = data or Path(temporary)
        beside = Report.model_validate_json(_run("evals.bench", "--only", "search"))
        visits = []
        for size in _SIZES:
            kept = place / str(size)
            measured = _run("evals.load.searches", "--chunks", str(size), "--data", str(kept))
            visits.append(SearchReport.model_validate_json(measured))
    found = suite.run(settings, folder)
    figures = [*beside.figures, *(figure for visit in visits for figure in visit.figures)]
    out.write_text(compose(suite.markdown(found, settings), figures), encoding="utf-8")
    Console().print(out.read_text(encoding="utf-8"), markup=False)
    if not all(one.met for one in found) or any(figure.met is False for figure in figures):
        raise typer.Exit(1)


def compose(found: str, figures: Sequence[Figure]) -> str:
    """The report: what search finds, and a table of figures for each part of them."""
    parts: dict[str, list[Figure]] = {}
    for figure in figures:
        parts.setdefault(figure.part, []).append(figure)
    return "\n".join([found, *(f"## {part}\n\n{markdown(of_it)}\n" for part, of_it in parts.items())])


def _run(module: str, *options: str) -> str:
    """What a module of the evaluations writes as JSON; it measures in a process of its own. A goal that it misses is in
    there, and no failure of it."""
    with tempfile.TemporaryDirectory(prefix="nexus-goals-") as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", module, *options, "--out", str(result)]
        ended = subprocess.run(command, check=False)  # noqa: S603 - our own modules, by our own interpreter
        if not result.is_file():
            raise RuntimeError(f"{module} ended with status {ended.returncode} and measured nothing")
        return result.read_text(encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
