"""What is measured, by its name in Prometheus (docs/observability.md has the list). Labels take few values, and none of
these is a person's, a document's or a query's."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from core_api.infra import tracing

# The time of making of each series, which would make an answer a third longer; nobody asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
"""Of this process. The library's own default has whatever other packages put there."""

ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

HTTP_REQUESTS = Counter(
    "nexus_http_requests", "HTTP requests that ended.", ["method", "route", "status"], registry=REGISTRY
)
HTTP_SECONDS = Histogram(
    "nexus_http_request_duration_seconds",
    "Time from a request to the end of its answer, streamed ones included.",
    ["method", "route"],
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
SEARCH_STEP_SECONDS = Histogram(
    "nexus_search_step_duration_seconds",
    "Time of one step of a search; `total` is all of it. The legs run in parallel.",
    ["step"],
    registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)
QUERY_EMBEDDINGS = Counter(
    "nexus_query_embeddings", "Query vectors asked for, by whether they were remembered.", ["cache"], registry=REGISTRY
)
INDEX_STEP_SECONDS = Histogram(
    "nexus_index_step_duration_seconds",
    "Time of one step of indexing: parse and chunk of one source, embed and write of a batch.",
    ["step"],
    registry=REGISTRY,
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
SOURCES_INDEXED = Counter(
    "nexus_index_sources", "Sources that were looked at, by what became of them.", ["outcome"], registry=REGISTRY
)
CHUNKS_EMBEDDED = Counter("nexus_index_chunks_embedded", "Chunks that were embedded for the index.", registry=REGISTRY)
INDEX_LAG_SECONDS = Histogram(
    "nexus_index_lag_seconds",
    "Time from the commit of an edit or a deletion to the indexes.",
    registry=REGISTRY,
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300),
)
MODEL_CALLS = Counter(
    "nexus_model_calls", "Calls of the assistant's model, by how they ended.", ["model", "outcome"], registry=REGISTRY
)
MODEL_SECONDS = Histogram(
    "nexus_model_call_duration_seconds",
    "Time of one call of the assistant's model.",
    ["model"],
    registry=REGISTRY,
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120),
)
MODEL_TOKENS = Counter(
    "nexus_model_tokens", "Tokens that the assistant's model read and wrote.", ["model", "direction"], registry=REGISTRY
)


class Steps:
    """The steps of one kind of work: `with search_step("fuse"):`, or `@search_step("hydrate")` before a function, is
    measured, and a span where traces are on."""

    def __init__(self, work: str, seconds: Histogram) -> None:
        self._work = work
        self._seconds = seconds

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            with tracing.span(f"{self._work} {name}"):
                yield
        finally:
            self._seconds.labels(name).observe(time.perf_counter() - started)


search_step = Steps("search", SEARCH_STEP_SECONDS)
index_step = Steps("index", INDEX_STEP_SECONDS)
