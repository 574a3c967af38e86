"""`python -m evals.bench`: runs the benchmark, prints a table, and writes JSON where asked to."""

import os
import platform
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from core_api.infra.machine import available_cores
from core_api.infra.settings import Settings
from evals.bench.assisting import measure_assistant
from evals.bench.parts import Plan, measure_embedding, measure_imports
from evals.bench.report import Report
from evals.bench.searching import measure_search
from retrieval.embedding import load_embedder
from retrieval.embedding.source import find_source

_PARTS = {
    "embedding": measure_embedding,
    "import": measure_imports,
    "search": measure_search,
    "assistant": measure_assistant,
}
_NEEDED = {
    "import": [
        "langchain_chroma",
        "langchain_huggingface",
        "langchain_text_splitters",
        "llama_index.vector_stores.chroma",
    ],
    "search": [
        "langchain_chroma",
        "langchain_huggingface",
        "llama_index.vector_stores.chroma",
        "llama_index.embeddings.huggingface",
    ],
}
_HANDBOOK = Path("../shared/data/handbook/pages")


def main(
    only: Annotated[
        list[str] | None, typer.Option(help=f"A part to run ({', '.join(_PARTS)}); may be repeated. Default: all.")
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option(
            help="A folder of .md and .txt files. Default: the handbook in ../shared/data, else pages made up."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON to this file.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small sizes, to see that it works; the goals mean little.")
    ] = False,
    million: Annotated[
        bool,
        typer.Option(
            "--million", help="Search among a million chunks too: a quarter of an hour and 5 GB of disk more."
        ),
    ] = False,
    threads: Annotated[int, typer.Option(help="Threads of every embedding model; 0: one for each core.")] = 0,
) -> None:
    """Measure this product beside SentenceTransformer.encode, LangChain and LlamaIndex, with the same model and texts.

    Ends with status 1 when a goal is not met. A full run takes about 25 minutes on two cores; leave the machine alone
    meanwhile.
    """
    chosen = only or list(_PARTS)
    for part in chosen:
        if part not in _PARTS:
            raise typer.BadParameter(f"{part!r} is none of {', '.join(_PARTS)}", param_hint="--only")
        missing = [module for module in _NEEDED.get(part, []) if not _installed(module)]
        if missing:
            raise typer.BadParameter(
                f"{part} needs {', '.join(missing)}: pip install -e '.[bench]'", param_hint="--only"
            )
    console = Console(stderr=True)
    settings = Settings(embedding_model="default", embedding_base_url=None)
    load_embedder(settings)  # exported before anything is timed
    load_embedder(settings.model_copy(update={"embedding_precision": "int8"}))
    plan = Plan(
        corpus=_corpus(corpus, quick),
        models_cache=settings.models_dir.resolve(),
        model=find_source(settings).directory,
        threads=threads or available_cores(),
        quick=quick,
        million=million,
        say=lambda words: console.print(f"[dim]{words}[/]"),
    )
    # A busy machine slows the contenders unevenly: torch's spinning threads suffer far more than ours.
    load = os.getloadavg()[0]
    if load > 0.5:
        console.print(
            f"[yellow]The machine is busy (load average {load:.1f}): these figures will not be trustworthy.[/]"
        )
    report = Report(
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine={
            "cores": str(available_cores()),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "load_average_before": f"{load:.2f}",
        },
        options={"quick": str(quick), "threads": str(plan.threads), "corpus": str(plan.corpus or "made up")},
        figures=[],
        details={},
    )
    for part in chosen:
        figures, report.details[part] = _PARTS[part](plan)
        report.figures += figures
    report.print(Console())
    if out is not None:
        report.write(out)
    if not quick and any(figure.met is False for figure in report.figures):
        raise typer.Exit(1)


def _corpus(given: Path | None, quick: bool) -> Path | None:
    if given is not None:
        if not given.is_dir():
            raise typer.BadParameter(f"{given} is not a folder", param_hint="--corpus")
        return given
    return _HANDBOOK if _HANDBOOK.is_dir() and not quick else None


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


if __name__ == "__main__":
    typer.run(main)
