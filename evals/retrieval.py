"""How well search finds what it should: every mode over a test collection, through the product's own path."""

import time
from collections.abc import Sequence
from pathlib import Path

from core_api.infra.settings import Settings
from evals import report
from evals.datasets import RetrievalSet, load_retrieval
from evals.golden import load_golden
from evals.metrics import ndcg, percentile, recall, reciprocal_rank
from evals.report import Run
from evals.runner import IndexedCorpus, Progress, indexed_corpus, no_progress
from retrieval.service import search
from retrieval.types import Mode, Query

MODES = (Mode.HYBRID, Mode.SEMANTIC, Mode.KEYWORD)
DEPTH = 100
"""Documents ranked for each query."""
_EXAMPLES = 15


def run(
    settings: Settings,
    path: Path,
    *,
    split: str | None = None,
    articles: int | None = None,
    limit: int | None = None,
    golden: str | None = None,
    modes: Sequence[Mode] = MODES,
    name: str | None = None,
    progress: Progress = no_progress,
) -> Run:
    """Evaluate search on a BEIR folder or a SQuAD file (see `load_retrieval` for `split` and `articles`), or, with
    `golden`, on a golden set over a folder of files (see `load_golden`).

    Documents are indexed as any others (and kept for the next run), ranked by their best passage, and judged by
    nDCG@10, recall@10, recall@100 and MRR@10; latency is that of one query at a time, permissions included. `limit`
    keeps the first queries only. The result is kept under `name` (default: made of the collection's name).
    Raises Invalid for a collection that cannot be read.
    """
    dataset = load_golden(golden, path) if golden else load_retrieval(path, split, articles)
    if limit is not None:
        kept = dict(list(dataset.queries.items())[:limit])
        dataset = RetrievalSet(dataset.name, dataset.documents, kept, dataset.qrels)
    name = report.run_name(name, "retrieval", dataset.name)
    began, started_at = time.perf_counter(), report.now()
    corpus_name = path.resolve().stem
    with indexed_corpus(settings, corpus_name, dataset.documents, progress) as corpus:
        outcomes = {mode: _Outcome.of(corpus, dataset, mode, progress) for mode in modes}
        embedder = corpus.engine.embedder
        notes = []
        if corpus.failed:
            failed = f"{len(corpus.failed)} of {len(dataset.documents)}"
            notes.append(f"{failed} documents could not be indexed: {_reasons(corpus.failed)}.")
        parameters: dict[str, report.Value] = {
            "documents": len(dataset.documents),
            "passages": len(corpus.engine.keywords),
            "queries": len(dataset.queries),
            "model": embedder.fingerprint,
        }
    result = Run(
        name=name,
        kind="retrieval",
        dataset=dataset.name,
        started_at=started_at,
        seconds=time.perf_counter() - began,
        parameters=parameters,
        metrics={mode.value: outcome.metrics() for mode, outcome in outcomes.items()},
        per_query_metric="nDCG@10",
        per_query={mode.value: outcome.per_query for mode, outcome in outcomes.items()},
        series={
            "Recall by depth": {mode.value: outcome.recall_curve() for mode, outcome in outcomes.items()},
            "Latency (ms) by share of queries": {m.value: o.latency_curve() for m, o in outcomes.items()},
        },
        examples=_worst(dataset, outcomes[modes[0]]),
        notes=notes,
    )
    report.save(result, settings.data_dir)
    return result


class _Outcome:
    """What one mode made of the queries."""

    def __init__(self, dataset: RetrievalSet) -> None:
        self.dataset = dataset
        self.rankings: dict[str, list[str]] = {}
        self.milliseconds: list[float] = []
        self.per_query: dict[str, float] = {}

    @classmethod
    def of(cls, corpus: IndexedCorpus, dataset: RetrievalSet, mode: Mode, progress: Progress) -> "_Outcome":
        outcome = cls(dataset)
        for done, (query_id, text) in enumerate(dataset.queries.items(), start=1):
            # One passage of each document: the best decides its rank.
            query = Query(text, k=DEPTH, mode=mode, per_source=1)
            with corpus.database.reading() as session:
                began = time.perf_counter()
                hits = search(session, corpus.subject, corpus.engine, query).hits
                outcome.milliseconds.append((time.perf_counter() - began) * 1000)
            ranking = [corpus.document_ids[hit.source.id] for hit in hits]
            outcome.rankings[query_id] = ranking
            outcome.per_query[query_id] = ndcg(ranking, dataset.qrels[query_id], 10)
            if done % 20 == 0 or done == len(dataset.queries):
                progress(f"Asking ({mode.value})", done, len(dataset.queries))
        return outcome

    def metrics(self) -> dict[str, float]:
        judged = [(self.rankings[query_id], self.dataset.qrels[query_id]) for query_id in self.dataset.queries]
        rows = [
            {
                "nDCG@10": ndcg(ranking, relevant, 10),
                "MRR@10": reciprocal_rank(ranking, relevant, 10),
                "recall@10": recall(ranking, relevant, 10),
                "recall@100": recall(ranking, relevant, 100),
            }
            for ranking, relevant in judged
        ]
        return {
            **report.macro(rows),
            "p50 ms": percentile(self.milliseconds, 0.5),
            "p95 ms": percentile(self.milliseconds, 0.95),
        }

    def recall_curve(self) -> list[list[float]]:
        depths = [1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100]
        queries = self.dataset.queries
        return [
            [k, sum(recall(self.rankings[q], self.dataset.qrels[q], k) for q in queries) / max(1, len(queries))]
            for k in depths
        ]

    def latency_curve(self) -> list[list[float]]:
        return [[share, percentile(self.milliseconds, share / 100)] for share in range(0, 101, 5)]


def _worst(dataset: RetrievalSet, outcome: _Outcome) -> list[dict[str, report.Value]]:
    """Queries that found least, with what they should have found."""
    titles = {document.id: document.title or document.text[:80] for document in dataset.documents}
    rows: list[dict[str, report.Value]] = []
    for query_id in sorted(dataset.queries, key=lambda query_id: outcome.per_query[query_id])[:_EXAMPLES]:
        ranking, relevant = outcome.rankings[query_id], dataset.qrels[query_id]
        rank = next((rank for rank, document in enumerate(ranking, start=1) if document in relevant), None)
        rows.append(
            {
                "query": dataset.queries[query_id],
                "nDCG@10": round(outcome.per_query[query_id], 3),
                "first relevant at": rank,
                "first": titles.get(ranking[0], ranking[0]) if ranking else None,
                "wanted": "; ".join(titles.get(document, document) for document in list(relevant)[:2]),
            }
        )
    return rows


def _reasons(failed: dict[str, str]) -> str:
    reasons: dict[str, int] = {}
    for reason in failed.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    return "; ".join(f"{reason} ({count})" for reason, count in reasons.items())
