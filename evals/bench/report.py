"""What the benchmark found: figures with their goals, as a table and as JSON."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table


class Figure(BaseModel):
    """A row of the result. `goal` is a bound on `value` (`at_least` or `at_most`); None: for information."""

    part: str
    name: str
    value: float
    unit: str = ""
    goal: float | None = None
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal


class Report(BaseModel):
    """A run of the benchmark."""

    started_at: str
    machine: dict[str, str]
    options: dict[str, str]
    figures: list[Figure]
    details: dict[str, list[dict[str, object]]]

    def print(self, console: Console) -> None:
        """Show all figures, goals with their outcome."""
        print_figures(console, "Benchmark", self.figures)

    def write(self, path: Path) -> None:
        """Keep everything as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def print_figures(console: Console, title: str, figures: Sequence[Figure]) -> None:
    """Show figures as a table, goals with their outcome."""
    table = Table(title=title, title_justify="left")
    for heading, justify in (("", "left"), ("Measured", "left"), ("Value", "right"), ("Goal", "right"), ("", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    before = ""
    for figure in figures:
        verdict = {None: "", True: "[green]met[/]", False: "[red]not met[/]"}[figure.met]
        if figure.part != before and before:
            table.add_section()
        table.add_row(
            figure.part if figure.part != before else "", figure.name, _number(figure), _goal(figure), verdict
        )
        before = figure.part
    console.print(table)


def markdown(figures: Sequence[Figure]) -> str:
    """Figures as a table of Markdown."""
    verdicts = {None: "", True: "met", False: "**missed**"}
    rows = [f"| {figure.name} | {_number(figure)} | {_goal(figure)} | {verdicts[figure.met]} |" for figure in figures]
    return "\n".join(["| | measured | goal | |", "|---|---|---|---|", *rows])


def _goal(figure: Figure) -> str:
    return "" if figure.goal is None else f"{'≤' if figure.at_most else '≥'} {figure.goal:g}{figure.unit}"


def _number(figure: Figure) -> str:
    digits = 5 if "cosine" in figure.name else 2 if figure.value < 100 else 0
    return f"{figure.value:,.{digits}f}{figure.unit}"
