"""Metrics: what they count, by which labels, and who may read them."""

import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import update

from core_api.infra.database import Database
from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from core_api.models import IndexState, OutboxEvent, utcnow
from core_api.ops.process import serve_metrics
from core_api.ops.state import DatabaseState
from core_api.outbox import next_change, request_index
from tests.applications import application
from tests.services import free_port

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Series:
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def at(series: Series, name: str, **labels: str) -> float:
    return series.get((name, frozenset(labels.items())), 0.0)


def scrape(app: FastAPI) -> Series:
    answer = TestClient(app, client=("127.0.0.1", 40000)).get("/metrics")
    assert answer.status_code == 200, answer.text
    return parse(answer.text)


def test_requests_are_counted_by_route_and_never_by_path(app: FastAPI, person: Callable[..., TestClient]) -> None:
    kim = person()
    before = scrape(app)
    assert kim.get("/api/v1/documents/no-such-document").status_code == 404
    assert kim.get("/api/v1/users/me").status_code == 200
    assert kim.request("BREW", "/api/v1/users/me").status_code == 405
    for path in ("/nowhere/secret-path", "/api/v1/nothing", "/api/v1/users/me/"):
        kim.get(path, follow_redirects=False)
    after = scrape(app)

    def more(route: str, status: str, method: str = "GET") -> float:
        labels = {"method": method, "route": route, "status": status}
        return at(after, "nexus_http_requests_total", **labels) - at(before, "nexus_http_requests_total", **labels)

    assert more("/api/v1/documents/{document_id}", "4xx") == 1
    assert more("/api/v1/users/me", "2xx") == 1
    assert more("/api/v1/users/me", "4xx", "(other)") == 1
    assert more("(none)", "4xx") + more("(none)", "3xx") == 3
    labels = {"method": "GET", "route": "/api/v1/users/me"}
    assert at(after, "nexus_http_request_duration_seconds_count", **labels) >= 1
    text = repr(after)
    assert "secret-path" not in text
    assert "no-such-document" not in text
    assert "BREW" not in text


def test_every_route_counts_under_its_own_template(app: FastAPI, person: Callable[..., TestClient]) -> None:
    kim = person()
    templates = [path for path, verbs in app.openapi()["paths"].items() if "get" in verbs]
    assert len(templates) > 20
    for path in templates:
        kim.get(path.replace("{", "").replace("}", ""), follow_redirects=False)
    told = {dict(labels)["route"] for name, labels in scrape(app) if name == "nexus_http_requests_total"}
    assert set(templates) <= told


def test_metrics_are_told_to_this_machine(app: FastAPI) -> None:
    def ask(address: str) -> int:
        return TestClient(app, client=(address, 40000), raise_server_exceptions=False).get("/metrics").status_code

    for address in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"):
        assert ask(address) == 200
    for address in ("10.0.0.5", "2001:db8::1", "::ffff:10.0.0.5", "testclient", ""):
        assert ask(address) == 403


def test_metrics_are_told_to_whoever_has_the_token(settings: Settings, database: Database) -> None:
    app = application(settings.model_copy(update={"metrics_token": SecretStr("let-me-see")}), database)

    def ask(address: str, authorization: str | None) -> int:
        headers = {"Authorization": authorization} if authorization is not None else {}
        return TestClient(app, client=(address, 40000), headers=headers).get("/metrics").status_code

    assert ask("10.0.0.5", "Bearer let-me-see") == 200
    # Behind a proxy on this machine everybody may seem to be here.
    for wrong in (None, "", "Bearer", "Basic let-me-see", "Bearer let-me-see-too"):
        assert ask("127.0.0.1", wrong) == 401


def test_metrics_are_no_part_of_the_api(app: FastAPI) -> None:
    assert "/metrics" not in app.openapi()["paths"]


def test_the_format_is_that_which_is_asked_for(app: FastAPI) -> None:
    client = TestClient(app, client=("127.0.0.1", 40000))
    assert client.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
    accepted = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = client.get("/metrics", headers=accepted)
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


def test_what_the_database_knows(settings: Settings, database: Database) -> None:
    now = utcnow()
    with database.transaction() as session:
        for name in ("waits", "waits-too", "runs", "later", "gone-wrong"):
            request_index(session, "document", name)
        for name, values in {
            "waits": {"created_at": now - timedelta(seconds=50)},
            "runs": {"leased_until": now + timedelta(minutes=1)},
            "later": {"available_at": now + timedelta(minutes=1)},
            "gone-wrong": {"parked_at": now, "created_at": now - timedelta(days=1)},
        }.items():
            session.execute(update(OutboxEvent).where(OutboxEvent.source_id == name).values(**values))
        for number, status in enumerate(("indexed", "indexed", "failed")):
            state = IndexState(source_kind="document", source_id=str(number), space_id="s", status=status)
            state.chunk_count, state.change_seq = 4, next_change(session)
            session.add(state)
    app = application(settings, database)
    app.state.database_state.keyword_position = lambda: 1
    series = scrape(app)
    states = ("waiting", "running", "put_off", "parked")
    assert [at(series, "nexus_outbox_events", kind="document", state=state) for state in states] == [2, 1, 1, 1]
    assert 50 <= at(series, "nexus_outbox_oldest_event_seconds") < 3600
    assert at(series, "nexus_sources", status="indexed") == 2
    assert at(series, "nexus_sources", status="failed") == 1
    assert at(series, "nexus_chunks") == 12
    assert at(series, "nexus_keyword_replica_behind_changes") == 2
    assert at(series, "nexus_database_up") == 1
    assert at(series, "nexus_disk_free_bytes") > 0
    assert at(series, "nexus_disk_reserved_bytes") == settings.min_free_bytes


def test_a_database_that_is_away_is_told_and_the_rest_as_well(settings: Settings) -> None:
    away = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none")
    app = application(settings, away)
    series = scrape(app)
    assert ("nexus_database_up", frozenset()) in series
    assert at(series, "nexus_database_up") == 0
    assert at(series, "process_cpu_seconds_total") > 0
    assert not [name for name, _ in series if name.startswith("nexus_outbox")]


def test_the_database_is_not_asked_at_every_scrape(database: Database) -> None:
    state = DatabaseState(database)
    first = list(state.collect())
    with database.transaction() as session:
        request_index(session, "document", "d")
    assert list(state.collect()) == first


def test_a_process_without_the_api_serves_its_metrics(settings: Settings) -> None:
    port = serve_metrics(settings, 0)

    def ask(**headers: str) -> Series:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=headers)) as got:
            return parse(got.read().decode())

    assert at(ask(), "process_cpu_seconds_total") > 0
    assert at(ask(), "nexus_disk_reserved_bytes") == settings.min_free_bytes
    with pytest.raises(Unavailable, match="NEXUS_METRICS_PORT"):
        serve_metrics(settings, port)

    port = serve_metrics(settings.model_copy(update={"metrics_token": SecretStr("let-me-see")}), 0)
    assert at(ask(Authorization="Bearer let-me-see"), "process_cpu_seconds_total") > 0
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask()
