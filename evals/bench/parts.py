"""The three parts of the benchmark: each runs its workers and turns what they tell into figures."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evals.bench.corpus import write_corpus
from evals.bench.process import percentile, run_worker
from evals.bench.report import Figure
from evals.bench.workers import embedding, imports

Say = Callable[[str], None]
Details = list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What every part needs to know."""

    corpus: Path | None
    models_cache: Path
    model: Path
    threads: int
    quick: bool
    million: bool
    say: Say


def measure_embedding(plan: Plan) -> tuple[list[Figure], Details]:
    """Query and passage embedding against SentenceTransformer.encode."""
    plan.say("embedding: three ways in turns")
    with tempfile.TemporaryDirectory() as folder:
        parameters = embedding.Parameters(
            data_dir=Path(folder),
            models_cache=plan.models_cache,
            corpus=plan.corpus,
            queries=40 if plan.quick else 200,
            passages=64 if plan.quick else 512,
            rounds=2,
            threads=plan.threads,
        )
        result = embedding.Result.model_validate(run_worker("embedding", parameters, timeout=3600))
    original, *ours = result.contenders
    part = "embedding"
    figures = [
        Figure(part=part, name=f"{one.name}: one query, p50", value=one.query_ms_p50, unit=" ms")
        for one in result.contenders
    ]
    figures += [
        Figure(part=part, name=f"{one.name}: passages a second", value=one.passages_per_second)
        for one in result.contenders
    ]
    for one in ours:
        fp32 = one.name.endswith("fp32")
        ratio = original.query_ms_p50 / one.query_ms_p50
        figures.append(
            Figure(part=part, name=f"{one.name}: query speed-up", value=ratio, unit="x", goal=3 if fp32 else None)
        )
        ratio = one.passages_per_second / original.passages_per_second
        figures.append(Figure(part=part, name=f"{one.name}: passage speed-up", value=ratio, unit="x"))
        if fp32:
            figures.append(Figure(part=part, name=f"{one.name}: least cosine", value=one.cosine_min, goal=0.9999))
        else:
            figures.append(Figure(part=part, name=f"{one.name}: mean cosine", value=one.cosine_mean))
        name = f"{one.name}: mean cosine of a query, as a search embeds it"
        figures.append(Figure(part=part, name=name, value=one.query_cosine_mean, goal=0.97))
    return figures, [result.model_dump()]


def measure_imports(plan: Plan) -> tuple[list[Figure], Details]:
    """Import throughput against raw embedding, LangChain and LlamaIndex."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = plan.corpus
        if corpus is None:
            corpus = Path(folder) / "corpus"
            write_corpus(corpus, 20 if plan.quick else 200)
        found: dict[str, imports.Result] = {}
        for worker, precision in (
            ("import_nexus", "fp32"),
            ("import_langchain", "fp32"),
            ("import_nexus", "int8"),
            ("import_llama_index", "fp32"),
        ):
            plan.say(f"import: {worker.removeprefix('import_')} {precision}")
            work_dir = Path(folder) / f"{worker}-{precision}"
            work_dir.mkdir()
            parameters = imports.Parameters(
                corpus=corpus.resolve(),
                work_dir=work_dir,
                models_cache=plan.models_cache,
                model=plan.model,
                precision=precision,
                threads=plan.threads,
                edits=5 if plan.quick else 100,
            )
            result = imports.Result.model_validate(run_worker(worker, parameters, timeout=7200))
            found[result.name] = result
    return _import_figures(found), [result.model_dump() for result in found.values()]


def _import_figures(found: dict[str, imports.Result]) -> list[Figure]:
    part = "import"
    figures = []
    for one in found.values():
        rate = one.characters / one.seconds / 1000
        figures.append(Figure(part=part, name=f"{one.name}: {one.files} files", value=one.seconds, unit=" s"))
        figures.append(Figure(part=part, name=f"{one.name}: thousand characters a second", value=rate))
        figures.append(Figure(part=part, name=f"{one.name}: chunks", value=one.chunks))
        figures.append(Figure(part=part, name=f"{one.name}: chunks cut by the model", value=one.cut))
        figures.append(Figure(part=part, name=f"{one.name}: memory before", value=one.idle_mb, unit=" MB"))
        figures.append(Figure(part=part, name=f"{one.name}: peak memory", value=one.memory.peak_mb, unit=" MB"))
        if one.memory.children_peak_mb:
            figures.append(
                Figure(part=part, name=f"{one.name}: largest child", value=one.memory.children_peak_mb, unit=" MB")
            )
    edits = found["nexus fp32"].edits_ms
    for share, goal in ((0.5, None), (0.95, 2000.0)):
        name = f"nexus fp32: edit to searchable, p{100 * share:.0f}"
        value = percentile(edits, share)
        figures.append(Figure(part=part, name=name, value=value, unit=" ms", goal=goal, at_most=True))
    for precision, against_langchain in (("fp32", 1.35), ("int8", 1.9)):
        one = found[f"nexus {precision}"]
        if one.raw_seconds is not None:
            share = 100 * one.raw_seconds / one.seconds
            goal = 80.0 if precision == "fp32" else None
            figures.append(
                Figure(
                    part=part, name=f"nexus {precision}: of raw embedding throughput", value=share, unit=" %", goal=goal
                )
            )
        for other, ratio_goal in (("LangChain", against_langchain), ("LlamaIndex", None)):
            ratio = found[other].seconds / one.seconds
            figures.append(
                Figure(
                    part=part, name=f"nexus {precision}: faster than {other}", value=ratio, unit="x", goal=ratio_goal
                )
            )
    return figures
