"""What an evaluation found: kept under a name, shown as a table or as a page with plots, compared with another."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from core_api.infra.errors import Invalid, NotFound
from evals.metrics import mean, sign_test

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation.

    `metrics` holds a row of named values for each variant (a search mode, a kind of question); `per_query` one value
    for each variant and query, of the measure `per_query_metric`, for paired comparison; `series` are curves for the
    report, {title: {line: [[x, y], ...]}}; `examples` are rows worth reading (failures).
    """

    name: str
    kind: str
    dataset: str
    started_at: str
    seconds: float
    parameters: dict[str, Value]
    metrics: dict[str, dict[str, float]]
    per_query_metric: str = ""
    per_query: dict[str, dict[str, float]] = field(default_factory=dict)
    series: dict[str, dict[str, list[list[float]]]] = field(default_factory=dict)
    examples: list[dict[str, Value]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def run_name(name: str | None, kind: str, dataset: str) -> str:
    """The name to keep a run under: the one given, else made of what it is."""
    if name is None:
        return f"{kind}-{re.sub(r'[^A-Za-z0-9._-]+', '-', dataset)}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise Invalid(f"{name!r} cannot name a run: use letters, digits, '.', '_' and '-', at most 100.")
    return name


def now() -> str:
    """The time, as runs write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def place(name_or_path: str, data_dir: Path) -> Path:
    """Where a run is kept: data_dir/evals/<name>.json, or the file itself where one (*.json) is named. Raises Invalid
    for what cannot name a run."""
    path = Path(name_or_path)
    return path if path.suffix == ".json" else data_dir / "evals" / f"{run_name(name_or_path, '', '')}.json"


def save(run: Run, data_dir: Path) -> None:
    """Keep a run in data_dir/evals/<name>.json, in place of one of the same name."""
    write(run, data_dir / "evals" / f"{run.name}.json")


def write(run: Run, path: Path) -> None:
    """Keep a run in this file, instead of what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".json.new")
    temporary.write_text(json.dumps(asdict(run), ensure_ascii=False, indent=1))
    temporary.replace(path)


def load(name_or_path: str, data_dir: Path) -> Run:
    """A run by its name, or from a file. Raises NotFound (naming those that exist) or Invalid."""
    path = place(name_or_path, data_dir)
    if not path.is_file():
        known = ", ".join(saved(data_dir)) or "none yet"
        raise NotFound(f"There is no run {name_or_path!r}. Kept runs: {known}.")
    try:
        members: dict[str, Any] = json.loads(path.read_text())
        return Run(**members)
    except (ValueError, TypeError) as error:
        raise Invalid(f"{path} is not a run of an evaluation: {error}.") from error


def saved(data_dir: Path) -> list[str]:
    """Names of the kept runs."""
    return sorted(path.stem for path in (data_dir / "evals").glob("*.json"))


def summary(run: Run, baseline: Run | None = None) -> dict[str, Any]:
    """The run without its single queries, for --json; with the differences to another run where one is given."""
    short = asdict(run)
    for member in ("per_query", "series", "examples"):
        short.pop(member)
    if baseline is not None:
        short["baseline"] = baseline.name
        short["differences"] = differences(run, baseline)
    return short


def differences(run: Run, baseline: Run) -> dict[str, dict[str, float]]:
    """This run minus the other, for variants and measures that both have. Where both kept the same measure per query:
    how many queries got `better` and `worse`, and the sign test's `p`."""
    found: dict[str, dict[str, float]] = {}
    for variant, values in run.metrics.items():
        before = baseline.metrics.get(variant)
        if before is None:
            continue
        row = {name: value - before[name] for name, value in values.items() if name in before}
        paired = _paired(run, baseline, variant)
        if paired:
            better, worse = sum(d > 1e-9 for d in paired), sum(d < -1e-9 for d in paired)
            row.update(better=better, worse=worse, p=sign_test(better, worse))
        found[variant] = row
    return found


def _paired(run: Run, baseline: Run, variant: str) -> list[float]:
    if run.per_query_metric != baseline.per_query_metric:
        return []
    now_, before = run.per_query.get(variant, {}), baseline.per_query.get(variant, {})
    return [value - before[query] for query, value in now_.items() if query in before]


def print_run(run: Run, console: Console, baseline: Run | None = None) -> None:
    """The run as a table, a row for each measure, with the differences to another beside each variant."""
    table = Table(title=f"{run.kind}: {run.dataset}", caption=_caption(run), caption_justify="left")
    changes = differences(run, baseline) if baseline is not None else {}
    columns: list[tuple[str, Mapping[str, float], bool]] = []
    for variant, values in run.metrics.items():
        columns.append((variant.strip(), values, False))
        if variant in changes:
            columns.append((f"vs {baseline.name if baseline else ''}", changes[variant], True))
    table.add_column("", overflow="fold")
    for header, _, is_change in columns:
        table.add_column(header, justify="right", style="dim" if is_change else None)
    for measure in _measures(run.metrics):
        table.add_row(
            measure, *(shown(measure, values.get(measure), signed=is_change) for _, values, is_change in columns)
        )
    console.print(table)
    for variant, row in changes.items():
        if "p" in row:
            console.print(
                f"{variant}: {row['better']:.0f} better, {row['worse']:.0f} worse (sign test, p = {row['p']:.3f})"
            )
    for note in run.notes:
        console.print(f"[yellow]{note}[/]")


def _measures(metrics: Mapping[str, Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(name for row in metrics.values() for name in row))


def _caption(run: Run) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in run.parameters.items())
    return f"{run.name}: {facts}; {run.seconds:.0f} s"


def shown(metric: str, value: float | None, *, signed: bool = False) -> str:
    """A value as tables show it: times in ms with one decimal, counts whole, shares with four decimals."""
    if value is None:
        return ""
    sign = "+" if signed else ""
    if metric.endswith("ms"):
        return f"{value:{sign}.1f}"
    if float(value).is_integer() and abs(value) > 1:
        return f"{value:{sign}.0f}"
    return f"{value:{sign}.4f}"


def macro(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each measure over queries; all rows have the same measures."""
    return {name: mean([row[name] for row in rows]) for name in rows[0]} if rows else {}


def write_html(run: Run, path: Path, baseline: Run | None = None) -> None:
    """A page that stands alone: the table, plots, the failures worth reading."""
    from jinja2 import Environment, PackageLoader

    from evals.plots import bars, lines

    shares = {
        variant: {name: value for name, value in row.items() if 0 <= value <= 1 and not name.endswith("ms")}
        for variant, row in run.metrics.items()
    }
    plots = [bars("Measures", shares)] + [lines(title, curves) for title, curves in run.series.items()]
    environment = Environment(loader=PackageLoader("evals"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    columns = _measures(run.metrics)
    page = environment.get_template("report.html").render(
        run=run,
        columns=columns,
        rows={v: [shown(c, row.get(c)) for c in columns] for v, row in run.metrics.items()},
        baseline=baseline,
        changes=[
            (variant, [shown(c, row[c], signed=True) if c in row else "" for c in columns], row)
            for variant, row in (differences(run, baseline) if baseline else {}).items()
        ],
        plots=plots,
        example_columns=list(dict.fromkeys(name for row in run.examples for name in row)),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
