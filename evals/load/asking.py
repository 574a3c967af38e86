"""`python -m evals.load.asking`: what one person waits for who asks the embedded assistant over HTTP."""

import os
import random
import tempfile
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import BaseModel
from rich.console import Console

from core_api.infra.settings import Settings
from evals.bench.corpus import question
from evals.bench.synthetic import Company
from evals.load.searchers import make_searchers
from evals.load.server import server_cpu_seconds, serving
from evals.load.visits import Latency

_GOAL_FIRST_P95_MS = 150.0
_WARM_UP = 10
_SPACES, _READABLE = 240, 13


class Report(BaseModel):
    """`first_token`: from sending the question until the first piece of the answer is there; `answer`: until the whole
    is, with its citations verified and the exchange stored; `server_cpu_ms`: the server's processor time for one
    question, which a busy machine changes less."""

    chunks: int
    load_average_before: float
    first_token: Latency
    answer: Latency
    server_cpu_ms: float
    goal_met: bool


def ask(client: httpx.Client, words: str) -> tuple[float, float]:
    """Milliseconds until the first piece of the answer to a question, and until its end. Raises RuntimeError for an
    answer that did not come."""
    began, first, event = time.perf_counter(), None, ""
    body = {"message": words, "stream": True}
    with client.stream("POST", "/api/v1/assistant/chat", json=body) as response:
        for line in response.iter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
                if first is None and event in ("delta", "answer"):
                    first = time.perf_counter()
    if first is None or event != "answer":
        raise RuntimeError(f"no answer to {words!r}: status {response.status_code}, last event {event!r}")
    return (first - began) * 1000, (time.perf_counter() - began) * 1000


def main(
    chunks: Annotated[int, typer.Option(min=1_000, help="How much there is to ask about.")] = 10_000,
    questions: Annotated[int, typer.Option(min=20, help="Asked one after the other.")] = 200,
    data: Annotated[
        Path | None, typer.Option(help="Keep what is made in this folder, or take what a run before has made there.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write everything as JSON to this file.")] = None,
) -> None:
    """Measure the time to the first token of the chat's stream; status 1 when its goal is not met."""
    console, draw = Console(), random.Random(1)  # noqa: S311 - the same questions every time are what is wanted
    load = os.getloadavg()[0]
    models = Settings().models_dir.resolve()
    with tempfile.TemporaryDirectory(prefix="nexus-asking-") as temporary:
        settings = Settings(data_dir=data or Path(temporary), database_url=None, chroma_url=None, models_cache=models)
        (person, *_) = make_searchers(settings, Company(chunks, _SPACES), _READABLE, 1)
        headers = {"Authorization": f"Bearer {person.key}"}
        with serving(settings) as url, httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            for _ in range(_WARM_UP):
                ask(client, question(draw))
            before = server_cpu_seconds(settings.data_dir)
            taken = [ask(client, question(draw)) for _ in range(questions)]
            cpu_ms = 1000 * (server_cpu_seconds(settings.data_dir) - before) / questions
    first = Latency.of([one for one, _ in taken])
    report = Report(
        chunks=chunks,
        load_average_before=round(load, 2),
        first_token=first,
        answer=Latency.of([whole for _, whole in taken]),
        server_cpu_ms=round(cpu_ms, 1),
        goal_met=first.p95 < _GOAL_FIRST_P95_MS,
    )
    console.print(
        f"{questions} questions among {chunks:,} chunks. First token: p50 {first.p50} ms, p95 {first.p95} ms (goal: "
        f"{_GOAL_FIRST_P95_MS} ms); whole answer: p50 {report.answer.p50} ms, p95 {report.answer.p95} ms; "
        f"processor time of the server: {report.server_cpu_ms} ms a question."
    )
    if out is not None:
        out.write_text(report.model_dump_json(indent=2), encoding="utf-8")
    if not report.goal_met:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
