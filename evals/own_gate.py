"""Runs a golden set made from one's own data (evals.own_data) over the API, as whoever asks, and judges it against an
earlier run."""

import time
from collections.abc import Sequence
from typing import Any

import httpx

from core_api.infra.errors import NexusError
from evals import report
from evals.judging import TOLERANCE, Verdict, judge
from evals.metrics import ndcg, percentile, recall, reciprocal_rank
from evals.own_data import ORIGINS, GoldenQuery
from evals.report import Run
from evals.runner import Progress, no_progress

METRIC = "MRR@10"
_DEPTH = 10


class SearchGotWorse(NexusError):
    """A measure has fallen beyond noise."""

    code, title = "search_got_worse", "Search got worse"


async def ask(
    client: httpx.AsyncClient, golden: Sequence[GoldenQuery], name: str, progress: Progress = no_progress
) -> Run:
    """Ask each question, hybrid, and grade the sources by their best passage; a row for all and for each origin.

    Raises NexusError when the server does not answer a question.
    """
    began, started_at = time.perf_counter(), report.now()
    rankings: dict[str, list[str]] = {}
    milliseconds: dict[str, float] = {}
    for done, query in enumerate(golden, start=1):
        rankings[query.id], milliseconds[query.id] = await _search(client, query.query)
        progress("Asking", done, len(golden))
    examples: list[dict[str, report.Value]] = []
    rows = {"all": list(golden)}
    rows |= {origin: mine for origin in ORIGINS if (mine := [query for query in golden if query.origin == origin])}
    graded = {query.id: _grade(rankings[query.id], query) for query in golden}
    missed = [query for query in golden if graded[query.id][METRIC] == 0]
    examples.extend({"query": query.query, "origin": query.origin} for query in missed[:15])
    metrics = {
        row: {
            **report.macro([graded[query.id] for query in queries]),
            "queries": float(len(queries)),
            "p95 ms": percentile([milliseconds[query.id] for query in queries], 0.95),
        }
        for row, queries in rows.items()
    }
    return Run(
        name=name,
        kind="own data",
        dataset="golden",
        started_at=started_at,
        seconds=time.perf_counter() - began,
        parameters={"queries": len(golden)},
        metrics=metrics,
        per_query_metric=METRIC,
        per_query={row: {query.id: graded[query.id][METRIC] for query in queries} for row, queries in rows.items()},
        examples=examples,
    )


def verdict(run: Run, baseline: Run, tolerance: float = TOLERANCE) -> Verdict:
    """Whether the run is as good as the one before, over the questions that both have."""
    return judge(baseline.per_query.get("all", {}), run.per_query["all"], tolerance)


async def _search(client: httpx.AsyncClient, query: str) -> tuple[list[str], float]:
    began = time.perf_counter()
    body: dict[str, Any] = {"query": query, "k": _DEPTH, "per_source": 1, "log": False}
    response = await client.post("/api/v1/search", json=body)
    if not response.is_success:
        raise NexusError(f"The server did not answer {query!r}: {response.text[:300]}")
    hits = response.json()["hits"]
    took = (time.perf_counter() - began) * 1000
    return [f"{hit['source']['kind']}:{hit['source']['id']}" for hit in hits], took


def _grade(ranking: Sequence[str], query: GoldenQuery) -> dict[str, float]:
    relevant = dict.fromkeys(query.relevant, 1)
    return {
        METRIC: reciprocal_rank(ranking, relevant, _DEPTH),
        "nDCG@10": ndcg(ranking, relevant, _DEPTH),
        "recall@10": recall(ranking, relevant, _DEPTH),
    }
