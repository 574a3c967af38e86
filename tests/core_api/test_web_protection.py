"""What keeps other sites' pages, and whoever asks too often, away."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core_api.auth import sessions
from core_api.auth.sessions import Device
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from tests.applications import application
from tests.factories import bearer, make_user
from tests.services import redis
from ui_gradio.client import Api, Problem
from ui_gradio.transport import StreamingASGITransport
from ui_gradio.visitor import Visitor

Person = Callable[..., TestClient]
SPACES = "/api/v1/spaces"
NEW = {"name": "Made by somebody"}


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis server of this test's own."""
    with redis(tmp_path) as url:
        yield url


@pytest.fixture
def cookie(database: Database) -> str:
    """The session of a browser."""
    kim = make_user(database)
    with database.transaction() as session:
        return sessions.start_browser_session(session, kim.user_id, timedelta(days=1), Device())


def browser(app: FastAPI, cookie: str | None = None, **headers: str) -> TestClient:
    client = TestClient(app, headers={name.replace("_", "-"): value for name, value in headers.items()})
    if cookie is not None:
        client.cookies.set("nexus_session", cookie)
    return client


def test_another_sites_page_cannot_act_with_the_cookie(app: FastAPI, cookie: str) -> None:
    for headers in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ):
        response = browser(app, cookie, **headers).post(SPACES, json=NEW)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden"), headers
    for headers in ({"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "none"}, {"origin": "http://testserver"}):
        assert browser(app, cookie, **headers).post(SPACES, json=NEW).status_code == 201
    assert browser(app, cookie, sec_fetch_site="cross-site").get(SPACES).status_code == 200


def test_the_address_that_people_use_counts_as_our_own_behind_a_proxy(
    settings: Settings, database: Database, cookie: str
) -> None:
    app = application(settings.model_copy(update={"public_url": "https://nexus.example"}), database)
    assert browser(app, cookie, origin="https://nexus.example").post(SPACES, json=NEW).status_code == 201
    assert browser(app, cookie, origin="https://nexus.example.evil").post(SPACES, json=NEW).status_code == 403


def test_another_sites_page_cannot_sign_a_visitor_in(app: FastAPI) -> None:
    body = {"token": "x"}
    assert browser(app, sec_fetch_site="cross-site").post("/api/v1/auth/session", json=body).status_code == 403
    assert browser(app).post("/api/v1/auth/session", json=body).status_code == 401, "a program may"


def test_the_web_app_calls_for_a_visitor_whose_own_request_was_checked(app: FastAPI, cookie: str) -> None:
    async def run() -> Any:
        api = Api(transport=StreamingASGITransport(app), base_url="http://nexus.local")
        try:
            return await api.call(Visitor(cookie=cookie, address="10.1.2.3"), "POST", "/spaces", body=NEW)
        finally:
            await api.close()

    assert asyncio.run(run())["name"] == NEW["name"]


def test_a_header_does_not_make_a_request_the_web_apps(app: FastAPI, cookie: str) -> None:
    for name in ("nexus.in_process", "extensions", "x-forwarded-for", "x-nexus-in-process"):
        assert browser(app, cookie, **{name: "1"}).post(SPACES, json=NEW).status_code == 403


def test_over_tls_the_cookie_belongs_to_this_host_alone(app: FastAPI, database: Database, cookie: str) -> None:
    client = TestClient(app, base_url="https://testserver", headers={"sec-fetch-site": "same-origin"})
    client.cookies.set("nexus_session", cookie)
    assert client.get("/api/v1/users/me").status_code == 401, "another host of the domain could have set this one"
    client.cookies.set("__Host-nexus_session", cookie)
    response = client.get("/api/v1/users/me")
    assert response.status_code == 200
    assert response.headers["strict-transport-security"].startswith("max-age=")
    gone = client.post("/api/v1/auth/logout").headers["set-cookie"].lower()
    assert gone.startswith("__host-nexus_session=")
    assert "secure" in gone
    assert "path=/" in gone


def test_cross_origin_calls_are_for_configured_origins_and_without_cookies(
    settings: Settings, database: Database, app: FastAPI, cookie: str
) -> None:
    asked = {"origin": "https://tools.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in browser(app).options(SPACES, headers=asked).headers
    open_app = application(settings.model_copy(update={"cors_origins": ["https://tools.example"]}), database)
    preflight = browser(open_app).options(SPACES, headers=asked)
    assert preflight.headers["access-control-allow-origin"] == "https://tools.example"
    assert "access-control-allow-credentials" not in preflight.headers
    token = bearer(database, make_user(database, "Lee"))
    called = browser(open_app, origin="https://tools.example", sec_fetch_site="cross-site", **token)
    answer = called.post(SPACES, json=NEW)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (201, "https://tools.example")
    with_cookie = browser(open_app, cookie, origin="https://tools.example", sec_fetch_site="cross-site")
    assert with_cookie.post(SPACES, json=NEW).status_code == 403
    other = browser(open_app).options(SPACES, headers={**asked, "origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_protective_headers_are_on_every_response_refusals_too(app: FastAPI, cookie: str) -> None:
    client = browser(app, cookie)
    refused = client.post(SPACES, json=NEW)
    for response in (*(client.get(path) for path in ("/health/live", "/api/v1/users/me", "/nothing")), refused):
        headers = response.headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "strict-transport-security" not in headers
    assert client.get("/api/v1/users/me").headers["cache-control"] == "no-store"


def test_forms_and_uploads_have_limits_of_their_own(person: Person) -> None:
    kim = person()
    form = kim.post("/api/v1/auth/token", data={"username": "x" * 70_000, "password": "y"})
    assert (form.status_code, form.json()["code"]) == (413, "too_large")
    misplaced = kim.post(SPACES, files={"file": ("a", b"x" * 2**20 + b"x" * 1000)})
    assert misplaced.status_code == 413, "a large multipart body is for uploads only"


def limited(settings: Settings, database: Database, limit: str) -> FastAPI:
    return application(settings.model_copy(update={"rate_limit_requests": limit}), database)


def test_an_address_that_asks_too_often_is_told_when_to_come_back(settings: Settings, database: Database) -> None:
    client = browser(limited(settings, database, "3/minute"))
    statuses = [client.get("/api/v1/users/me").status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    refused = client.get("/api/v1/users/me")
    assert refused.json()["code"] == "too_many_requests"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert client.get("/health/live").status_code == 200


def test_a_person_is_limited_wherever_they_ask_from(settings: Settings, database: Database) -> None:
    app = limited(settings, database, "3/minute")
    kim, lee = bearer(database, make_user(database)), bearer(database, make_user(database, "Lee"))

    def ask(headers: dict[str, str], address: str) -> int:
        return TestClient(app, client=(address, 1)).get("/api/v1/users/me", headers=headers).status_code

    assert [ask(kim, f"10.0.0.{n}") for n in range(4)] == [200, 200, 200, 429]
    assert ask(lee, "10.0.0.9") == 200


def test_addresses_of_one_ipv6_network_count_as_one(settings: Settings, database: Database) -> None:
    app = limited(settings, database, "2/minute")

    def ask(address: str) -> int:
        return TestClient(app, client=(address, 1)).get("/api/v1/users/me").status_code

    assert [ask(f"2001:db8:0:1::{n}") for n in (1, 2, 3)] == [401, 401, 429]
    assert ask("2001:db8:0:2::1") == 401
    assert [ask(address) for address in ("10.0.0.1", "::ffff:10.0.0.1", "10.0.0.1")] == [401, 401, 429]


def test_the_web_apps_visitors_are_told_apart(settings: Settings, database: Database) -> None:
    app = limited(settings, database, "2/minute")

    async def run() -> list[int]:
        api = Api(transport=StreamingASGITransport(app), base_url="http://nexus.local")
        seen = []
        for address in ("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"):
            try:
                await api.call(Visitor(address=address), "GET", "/users/me")
            except Problem as problem:
                seen.append(problem.document["status"])
        await api.close()
        return seen

    assert asyncio.run(run()) == [401, 401, 429, 401]


def test_without_redis_this_process_counts_alone(settings: Settings, database: Database) -> None:
    changed = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0", "rate_limit_requests": "2/minute"})
    client = browser(application(changed, database))
    assert [client.get("/api/v1/users/me").status_code for _ in range(3)] == [401, 401, 429]


def test_several_servers_count_together_in_redis(settings: Settings, database: Database, redis_url: str) -> None:
    changed = settings.model_copy(update={"redis_url": redis_url, "rate_limit_requests": "2/minute"})
    one, other = browser(application(changed, database)), browser(application(changed, database))
    assert [client.get("/api/v1/users/me").status_code for client in (one, other, one)] == [401, 401, 429]


@pytest.mark.parametrize("text", ["often", "", "10/fortnight"])
def test_a_limit_that_is_none_is_refused_at_the_start(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rate_limit_requests"):
        Settings(data_dir=tmp_path, rate_limit_requests=text)
