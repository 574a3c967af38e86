"""Personal API keys."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text, update

from core_api.infra.database import Database
from core_api.models import ApiKey, SystemRole, User, utcnow
from tests.core_api.accounts import API, audited, browse, make_account, me, visit, with_token
from tests.factories import make_space


def make_key(client: TestClient, *scopes: str, **more: object) -> dict:
    response = client.post(f"{API}/auth/api-keys", json={"name": "script", "scopes": list(scopes), **more})
    assert response.status_code == 201, response.text
    return response.json()


@pytest.fixture
def kim(app: FastAPI, database: Database) -> TestClient:
    make_account(database)
    return browse(app)


def test_a_key_is_shown_once_and_lets_a_program_in(app: FastAPI, kim: TestClient, database: Database) -> None:
    made = make_key(kim, "read", expires_in_days=30)
    assert made["key"].startswith(made["prefix"])
    assert made["key"].startswith("nxk_")
    assert me(visit(app), made["key"]) == 200
    [listed] = kim.get(f"{API}/auth/api-keys").json()["items"]
    assert {name: listed[name] for name in ("id", "name", "scopes", "expires_at")} == {
        name: made[name] for name in ("id", "name", "scopes", "expires_at")
    }
    assert "key" not in listed
    assert listed["last_used_at"] is not None
    with database.reading() as session:
        stored = repr(session.execute(text("SELECT * FROM api_keys")).all())
        stored += repr(session.execute(text("SELECT * FROM audit_events")).all())
    assert made["key"] not in stored
    [event] = audited(database, "auth.api_key_created")
    assert event.details == {"name": "script", "scopes": ["read"]}


def test_a_key_can_do_what_its_scopes_say(app: FastAPI, kim: TestClient) -> None:
    space = make_space(kim)
    body = {"space_id": space, "title": "Note", "text": "Words."}
    reader, writer = (with_token(make_key(kim, scope)["key"]) for scope in ("read", "write"))
    program = visit(app)
    assert program.get(f"{API}/spaces", headers=reader).status_code == 200
    refused = program.post(f"{API}/documents", json=body, headers=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert program.post(f"{API}/documents", json=body, headers=writer).status_code == 201
    assert program.get(f"{API}/spaces", headers=writer).status_code == 403


def test_a_scope_gives_nobody_what_their_role_does_not(app: FastAPI, kim: TestClient, database: Database) -> None:
    headers = with_token(make_key(kim, "admin")["key"])
    assert visit(app).get(f"{API}/mail", headers=headers).status_code == 403
    make_account(database, "Root", SystemRole.ADMIN)
    root = browse(app, "Root")
    assert visit(app).get(f"{API}/mail", headers=with_token(make_key(root, "admin")["key"])).status_code == 200
    assert visit(app).get(f"{API}/mail", headers=with_token(make_key(root, "read", "write")["key"])).status_code == 403


def test_no_key_manages_the_account(app: FastAPI, kim: TestClient) -> None:
    made = make_key(kim, "read", "write", "admin")
    program = visit(app)
    program.headers.update(with_token(made["key"]))
    for method, path, body in (
        ("POST", "/auth/api-keys", {"name": "another", "scopes": ["read"]}),
        ("GET", "/auth/api-keys", None),
        ("DELETE", f"/auth/api-keys/{made['id']}", None),
        ("GET", "/auth/sessions", None),
        ("DELETE", "/auth/sessions", None),
        ("POST", "/auth/password", {"new_password": "granite lantern willow 82"}),
        ("POST", "/auth/mfa/setup", {}),
        ("PATCH", "/users/me", {"email": "mine@example.com"}),
    ):
        refused = program.request(method, API + path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
    program.post(f"{API}/auth/logout")
    assert me(kim) == 200


def test_expired_and_revoked_keys_and_those_of_disabled_people_open_nothing(
    app: FastAPI, kim: TestClient, database: Database
) -> None:
    expired, revoked, kept = (make_key(kim, "read", expires_in_days=1) for _ in range(3))
    with database.transaction() as session:
        past = utcnow() - timedelta(seconds=1)
        session.execute(update(ApiKey).where(ApiKey.id == expired["id"]).values(expires_at=past))
    assert kim.delete(f"{API}/auth/api-keys/{revoked['id']}").status_code == 204
    assert kim.delete(f"{API}/auth/api-keys/{revoked['id']}").status_code == 404
    program = visit(app)
    assert [me(program, key["key"]) for key in (expired, revoked, kept)] == [401, 401, 200]
    assert [key["id"] for key in kim.get(f"{API}/auth/api-keys").json()["items"]] == [kept["id"]]
    assert [event.target_id for event in audited(database, "auth.api_key_revoked")] == [revoked["id"]]
    with database.transaction() as session:
        session.execute(update(User).values(disabled_at=utcnow()))
    assert me(program, kept["key"]) == 401


def test_nobody_sees_or_revokes_another_persons_key(app: FastAPI, kim: TestClient, database: Database) -> None:
    made = make_key(kim, "read")
    make_account(database, "Lee")
    lee = browse(app, "Lee")
    assert lee.get(f"{API}/auth/api-keys").json()["items"] == []
    assert lee.delete(f"{API}/auth/api-keys/{made['id']}").status_code == 404
    assert me(visit(app), made["key"]) == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"name": " "}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"expires_in_days": 0}, "expires_in_days"),
        ({"expires_in_days": 10**9}, "expires_in_days"),
    ],
)
def test_bad_input_is_a_problem_that_names_the_field(kim: TestClient, change: dict, field: str) -> None:
    body = {"name": "script", "scopes": ["read"]} | change
    response = kim.post(f"{API}/auth/api-keys", json=body)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)
