"""`nexus eval`: grades search and answers, and keeps the runs for comparison."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from nexus.options import DataDirOption, JsonOption, load_settings

if TYPE_CHECKING:
    from core_api.infra.settings import Settings
    from evals.report import Run
    from evals.runner import Progress as Report

app = typer.Typer(help="Grade search and answers on a data set; needs no language model.", no_args_is_help=True)

NameOption = Annotated[str | None, typer.Option("--name", help="Keep the run under this name.")]
CompareOption = Annotated[str | None, typer.Option("--compare", help="Compare with the run kept under this name.")]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Only this many questions.")]
ArticlesOption = Annotated[int | None, typer.Option(min=1, help="SQuAD: questions of the first articles only.")]


@app.command()
def retrieval(
    path: Annotated[
        Path,
        typer.Argument(
            help="A BEIR folder (corpus.jsonl, queries.jsonl, qrels/), a SQuAD file, or what --golden asks about."
        ),
    ],
    split: Annotated[
        str | None, typer.Option(help="BEIR: the split of the judgements, as in qrels/<split>.tsv.")
    ] = None,
    articles: ArticlesOption = None,
    golden: Annotated[
        str | None,
        typer.Option(help="Ask a golden set over the files of PATH: company, korean_docs, or a JSONL file."),
    ] = None,
    limit: LimitOption = None,
    name: NameOption = None,
    compare: CompareOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """How well search finds what it should, in each mode."""
    from evals.retrieval import run

    settings = load_settings(data_dir)
    with show_progress(as_json) as progress:
        result = run(
            settings, path, split=split, articles=articles, limit=limit, golden=golden, name=name, progress=progress
        )
    _show(settings, result, compare, as_json)


@app.command()
def suite(
    folder: Annotated[
        Path,
        typer.Argument(help="Has the collections: scifact, cranfield, korquad, xquad_en, company, korean_docs."),
    ],
    only: Annotated[list[str] | None, typer.Option(help="Only this collection (may be repeated).")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="The report; default: evals/suite.md in the data directory.")
    ] = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """All figures of search in one report; exit code 1 unless each was measured and meets its goal."""
    from evals import suite as suites

    settings = load_settings(data_dir)
    with show_progress(as_json) as progress:
        measured = suites.run(settings, folder, only or (), progress)
    page = file or settings.data_dir / "evals" / "suite.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(suites.markdown(measured, settings), encoding="utf-8")
    if as_json:
        rows = [
            {"collection": one.figure.folder, "measure": one.figure.metric, **one.values, "met": one.met}
            for one in measured
        ]
        typer.echo(json.dumps({"file": str(page), "figures": rows}, ensure_ascii=False, indent=2))
    else:
        typer.echo(page.read_text(encoding="utf-8"))
        typer.echo(f"Report: {page}")
    if not all(one.met for one in measured):
        raise typer.Exit(1)


@app.command()
def answers(
    file: Annotated[Path, typer.Argument(help="A SQuAD file, version 1.1 or 2.0.")],
    articles: ArticlesOption = None,
    limit: LimitOption = None,
    mixed: Annotated[
        bool, typer.Option("--mixed/--no-mixed", help="Ask again with half of the paragraphs left out, for confidence.")
    ] = True,
    name: NameOption = None,
    compare: CompareOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """How often an answer holds what was asked for, whether its citations hold, and when it abstains."""
    from evals.answers import run

    settings = load_settings(data_dir)
    with show_progress(as_json) as progress:
        result = run(settings, file, articles=articles, limit=limit, name=name, mixed=mixed, progress=progress)
    _show(settings, result, compare, as_json)


@app.command()
def summaries(
    path: Annotated[Path, typer.Argument(help="A folder with QMSum's <split>.jsonl, or such a file.")],
    split: Annotated[str, typer.Option(help="Which file of the folder.")] = "val",
    limit: Annotated[int | None, typer.Option(min=1, help="Only this many meetings.")] = None,
    name: NameOption = None,
    compare: CompareOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """How well what summaries quote agrees with where people found the answers (QMSum)."""
    from evals.summaries import run

    settings = load_settings(data_dir)
    with show_progress(as_json) as progress:
        result = run(settings, path, split=split, limit=limit, name=name, progress=progress)
    _show(settings, result, compare, as_json)


@contextlib.contextmanager
def show_progress(quiet: bool) -> Iterator["Report"]:
    """A bar on standard error for each step of an evaluation."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield report


def _show(settings: "Settings", result: "Run", compare: str | None, as_json: bool) -> None:
    from evals import report

    baseline = report.load(compare, settings.data_dir) if compare else None
    page = settings.data_dir / "evals" / f"{result.name}.html"
    report.write_html(result, page, baseline)
    if as_json:
        typer.echo(json.dumps(report.summary(result, baseline), ensure_ascii=False, indent=2))
        return
    console = Console()
    report.print_run(result, console, baseline)
    console.print(f"Report: {page}", highlight=False, soft_wrap=True)
