"""What the measured searches are told and tell."""

from pathlib import Path

from pydantic import BaseModel

from evals.bench.process import Memory


class Parameters(BaseModel):
    """How much to index and ask, and where to keep it."""

    chunks: int
    queries: int
    k: int
    work_dir: Path
    models_cache: Path
    model: Path
    threads: int


class Result(BaseModel):
    """Latencies of single queries, one after another, in milliseconds; the embedding of the query is in them."""

    name: str
    chunks: int
    build_seconds: float
    p50_ms: float
    p95_ms: float
    hits: float
    memory: Memory
