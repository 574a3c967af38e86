"""A running server as those see it who run it: scraped by a real Prometheus, its traces at a collector, its errors at a
Sentry, its log in JSON; and none of these with content or secrets."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from nexus.owner import owner_key
from tests.assistant.llm_server import Calls, Endpoint, Reply, Says, llm_endpoint
from tests.nexus.test_server import serving
from tests.receivers import Collector, Sentry, otlp_collector, sentry_server, until
from tests.services import prometheus

MONITORING = Path(__file__).resolve().parents[2] / "deploy" / "monitoring"
TOKEN = "metrics-token-5521"
PASSWORD = "swordfish-with-onions-1187"
# Words that are found nowhere but in documents, questions, answers and secrets.
CONTENT = ("zanzibarite", "quokkaberry", "flumoxite", "wombatine")
SECRETS = (TOKEN, PASSWORD)


@dataclass
class Site:
    """The running product and what listens to it."""

    client: httpx.Client
    data_dir: Path
    log: Path
    collector: Collector
    sentry: Sentry
    me: str

    def post(self, path: str, body: Any, request_id: str) -> Any:
        response = self.client.post(path, json=body, headers={"X-Request-ID": request_id})
        assert response.is_success, response.text
        return response.json()

    def lines(self) -> list[dict[str, Any]]:
        whole, _, _unfinished = self.log.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def line(self, **wanted: Any) -> dict[str, Any]:
        """The first line of the log with these values; waits for it."""
        found = until(lambda: [line for line in self.lines() if wanted.items() <= line.items()])
        assert found, wanted
        first: dict[str, Any] = found[0]
        return first


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Site]:
    """The product, with a document indexed, searched and asked about."""
    folder = tmp_path_factory.mktemp("observed")
    with ExitStack() as stack:
        collector, sentry = stack.enter_context(otlp_collector()), stack.enter_context(sentry_server())
        model = stack.enter_context(llm_endpoint())
        model.script = lambda messages: _reply(messages, model)
        environment = os.environ | {
            "NEXUS_DATA_DIR": str(folder / "data"),
            "NEXUS_MODELS_CACHE": str(model_cache),
            "NEXUS_LOG_FORMAT": "json",
            "NEXUS_LOG_LEVEL": "debug",
            "NEXUS_METRICS_TOKEN": TOKEN,
            "NEXUS_OTLP_ENDPOINT": collector.url,
            "NEXUS_SENTRY_DSN": sentry.dsn,
            "NEXUS_LLM_BASE_URL": model.url,
            "NEXUS_LLM_MODEL": "parrot",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            # What FastAPI would send by itself has the queries of addresses in it.
            "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
        log = stack.enter_context((folder / "log").open("w"))
        _, link = stack.enter_context(serving(env=environment, stderr=log))
        client = stack.enter_context(httpx.Client(base_url=link.split("/sign-in")[0], timeout=60))
        assert until(lambda: client.get("/health/ready").status_code == 200, 120)
        database = Database(Settings(data_dir=folder / "data").resolved_database_url)
        client.headers["Authorization"] = f"Bearer {owner_key(database, timedelta(hours=1), 'tests')}"
        database.dispose()
        site = Site(client, folder / "data", folder / "log", collector, sentry, "")
        site.me = client.get("/api/v1/users/me").json()["id"]
        _use(site)
        yield site


def _reply(messages: list[dict[str, Any]], model: Endpoint) -> Reply:
    if messages[-1]["role"] == "tool":
        return Says("The zanzibarite is kept in the quokkaberry room [1].")
    return Calls(["where is the zanzibarite kept"])


def _use(site: Site) -> None:
    spaces = site.client.get("/api/v1/spaces").json()["items"]
    text = "# Stones\n\nThe zanzibarite is kept in the quokkaberry room."
    body = {"space_id": spaces[0]["id"], "title": "Stones", "text": text}
    document = site.post("/api/v1/documents", body, "write-1")["id"]
    assert until(lambda: site.client.get("/api/v1/index/status").json()["sources"]["indexed"] == 1)
    site.client.patch(f"/api/v1/documents/{document}", json={"title": "Stones of flumoxite"})
    assert until(lambda: site.client.get("/api/v1/index/status").json()["lag_ms"]["last"] is not None)
    for number in range(2):
        site.post("/api/v1/search", {"query": "where is the zanzibarite kept"}, f"search-{number}")
    site.client.get("/api/v1/search/suggest", params={"q": "wombatine"}, headers={"X-Request-ID": "suggest-1"})
    reply = site.post("/api/v1/assistant/chat", {"message": "Where is the zanzibarite kept?"}, "ask-1")
    assert "quokkaberry" in reply["answer"]
    wrong = {"email": "kim@example.com", "password": PASSWORD}
    assert site.client.post("/api/v1/auth/login", json=wrong).status_code == 401
    site.client.post("/api/v1/search", content=b'{"query": "wombatine', headers={"Content-Type": "application/json"})
    site.client.get("/api/v1/search", headers={"Authorization": "Bearer nx_wombatine"})
    for path in ("/metrics", "/search?q=wombatine"):
        site.client.get(path, headers={"Authorization": f"Bearer {TOKEN}", "Accept": "text/html"})


def test_prometheus_scrapes_it_and_loads_the_alerts(site: Site, tmp_path: Path) -> None:
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(MONITORING / "alerts.yml")]
    api = next(job for job in config["scrape_configs"] if job["job_name"] == "nexus-api")
    api["static_configs"] = [{"targets": [f"{site.client.base_url.host}:{site.client.base_url.port}"]}]
    api["authorization"] = {"credentials": TOKEN}
    config["scrape_configs"] = [api]
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    with prometheus(tmp_path, path) as url, httpx.Client(base_url=f"{url}/api/v1", timeout=30) as server:

        def value(query: str) -> float | None:
            found = server.get("/query", params={"query": query}).json()["data"]["result"]
            return float(found[0]["value"][1]) if found else None

        assert until(lambda: value('up{job="nexus-api"}') == 1), server.get("/targets").text
        assert until(lambda: value("nexus_database_up") == 1)
        assert value('nexus_http_requests_total{route="/api/v1/search",method="POST",status="2xx"}') == 2
        for step in ("embed_query", "vectors", "keywords", "fuse", "hydrate", "total"):
            assert value(f'nexus_search_step_duration_seconds_count{{step="{step}"}}'), step
        for step in ("parse", "chunk", "embed", "write_vectors", "commit"):
            assert value(f'nexus_index_step_duration_seconds_count{{step="{step}"}}'), step
        assert value('nexus_query_embeddings_total{cache="hit"}')
        assert value("nexus_index_chunks_embedded_total")
        assert value('nexus_index_sources_total{outcome="indexed"}')
        assert value("nexus_index_lag_seconds_count")
        assert value('nexus_model_calls_total{model="parrot",outcome="ok"}') == 2
        assert value('nexus_model_tokens_total{model="parrot",direction="input"}') == 200
        assert value('nexus_sources{status="indexed"}') == 1
        assert value("nexus_outbox_oldest_event_seconds") == 0
        assert value("nexus_keyword_replica_behind_changes") == 0
        assert until(lambda: value("histogram_quantile(0.95, nexus_http_request_duration_seconds_bucket)"))
        groups = server.get("/rules").json()["data"]["groups"]
        assert until(
            lambda: all(
                rule["health"] == "ok"
                for group in server.get("/rules").json()["data"]["groups"]
                for rule in group["rules"]
            )
        )
        assert {rule["name"] for group in groups for rule in group["rules"]} >= {"NexusApiDown", "NexusEventsParked"}
        assert server.get("/alerts").json()["data"]["alerts"] == []
        panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
        for query in (target["expr"] for panel in panels for target in panel["targets"]):
            answer = server.get("/query", params={"query": query.replace("$__rate_interval", "1m")})
            assert answer.json()["status"] == "success", (query, answer.text)


def test_a_change_is_one_trace_from_the_request_to_the_index(site: Site) -> None:
    request = site.collector.named("POST /api/v1/documents", "write-1")
    assert request.attributes["http.response.status_code"] == 201
    assert request.service == "nexus-server"
    parse = site.collector.named("index parse")
    assert parse.trace == request.trace
    expected = {"outbox relay", "ingest.index_sources", "index parse", "index chunk", "index embed", "index commit"}
    assert until(lambda: expected <= site.collector.below(request)), site.collector.below(request)


def test_a_search_is_one_trace_with_its_steps(site: Site) -> None:
    request = site.collector.named("POST /api/v1/search", "search-0")
    steps = {f"search {step}" for step in ("total", "embed_query", "vectors", "keywords", "fuse", "hydrate")}
    assert until(lambda: steps <= site.collector.below(request)), site.collector.below(request)


def test_a_question_is_one_trace_with_search_and_model(site: Site) -> None:
    request = site.collector.named("POST /api/v1/assistant/chat", "ask-1")
    call = site.collector.named("model call")
    assert call.attributes["gen_ai.request.model"] == "parrot"
    assert call.trace == request.trace
    assert until(lambda: {"search total", "model call"} <= site.collector.below(request))


def test_a_trace_that_the_caller_has_begun_goes_on(site: Site) -> None:
    trace, parent = "ab" * 16, "cd" * 8
    headers = {"traceparent": f"00-{trace}-{parent}-01", "X-Request-ID": "joined-1"}
    site.client.get("/api/v1/users/me", headers=headers)
    span = site.collector.named("GET /api/v1/users/me", "joined-1")
    assert (span.trace, span.parent) == (trace, parent)
    site.client.get("/api/v1/users/me", headers={"traceparent": "00-nonsense", "X-Request-ID": "joined-2"})
    assert site.collector.named("GET /api/v1/users/me", "joined-2").parent == ""


def test_the_log_says_who_asked_and_which_task_it_was(site: Site) -> None:
    line = site.line(event="request", request_id="search-0")
    assert (line["user_id"], line["path"], line["status"], line["level"]) == (site.me, "/api/v1/search", 200, "info")
    requests = [line for line in site.lines() if line["event"] == "request"]
    assert all(line["request_id"] for line in requests)
    indexed = [line for line in site.lines() if line["event"].startswith("indexed ")]
    assert indexed
    assert all(len(line["task_id"]) == 36 for line in indexed)


def test_an_unexpected_error_is_reported_with_its_request(site: Site) -> None:
    saved = site.post("/api/v1/saved-searches", {"name": "n", "query": "wombatine"}, "save-1")
    with sqlite3.connect(site.data_dir / "nexus.db") as connection:
        connection.execute("UPDATE saved_searches SET updated_at = 'quoted by the error'")
    # The server closes the connection after such an error: no other request may be sent on it.
    headers = {"X-Request-ID": "broken-1", "Connection": "close"}
    answer = site.client.get(f"/api/v1/saved-searches/{saved['id']}", headers=headers)
    assert (answer.status_code, answer.json()["request_id"]) == (500, "broken-1")

    def of_request() -> list[dict[str, Any]]:
        return [event for event in site.sentry.events if event.get("tags", {}).get("request_id") == "broken-1"]

    (event,) = until(of_request)
    (error,) = event["exception"]["values"]
    assert error["type"] == "ValueError"
    assert error["stacktrace"]["frames"]
    assert site.line(event="unhandled_error", request_id="broken-1")["user_id"] == site.me
    site.client.get("/api/v1/users/me", headers={"X-Request-ID": "after-1"})
    assert site.collector.named("GET /api/v1/users/me", "after-1")
    assert len(of_request()) == 1
    assert (
        site.collector.named("GET /api/v1/saved-searches/{saved_search_id}", "broken-1").attributes[
            "http.response.status_code"
        ]
        == 500
    )
    assert "quoted by the error" not in site.sentry.raw
    assert "quoted by the error" not in site.collector.raw


def test_content_and_secrets_are_told_to_nobody(site: Site) -> None:
    metrics = site.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert metrics.status_code == 200
    site.collector.named("POST /api/v1/assistant/chat", "ask-1")
    secrets = (*SECRETS, str(site.client.headers["Authorization"]).removeprefix("Bearer "))
    told = {
        "log": site.log.read_text(),
        "traces": site.collector.raw,
        "Sentry": site.sentry.raw,
        "metrics": metrics.text,
    }
    for name, text in told.items():
        assert text or name == "Sentry", name
        for word in (*CONTENT, *secrets):
            assert word not in text, (name, word)
    attributes = {key for span in site.collector.spans for key in span.attributes}
    assert attributes <= {
        "error.type",
        "gen_ai.request.model",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "nexus.request_id",
        "nexus.sources",
    }
