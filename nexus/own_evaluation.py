"""`nexus eval build` and `nexus eval gate`: evaluation on one's own data."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from nexus.options import DataDirOption, JsonOption, load_settings

FileOption = Annotated[
    Path | None, typer.Option("--file", help="The golden set; default: evals/golden.jsonl in the data directory.")
]


def build(
    file: FileOption = None,
    per_origin: Annotated[int, typer.Option(min=1, max=10_000, help="Questions at most of each origin.")] = 100,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Make a golden set from your own data, without a language model: titles, headings, links, what was opened, and
    answers that helped or were reviewed."""
    from core_api.domains.users.service import ensure_owner
    from core_api.infra.storage import open_files
    from evals import own_data
    from nexus.datadir import DataDir
    from nexus.owner import open_database

    settings = load_settings(data_dir)
    DataDir(settings.data_dir).prepare()
    database = open_database(settings)
    with database.transaction() as session:
        subject, _ = ensure_owner(session)
    with database.reading() as session:
        golden = own_data.build(session, subject, open_files(settings), per_origin)
    database.dispose()
    path = file or own_data.golden_path(settings)
    own_data.save(golden, path)
    counts = dict(own_data.counts(golden))
    if as_json:
        typer.echo(json.dumps({"file": str(path), "queries": len(golden), "by_origin": counts}))
        return
    shares = ", ".join(f"{origin} {count}" for origin, count in counts.items()) or "your data give none yet"
    Console().print(f"{len(golden)} questions ({shares}) in {path}.", highlight=False, soft_wrap=True)


def gate(
    baseline: Annotated[
        str, typer.Option(help="The run (or *.json) to compare with; where no run has the name yet, this one gets it.")
    ] = "own-baseline",
    tolerance: Annotated[float, typer.Option(min=0.0, max=1.0, help="A fall of MRR@10 that does not matter.")] = 0.01,
    name: Annotated[str, typer.Option("--name", help="Keep this run under this name.")] = "own-latest",
    accept: Annotated[bool, typer.Option("--accept", help="Make this run the baseline, whatever it finds.")] = False,
    file: FileOption = None,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
) -> None:
    """Ask the golden set; exit code 1 when search got worse than in the baseline, beyond noise."""
    import dataclasses

    from core_api.infra.errors import Invalid
    from evals import own_data, own_gate, report
    from nexus.connection import connect
    from nexus.evaluate import show_progress

    settings = load_settings(data_dir)
    golden = own_data.load(file or own_data.golden_path(settings))
    if not golden:
        raise Invalid("The golden set is empty. Import documents, then make it anew with `nexus eval build`.")
    # What cannot name a run, or is none, is told before anything is asked. A file that is not there is a slip, unless
    # it is to be made.
    report.run_name(name, "", "")
    compared = report.place(baseline, settings.data_dir)
    known = compared.is_file() or (baseline.endswith(".json") and not accept)
    before = report.load(baseline, settings.data_dir) if known else None

    async def run() -> report.Run:
        async with connect(settings) as client:
            with show_progress(as_json) as progress:
                return await own_gate.ask(client, golden, name, progress)

    result = asyncio.run(run())
    report.save(result, settings.data_dir)
    if accept or before is None:
        report.write(dataclasses.replace(result, name=compared.stem), compared)
    console = Console(stderr=as_json)
    if before is None:
        if as_json:
            typer.echo(json.dumps({**report.summary(result), "passed": True}, ensure_ascii=False, indent=2))
        else:
            report.print_run(result, console)
            console.print(f"There was no run {baseline!r} to compare with; this is it from now on.", highlight=False)
        return
    judged = own_gate.verdict(result, before, tolerance)
    if as_json:
        shown = {**report.summary(result, before), **judged.as_dict()}
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        report.print_run(result, console, before)
        table = Table("MRR@10", "before", "now", "difference (95%)", "better", "worse", "p", "")
        table.add_row(
            f"{judged.queries} questions",
            f"{judged.before:.4f}",
            f"{judged.now:.4f}",
            f"{judged.difference:+.4f} ({judged.low:+.4f} to {judged.high:+.4f})",
            str(judged.better),
            str(judged.worse),
            f"{judged.p:.3f}",
            "[green]passed[/green]" if judged.passed else "[red]worse[/red]",
        )
        console.print(table)
        if accept:
            console.print(f"This run is the baseline {baseline!r} from now on.", highlight=False, soft_wrap=True)
    if not judged.passed and not accept:
        raise typer.Exit(1)
