"""What the measured searches are told and tell."""

from pathlib import Path

from pydantic import BaseModel

from evals.bench.process import Memory, percentile


class Parameters(BaseModel):
    """How much to index and ask, as whom (by how many spaces they may read; the first asks for the result proper), and
    where to keep it."""

    chunks: int
    spaces: int
    sentences: int
    readable: list[int]
    queries: int
    k: int
    work_dir: Path
    models_cache: Path
    model: Path
    threads: int


class Asked(BaseModel):
    """Latencies of single queries of one asker, one after another, in milliseconds; the embedding of the query is in
    them. `steps` are the medians of what the search itself says of its steps."""

    readable: int
    p50_ms: float
    p95_ms: float
    hits: float
    steps: dict[str, float] = {}

    @classmethod
    def of(cls, readable: int, times: list[float], hits: int, steps: dict[str, list[float]] | None = None) -> "Asked":
        """The percentiles of what was measured."""
        medians = {name: percentile(values, 0.5) for name, values in (steps or {}).items()}
        return cls(
            readable=readable,
            p50_ms=percentile(times, 0.5),
            p95_ms=percentile(times, 0.95),
            hits=hits / len(times),
            steps=medians,
        )


class Result(BaseModel):
    """What a retriever took. `recall` is the share of the k chunks that are really nearest among those that one may
    read, which its vector search found; `parts` are medians of the parts of a search, each alone."""

    name: str
    chunks: int
    spaces: int
    build_seconds: float
    asked: list[Asked]
    recall: float
    memory: Memory
    disk_mb: float
    parts: dict[str, float] = {}
