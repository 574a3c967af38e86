"""All that search is measured by, in one run and one report: public collections and golden sets, each with its goal."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core_api.infra.errors import Invalid
from core_api.infra.settings import Settings
from evals import report, retrieval
from evals.report import Run
from evals.runner import Progress, no_progress
from retrieval.types import Mode


@dataclass(frozen=True, slots=True)
class Figure:
    """A collection, in the folder of that name, and the least that hybrid search must reach of a measure; with `above`
    it is that much more than the better of the single legs."""

    folder: str
    title: str
    metric: str
    goal: float
    above: bool = False
    split: str | None = None
    articles: int | None = None
    golden: str | None = None

    def wanted(self, values: Mapping[str, float]) -> float:
        """The goal, for these values of the measure by mode."""
        legs = max(values[Mode.KEYWORD.value], values[Mode.SEMANTIC.value])
        return legs + self.goal if self.above else self.goal


FIGURES = (
    Figure("scifact", "SciFact, train queries", "nDCG@10", 0.05, above=True, split="train"),
    Figure("cranfield", "Cranfield", "nDCG@10", 0.425),
    Figure("korquad", "KorQuAD, first 70 articles", "MRR@10", 0.96, articles=70),
    Figure("xquad_en", "XQuAD, English", "MRR@10", 0.976),
    # Over 0.9, of 30 questions.
    Figure("company", "golden set, company", "recall@10", 0.91, golden="company"),
    Figure("korean_docs", "golden set, korean_docs", "recall@10", 0.91, golden="korean_docs"),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and the run that measured it; None where its folder is not there."""

    figure: Figure
    run: Run | None

    @property
    def values(self) -> dict[str, float]:
        """The measure by mode."""
        return {mode: row[self.figure.metric] for mode, row in self.run.metrics.items()} if self.run else {}

    @property
    def met(self) -> bool:
        """Whether it was measured and reaches its goal."""
        values = self.values
        return bool(values) and values[Mode.HYBRID.value] >= self.figure.wanted(values)


def run(settings: Settings, folder: Path, only: Sequence[str] = (), progress: Progress = no_progress) -> list[Measured]:
    """Measure each figure (of the folders `only`, where some are named) on its collection beneath `folder`.

    Each run is kept as `nexus eval retrieval` keeps it. Raises Invalid for unknown names, where nothing is there, and
    for a collection that cannot be read.
    """
    known = [figure.folder for figure in FIGURES]
    if unknown := sorted(set(only) - set(known)):
        raise Invalid(f"There is no collection {unknown[0]!r}; there are {', '.join(known)}.")
    chosen = [figure for figure in FIGURES if not only or figure.folder in only]
    there = [figure for figure in chosen if (folder / figure.folder).exists()]
    if not there:
        raise Invalid(f"{folder} has none of {', '.join(figure.folder for figure in chosen)}.")
    runs = {figure: _measure(settings, folder, figure, progress) for figure in there}
    return [Measured(figure, runs.get(figure)) for figure in chosen]


def _measure(settings: Settings, folder: Path, figure: Figure, progress: Progress) -> Run:
    return retrieval.run(
        settings,
        folder / figure.folder,
        split=figure.split,
        articles=figure.articles,
        golden=figure.golden,
        progress=lambda step, done, total: progress(f"{figure.folder}: {step}", done, total),
    )


def markdown(measured: Sequence[Measured], settings: Settings) -> str:
    """The report."""
    first = next(one.run for one in measured if one.run is not None)
    reranker = settings.rerank_model or "none"
    lines = [
        "# What search finds",
        "",
        f"{first.started_at}; model {first.parameters['model']}, reranker {reranker}, {os.cpu_count()} cores.",
        "",
        "| | measure | hybrid | semantic | keyword | goal | | questions | documents | p50, p95 (ms) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(_cells(one))} |" for one in measured]
    notes = [f"- {one.figure.title}: {note}" for one in measured if one.run is not None for note in one.run.notes]
    return "\n".join([*lines, *(["", *notes] if notes else []), "", _SPEED])


def _cells(one: Measured) -> list[str]:
    figure, values = one.figure, one.values
    if one.run is None:
        return [figure.title, figure.metric, *[""] * 4, f"**not measured**: no folder `{figure.folder}`", *[""] * 3]
    goal = f"{figure.wanted(values):.3f}" + (f" (the better leg + {figure.goal:g})" if figure.above else "")
    hybrid = one.run.metrics[Mode.HYBRID.value]
    return [
        figure.title,
        figure.metric,
        *(report.shown(figure.metric, values[mode.value]) for mode in retrieval.MODES),
        goal,
        "met" if one.met else "**missed**",
        *(str(one.run.parameters[name]) for name in ("queries", "documents")),
        f"{hybrid['p50 ms']:.1f}, {hybrid['p95 ms']:.1f}",
    ]


_SPEED = """Times are those of one question at a time here, in process, permissions included. This and speed, beside
LangChain's and LlamaIndex's retrievers and with people who search among a million passages, in one report:
`python -m evals.goals DIR`.
"""
