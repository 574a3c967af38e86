"""A task on its way to a worker: its trace goes with it, and the worker is seen from outside."""

import os
import sys
from pathlib import Path

import httpx

from core_api.infra import tracing
from core_api.infra.settings import Settings
from ingest.tasks import INDEX, create_celery, trace_headers
from tests.receivers import otlp_collector, until
from tests.services import free_port, redis, running

ROOT = Path(__file__).resolve().parents[2]
WORKER = """
import logging, sys
from core_api.infra.logging import configure_logging
from core_api.infra.settings import Settings
from core_api.ops.process import observe
from ingest.tasks import create_celery
settings = Settings(log_format="json")
configure_logging(settings)
observe(settings, "worker")
create_celery(settings, lambda keys: logging.getLogger("ingest").info("got %s", keys[0].id)).worker_main(
    ["worker", "--pool", "solo", "--without-gossip", "--without-mingle"]
)
"""


def test_the_trace_goes_with_a_task_and_the_worker_serves_its_metrics(tmp_path: Path) -> None:
    with redis(tmp_path) as url, otlp_collector() as collector, (tmp_path / "log").open("w") as log:
        settings = Settings(data_dir=tmp_path, redis_url=url, otlp_endpoint=collector.url)
        port = free_port()
        environment = os.environ | {
            "NEXUS_DATA_DIR": str(tmp_path),
            "NEXUS_REDIS_URL": url,
            "NEXUS_OTLP_ENDPOINT": collector.url,
            "NEXUS_METRICS_PORT": str(port),
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        with running([sys.executable, "-c", WORKER], port, cwd=ROOT, env=environment, stderr=log):
            tracing.start(settings, "server")
            try:
                with tracing.span("request", attributes={"nexus.request_id": "r"}):
                    sent = (
                        create_celery(settings, lambda keys: None)
                        .tasks[INDEX]
                        .apply_async(args=[[["document", "d-1"]]], headers=trace_headers())
                    )
            finally:
                tracing.stop()
            assert trace_headers() == {}
            task, request = collector.named(INDEX), collector.named("request")
            metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert (task.service, request.service) == ("nexus-worker", "nexus-server")
        assert (task.trace, task.parent) == (request.trace, request.id)
        assert task.attributes == {"nexus.sources": 1}
        assert "process_cpu_seconds_total" in metrics
        assert "nexus_disk_free_bytes" in metrics
        assert until(lambda: f'"task_id": "{sent.id}"' in (tmp_path / "log").read_text())


def test_changes_of_several_requests_that_are_indexed_together_are_linked(tmp_path: Path) -> None:
    with otlp_collector() as collector:
        tracing.start(Settings(data_dir=tmp_path, otlp_endpoint=collector.url), "server")
        try:
            origins = []
            for number in range(2):
                with tracing.span(f"request {number}"):
                    origins.append(tracing.traceparent() or "")
            with tracing.span("relay", origins=[*origins, "nonsense"]):
                pass
        finally:
            tracing.stop()
        first, second, relay = (collector.named(name) for name in ("request 0", "request 1", "relay"))
        assert relay.links == (first.id, second.id)
        assert relay.trace not in (first.trace, second.trace)
        assert relay.parent == ""


def test_an_error_in_a_span_is_told_by_its_kind_only(tmp_path: Path) -> None:
    with otlp_collector() as collector:
        tracing.start(Settings(data_dir=tmp_path, otlp_endpoint=collector.url), "server")
        try:
            with tracing.span("step"):
                raise ValueError("quoted words")
        except ValueError:
            tracing.stop()
        step = collector.named("step")
        assert (step.failed, step.attributes) == (True, {"error.type": "ValueError"})
        assert "quoted" not in collector.raw


def test_nothing_of_tracing_is_loaded_or_done_without_an_endpoint(tmp_path: Path) -> None:
    tracing.start(Settings(data_dir=tmp_path), "server")
    with tracing.span("anything") as span:
        assert span is None
        assert tracing.traceparent() is None
    assert not tracing.is_on()
