"""What the measured imports are told and tell."""

from pathlib import Path

from pydantic import BaseModel

from evals.bench.process import Memory


class Parameters(BaseModel):
    """A folder to import, where to keep what is made of it, and how many of its pages to edit afterwards."""

    corpus: Path
    work_dir: Path
    models_cache: Path
    model: Path
    precision: str
    threads: int
    edits: int


class Result(BaseModel):
    """A finished import. `raw_seconds`: embedding the same chunks with nothing else around; None where not measured.
    `cut`: chunks longer than the model reads, whose ends cannot be found by meaning. `idle_mb`: before the import.
    `edits_ms`: from the commit of an edit of one page, to a search that finds it; empty where not measured."""

    name: str
    files: int
    characters: int
    chunks: int
    seconds: float
    raw_seconds: float | None
    cut: int
    idle_mb: float
    memory: Memory
    edits_ms: list[float] = []
