"""Measured work runs in a child process each, so that memory figures are its own and imports do not help the next."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel


class ChildFailed(RuntimeError):
    """A measured child process ended with an error."""


class Memory(BaseModel):
    """Peak resident memory of a worker in MB: its own, and of the largest of its children (the parsers)."""

    peak_mb: float
    children_peak_mb: float


def run_worker(module: str, parameters: BaseModel, timeout: float) -> dict[str, Any]:
    """What `evals.bench.workers.<module>` finds out. Raises `ChildFailed` with the end of its output."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "result.json"
        try:
            child = subprocess.run(  # noqa: S603 - our own modules, by our own interpreter
                [sys.executable, "-m", f"evals.bench.workers.{module}", str(output)],
                input=parameters.model_dump_json(),
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ChildFailed(f"{module} took more than {timeout:.0f} s") from error
        if child.returncode != 0 or not output.is_file():
            raise ChildFailed(f"{module} ended with status {child.returncode}:\n{child.stderr[-3000:]}")
        result: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        return result


def serve(work: Callable[[str], BaseModel]) -> None:
    """The main function of a worker: parameters as JSON on standard input, the result into the file that it is told."""
    os.environ.update(HF_HUB_OFFLINE="1", ANONYMIZED_TELEMETRY="False", TOKENIZERS_PARALLELISM="true")
    result = work(sys.stdin.read())
    Path(sys.argv[1]).write_text(result.model_dump_json(), encoding="utf-8")


def memory() -> Memory:
    """Peak memory of this process so far, and of its children that run now or have ended."""
    children = [
        _peak_mb(pid) for tasks in Path("/proc/self/task").glob("*/children") for pid in tasks.read_text().split()
    ]
    ended = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return Memory(
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        children_peak_mb=max([ended, *children]),
    )


def disk_mb(folder: Path) -> float:
    """What the files in a folder take."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20


def _peak_mb(pid: str) -> float:
    """Peak memory of a running process (Linux: VmHWM), 0 when it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), "0")
    return int(peak) / 1024


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` (0..1) of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
