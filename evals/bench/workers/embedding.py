"""Embedding: SentenceTransformer.encode and this product's embedder, on the same texts in turns."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from core_api.infra.settings import Settings
from evals.bench.corpus import paragraph, question, text_files
from evals.bench.process import serve
from retrieval.embedding import Embedder, load_embedder
from retrieval.embedding.source import find_source

Encode = Callable[[Sequence[str]], Any]
_ORIGINAL = "SentenceTransformer.encode"


class Parameters(BaseModel):
    """What to measure. `corpus`: a folder to take the passages from."""

    data_dir: Path
    models_cache: Path
    corpus: Path | None
    queries: int
    passages: int
    rounds: int
    threads: int


class Contender(BaseModel):
    """One way of embedding. Cosines are with the original: of passages, and of queries as a search embeds them."""

    name: str
    query_ms_p50: float
    query_ms_p95: float
    passages_per_second: float
    cosine_mean: float
    cosine_min: float
    query_cosine_mean: float


class Result(BaseModel):
    """All ways, the original first; and the mean length of the passages in tokens."""

    contenders: list[Contender]
    tokens_per_passage: float
    threads: int


def measure(text: str) -> Result:
    """Time all contenders block by block in turns, so that what disturbs the machine disturbs all."""
    parameters = Parameters.model_validate_json(text)
    settings = Settings(
        data_dir=parameters.data_dir, models_cache=parameters.models_cache, embedding_threads=parameters.threads
    )
    ours = {
        precision: load_embedder(settings.model_copy(update={"embedding_precision": precision}))
        for precision in ("fp32", "int8")
    }
    queries, passages = _texts(parameters, ours["fp32"])

    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(parameters.threads)
    original = SentenceTransformer(str(find_source(settings).directory), device="cpu")

    def encode(texts: Sequence[str]) -> Any:
        return original.encode(list(texts), show_progress_bar=False)

    for_queries: dict[str, Encode] = {_ORIGINAL: encode}
    for_passages: dict[str, Encode] = {_ORIGINAL: encode}
    for precision, embedder in ours.items():
        for_queries[f"nexus {precision}"] = embedder.embed_quickly  # as a search does
        for_passages[f"nexus {precision}"] = embedder.embed_passages

    query_ms = _time_queries(for_queries, queries, parameters.rounds)
    seconds, vectors = _time_passages(for_passages, passages, parameters.rounds)
    of_queries = {name: act(queries) for name, act in for_queries.items()}
    return Result(
        contenders=[
            _contender(name, query_ms[name], passages, seconds[name], vectors, of_queries) for name in for_queries
        ],
        tokens_per_passage=statistics.mean(ours["fp32"].count_tokens(passages)),
        threads=parameters.threads,
    )


def _texts(parameters: Parameters, embedder: Embedder) -> tuple[list[str], list[str]]:
    chance = random.Random(5)  # noqa: S311
    queries = [question(chance) for _ in range(parameters.queries)]
    if parameters.corpus is None:
        return queries, [paragraph(chance, chance.randint(4, 8)) for _ in range(parameters.passages)]
    passages: list[str] = []
    for path in text_files(parameters.corpus):
        words = path.read_text(encoding="utf-8", errors="replace").split()
        passages += [" ".join(words[start : start + 110]) for start in range(0, len(words), 110)]
    chance.shuffle(passages)
    # What neither cuts: on a cut passage the two would not do the same work.
    counts = embedder.count_tokens(passages)
    fitting = [passage for passage, count in zip(passages, counts, strict=True) if count <= embedder.max_tokens]
    return queries, fitting[: parameters.passages]


def _time_queries(contenders: dict[str, Encode], queries: list[str], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for act in contenders.values():
        for query in queries[:5]:
            act([query])
    for _ in range(rounds):
        for start in range(0, len(queries), 10):
            for name, act in contenders.items():
                time.sleep(0.02)  # threads of the one before stop spinning
                for query in queries[start : start + 10]:
                    began = time.perf_counter()
                    act([query])
                    times[name].append((time.perf_counter() - began) * 1000)
    return times


def _time_passages(
    contenders: dict[str, Encode], passages: list[str], rounds: int
) -> tuple[dict[str, float], dict[str, Any]]:
    vectors: dict[str, Any] = {}
    blocks = [passages[start : start + 64] for start in range(0, len(passages), 64)]
    best: dict[str, list[float]] = {name: [float("inf")] * len(blocks) for name in contenders}
    for _ in range(rounds):
        made: dict[str, list[Any]] = {name: [] for name in contenders}
        for number, block in enumerate(blocks):
            for name, act in contenders.items():
                time.sleep(0.02)
                began = time.perf_counter()
                made[name].append(act(block))
                best[name][number] = min(best[name][number], time.perf_counter() - began)
        vectors = {name: np.concatenate(parts) for name, parts in made.items()}
    return {name: sum(times) for name, times in best.items()}, vectors


def _contender(
    name: str,
    query_ms: list[float],
    passages: list[str],
    seconds: float,
    vectors: dict[str, Any],
    of_queries: dict[str, Any],
) -> Contender:
    cosines, of_query = (
        np.einsum("ij,ij->i", made[name].astype(np.float64), made[_ORIGINAL].astype(np.float64))
        for made in (vectors, of_queries)
    )
    ordered = sorted(query_ms)
    return Contender(
        name=name,
        query_ms_p50=statistics.median(ordered),
        query_ms_p95=ordered[int(0.95 * len(ordered))],
        passages_per_second=len(passages) / seconds,
        cosine_mean=float(cosines.mean()),
        cosine_min=float(cosines.min()),
        query_cosine_mean=float(of_query.mean()),
    )


if __name__ == "__main__":
    serve(measure)
