"""The search part of the benchmark: latency with permissions at several sizes, and against other retrievers."""

import tempfile
from pathlib import Path

from evals.bench.parts import Details, Plan
from evals.bench.process import run_worker
from evals.bench.report import Figure
from evals.bench.workers import searches

_PART = "search"
_MAIN = 13
"""Spaces that the asker may read whose searches are compared."""
_OTHERS = ("search_langchain", "search_llama_index")
_TIMEOUT = 7200.0
_FASTER, _GROWTH, _P95_MS = 5.0, 1.5, {100_000: 40.0, 1_000_000: 120.0}


def measure_search(plan: Plan) -> tuple[list[Figure], Details]:
    """Ours at every size and number of spaces; LangChain's and LlamaIndex's retrievers at the usual ones."""
    sizes = (1_000, 5_000) if plan.quick else (10_000, 100_000)
    figures: list[Figure] = []
    results: list[searches.Result] = []
    ours: list[searches.Result] = []
    for size in sizes:
        mine = _run(plan, "search_nexus", size, 240, [_MAIN, 1, 5, 20])
        others = [_run(plan, worker, size, 240, [_MAIN]) for worker in _OTHERS]
        figures += _own(mine, main=True)
        for other in others:
            figures += _other(other, mine, goal=_FASTER if size == 100_000 else None)
        ours.append(mine)
        results += [mine, *others]
    growth = ours[-1].asked[0].p95_ms / ours[0].asked[0].p95_ms
    name = f"nexus hybrid: p95 at {sizes[-1]:,} to p95 at {sizes[0]:,}"
    figures.append(Figure(part=_PART, name=name, value=growth, unit="x", goal=_GROWTH, at_most=True))
    for spaces, readable in ((10, [5, 1]), (5_000, [20, 1, 5, 100])):
        results.append(_run(plan, "search_nexus", sizes[-1], spaces, readable))
        figures += _own(results[-1])
    if plan.million:
        results.append(_run(plan, "search_nexus", 1_000_000, 5_000, [20, 1, 5, 100], sentences=3))
        figures += _own(results[-1], main=True)
    return figures, [result.model_dump() for result in results]


def _run(plan: Plan, worker: str, chunks: int, spaces: int, readable: list[int], sentences: int = 5) -> searches.Result:
    plan.say(f"search: {worker.removeprefix('search_')}, {chunks:,} chunks, {spaces:,} spaces")
    with tempfile.TemporaryDirectory() as folder:
        parameters = searches.Parameters(
            chunks=chunks,
            spaces=spaces,
            sentences=sentences,
            readable=readable,
            queries=50 if plan.quick else 200,
            k=10,
            work_dir=Path(folder),
            models_cache=plan.models_cache,
            model=plan.model,
            threads=plan.threads,
        )
        return searches.Result.model_validate(run_worker(worker, parameters, _TIMEOUT))


def _own(result: searches.Result, *, main: bool = False) -> list[Figure]:
    where = f"nexus hybrid, {result.chunks:,} chunks, {result.spaces:,} spaces"
    figures = []
    for number, asked in enumerate(result.asked):
        name = f"{where}, {asked.readable} readable"
        goal = _P95_MS.get(result.chunks) if main and number == 0 else None
        figures.append(Figure(part=_PART, name=f"{name}: p50", value=asked.p50_ms, unit=" ms"))
        figures.append(Figure(part=_PART, name=f"{name}: p95", value=asked.p95_ms, unit=" ms", goal=goal, at_most=True))
    if main:
        steps = {name: value for name, value in result.asked[0].steps.items() if name != "total"}
        total = result.asked[0].steps.get("total") or sum(steps.values())
        for name, value in steps.items():
            figures.append(Figure(part=_PART, name=f"  of it {name} (median)", value=100 * value / total, unit=" %"))
        for name, value in result.parts.items():
            figures.append(Figure(part=_PART, name=f"  alone: {name}", value=value, unit=" ms"))
    return [*figures, *_sizes(where, result)]


def _other(result: searches.Result, mine: searches.Result, goal: float | None) -> list[Figure]:
    where = f"{result.name}, {result.chunks:,} chunks"
    asked, own = result.asked[0], mine.asked[0]
    short = result.name.split()[0]
    return [
        Figure(part=_PART, name=f"{where}: p50", value=asked.p50_ms, unit=" ms"),
        Figure(part=_PART, name=f"{where}: p95", value=asked.p95_ms, unit=" ms"),
        *_sizes(where, result),
        Figure(
            part=_PART,
            name=f"{result.chunks:,} chunks: faster than {short} (p50)",
            value=asked.p50_ms / own.p50_ms,
            unit="x",
        ),
        Figure(
            part=_PART,
            name=f"{result.chunks:,} chunks: faster than {short} (p95)",
            value=asked.p95_ms / own.p95_ms,
            unit="x",
            goal=goal,
        ),
        Figure(
            part=_PART,
            name=f"{result.chunks:,} chunks: recall@10 above {short}",
            value=mine.recall - result.recall,
            goal=0.0,
        ),
    ]


def _sizes(where: str, result: searches.Result) -> list[Figure]:
    return [
        Figure(part=_PART, name=f"{where}: recall@10 of the nearest", value=result.recall),
        Figure(part=_PART, name=f"{where}: built in", value=result.build_seconds, unit=" s"),
        Figure(part=_PART, name=f"{where}: on disk", value=result.disk_mb, unit=" MB"),
        Figure(part=_PART, name=f"{where}: peak memory", value=result.memory.peak_mb, unit=" MB"),
    ]
