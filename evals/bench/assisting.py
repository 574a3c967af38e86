"""The assistant part of the benchmark: how soon the embedded assistant begins to answer, and what the agent costs."""

import tempfile
from pathlib import Path

from evals.bench.parts import Details, Plan
from evals.bench.process import run_worker
from evals.bench.report import Figure
from evals.bench.workers import assistant_nexus

_PART = "assistant"
_TIMEOUT = 3600.0
_FIRST_TOKEN_MS, _ADDED_MS = 150.0, 30.0


def measure_assistant(plan: Plan) -> tuple[list[Figure], Details]:
    """Questions to the extractive model among 10,000 chunks."""
    chunks = 1_000 if plan.quick else 10_000
    plan.say(f"assistant: {chunks:,} chunks")
    with tempfile.TemporaryDirectory() as folder:
        parameters = assistant_nexus.Parameters(
            chunks=chunks,
            sentences=5,
            questions=30 if plan.quick else 200,
            work_dir=Path(folder),
            models_cache=plan.models_cache,
            threads=plan.threads,
        )
        result = assistant_nexus.Result.model_validate(run_worker("assistant_nexus", parameters, _TIMEOUT))
    added = result.share("agent_ms", 0.5) - result.share("bare_ms", 0.5)
    cpu_added = result.share("cpu_agent_ms", 0.5) - result.share("cpu_bare_ms", 0.5)
    where = f"at {chunks:,} chunks"

    def figure(name: str, value: float, goal: float | None = None) -> Figure:
        return Figure(part=_PART, name=f"{name} {where}", value=value, unit=" ms", goal=goal, at_most=True)

    figures = [
        figure("first token, p50", result.share("first_ms", 0.5)),
        figure("first token, p95", result.share("first_ms", 0.95), _FIRST_TOKEN_MS),
        figure("answer stored, p95", result.share("answer_ms", 0.95)),
        figure("added by the agent to model and search, p50", added, _ADDED_MS),
        figure("the same, processor time", cpu_added),
    ]
    return figures, [result.model_dump()]
