"""What holds for every request: signing in, errors, limits and headers."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core_api.auth import one_time
from core_api.http.cookies import SESSION_COOKIE
from core_api.infra.database import Database
from core_api.models import SystemRole, TokenKind, User, utcnow
from tests.factories import bearer, make_space, make_user

Person = Callable[..., TestClient]


@pytest.fixture
def visitor(app: FastAPI) -> TestClient:
    return TestClient(app, headers={"sec-fetch-site": "same-origin"}, raise_server_exceptions=False)


def link_token(database: Database, lifetime: timedelta = timedelta(minutes=5)) -> str:
    subject = make_user(database)
    with database.transaction() as session:
        return one_time.issue(session, subject.user_id, TokenKind.SIGN_IN_LINK, lifetime)


def test_a_sign_in_link_works_once_and_sets_a_cookie_that_scripts_cannot_read(
    visitor: TestClient, database: Database
) -> None:
    token = link_token(database)
    first = visitor.post("/api/v1/auth/session", json={"token": token})
    assert first.status_code == 204
    assert "httponly" in first.headers["set-cookie"].lower()
    assert "samesite=lax" in first.headers["set-cookie"].lower()
    assert visitor.get("/api/v1/users/me").json()["name"] == "Kim"
    again = visitor.post("/api/v1/auth/session", json={"token": token})
    assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")


def test_an_old_link_and_a_link_token_used_as_a_bearer_token_do_not_sign_in(
    visitor: TestClient, database: Database
) -> None:
    old, fresh = link_token(database, timedelta(seconds=-1)), link_token(database)
    assert visitor.post("/api/v1/auth/session", json={"token": old}).status_code == 401
    assert visitor.get("/api/v1/users/me", headers={"Authorization": f"Bearer {fresh}"}).status_code == 401


def test_signing_out_ends_the_session_on_the_server(visitor: TestClient, database: Database) -> None:
    visitor.post("/api/v1/auth/session", json={"token": link_token(database)})
    secret = visitor.cookies[SESSION_COOKIE]
    assert visitor.post("/api/v1/auth/logout").status_code == 204
    visitor.cookies.set(SESSION_COOKIE, secret)
    assert visitor.get("/api/v1/users/me").status_code == 401


def test_expired_tokens_and_disabled_people_are_nobody(visitor: TestClient, database: Database) -> None:
    kim, lee = make_user(database), make_user(database, "Lee")
    expired, valid = bearer(database, kim, timedelta(seconds=-1)), bearer(database, lee)
    assert visitor.get("/api/v1/users/me", headers=expired).status_code == 401
    assert visitor.get("/api/v1/users/me", headers=valid).status_code == 200
    with database.transaction() as session:
        session.get_one(User, lee.user_id).disabled_at = utcnow()
    assert visitor.get("/api/v1/users/me", headers=valid).status_code == 401


def test_secrets_are_not_in_the_database(database: Database) -> None:
    token = link_token(database)
    with database.reading() as session:
        rows = session.connection().exec_driver_sql("SELECT * FROM one_time_tokens").all()
    assert rows
    assert token not in repr(rows)


def test_every_error_is_a_problem_document_with_the_request_id(visitor: TestClient, person: Person) -> None:
    kim = person()
    for response, status, code in (
        (visitor.get("/api/v1/users/me"), 401, "unauthenticated"),
        (visitor.get("/api/v1/nothing"), 404, "not_found"),
        (kim.put("/api/v1/users/me"), 405, "http_405"),
        (kim.post("/api/v1/spaces", content=b"{", headers={"Content-Type": "application/json"}), 400, "malformed_json"),
        (kim.post("/api/v1/spaces", content=b"name=x"), 400, "malformed_json"),
        (kim.post("/api/v1/spaces", json=[]), 422, "invalid"),
        (kim.get("/api/v1/spaces", params={"limit": 0}), 422, "invalid"),
        (kim.post("/api/v1/spaces", content=b"x" * (2**20 + 1)), 413, "too_large"),
        (kim.post("/api/v1/spaces", headers={"Content-Length": "many"}, content=b""), 422, "invalid"),
    ):
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
        assert problem["detail"]
        assert problem["request_id"] == response.headers["x-request-id"]
        if status == 422:
            assert all(error["field"] and error["message"] for error in problem["errors"]), problem
            assert problem["errors"]


def test_what_a_service_refuses_names_the_field_as_what_a_schema_refuses_does(person: Person) -> None:
    kim, admin = person(), person("Ada", SystemRole.ADMIN)
    space = make_space(kim)
    admin.post("/api/v1/users", json={"name": "Lee", "email": "lee@example.com"})
    there = {"space_id": space, "title": "Plan", "text": "Words.", "path": "plan.md"}
    kim.post("/api/v1/documents", json=there)

    def upload(**form: str) -> httpx.Response:
        files = {"file": ("a.txt", b"x")}
        return kim.post("/api/v1/documents/upload", data={"space_id": space, **form}, files=files)

    for response, status, field in (
        (kim.get("/api/v1/spaces", params={"limit": 0}), 422, "limit"),
        (kim.get("/api/v1/documents", params={"cursor": "x"}), 422, "cursor"),
        (upload(path="p" * 2000), 422, "path"),
        (upload(title="  "), 422, "title"),
        (upload(tags="t" * 500), 422, "tags"),
        (upload(category="c" * 500), 422, "category"),
        (kim.post("/api/v1/saved-searches", json={"name": "All", "query": ""}), 422, "query"),
        (kim.post("/api/v1/spaces", json={"name": "Mine", "kind": "personal"}), 422, "kind"),
        (kim.post("/api/v1/spaces", headers={"Content-Length": "many"}, content=b""), 422, "content-length"),
        (kim.post("/api/v1/documents", json=there), 409, "path"),
        (admin.post("/api/v1/users", json={"name": "L", "email": "lee@example.com"}), 409, "email"),
    ):
        problem = response.json()
        assert (response.status_code, problem["errors"][0]["field"]) == (status, field), problem
        assert len(problem["errors"][0]["message"]) > 10


def test_a_body_without_a_declared_length_is_counted_while_it_is_read(person: Person) -> None:
    def endless():
        for _ in range(40):
            yield b"x" * 2**16

    response = person().post("/api/v1/spaces", content=endless(), headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_well_formed_request_id_is_kept_and_another_replaced(visitor: TestClient) -> None:
    assert visitor.get("/health/live", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    forged = visitor.get("/health/live", headers={"X-Request-ID": "a b{}"}).headers["x-request-id"]
    assert forged != "a b{}"


def test_health_tells_live_from_ready(app: FastAPI, visitor: TestClient) -> None:
    assert visitor.get("/health/ready").json() == {"status": "ok"}
    app.state.is_ready = lambda: False
    assert visitor.get("/health/live").status_code == 200
    starting = visitor.get("/health/ready")
    assert (starting.status_code, starting.headers["retry-after"]) == (503, "1")


def test_an_unexpected_error_tells_nothing_of_the_inside(app: FastAPI, person: Person) -> None:
    @app.get("/api/v1/breaks")
    def breaks() -> None:
        raise RuntimeError("secret of the inside")

    response = person().get("/api/v1/breaks")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text


def test_a_full_disk_is_told_and_nothing_is_stored(app: FastAPI, person: Person, settings, tmp_path) -> None:
    import resource

    kim = person()
    space = make_space(kim)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 2**10, hard))
        response = kim.post(
            "/api/v1/documents/upload", data={"space_id": space}, files={"file": ("a.txt", b"x" * 300_000)}
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert (response.status_code, response.json()["code"]) == (507, "storage_full")
    assert list(settings.files_dir.rglob("*.*")) == []
    assert kim.get("/api/v1/documents").json()["items"] == []


def test_the_openapi_document_has_examples_and_describes_problems(visitor: TestClient) -> None:
    document = visitor.get("/openapi.json").json()
    assert "example" in document["components"]["schemas"]["DocumentCreate"]
    problem = document["components"]["schemas"]["Problem"]["properties"]
    assert problem["errors"]["items"] == {"$ref": "#/components/schemas/FieldProblem"}
