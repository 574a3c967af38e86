"""What the measured imports are told and tell."""

from pathlib import Path

from pydantic import BaseModel

from evals.bench.process import Memory


class Parameters(BaseModel):
    """A folder to import, and where to keep what is made of it."""

    corpus: Path
    work_dir: Path
    models_cache: Path
    model: Path
    precision: str
    threads: int


class Result(BaseModel):
    """A finished import. `raw_seconds`: embedding the same chunks with nothing else around; None where not measured.
    `cut`: chunks longer than the model reads, whose ends cannot be found by meaning. `idle_mb`: before the import."""

    name: str
    files: int
    characters: int
    chunks: int
    seconds: float
    raw_seconds: float | None
    cut: int
    idle_mb: float
    memory: Memory
