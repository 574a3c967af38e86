"""No route gives anything to somebody who only knows an id: every operation of the OpenAPI document is called by
others with the ids of what one person has, in the path, the query and the body (IDOR)."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from core_api.auth.api_keys import create_api_key
from core_api.auth.permissions import Scope
from core_api.auth.sessions import Device, start_browser_session
from core_api.domains.search_log.service import record
from core_api.infra.database import Database
from core_api.models import Identity, LoginSession, Proposal, Reminder, SystemRole, User, utcnow
from tests.factories import make_document, make_user

API = "/api/v1"
# What everybody who is signed in may read: another person's name and picture, and a model, which is nobody's.
PUBLIC = {
    ("get", f"{API}/users/{{user_id}}"),
    ("get", f"{API}/users/{{user_id}}/avatar"),
    ("get", "/v1/models/{model}"),
}
SECRET = "xenolith"  # in everything that the victim has
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass
class Victim:
    """A person, with one of everything; `ids` by the name that parameters and fields have for them."""

    client: TestClient
    ids: dict[str, str] = field(default_factory=dict)

    def of(self, path: str) -> str:
        """The id that the path's {group_id} means."""
        return self.ids["team_id" if path.startswith(f"{API}/teams") else "project_id"]

    def state(self) -> list[Any]:
        """What others must not be able to change."""
        get = self.client.get
        team, project, document = self.ids["team_id"], self.ids["project_id"], self.ids["document_id"]
        paths = [
            *("/users/me", "/spaces", "/teams", "/projects", "/invitations", "/auth/api-keys", "/auth/identities"),
            *(f"/teams/{team}/members", f"/projects/{project}/members", f"/spaces/{self.ids['space_id']}/members"),
            *(f"/documents/{document}", f"/documents/{document}/grants", f"/documents/{document}/versions"),
            f"/assistant/conversations/{self.ids['conversation_id']}",
            f"/assistant/conversations/{self.ids['conversation_id']}/shares",
            *("/search/history", "/assistant/reminders"),
        ]
        answers = [get(f"{API}{path}") for path in paths]
        assert [answer.status_code for answer in answers] == [200] * len(paths), [a.text for a in answers]
        state = [answer.json() for answer in answers]
        for volatile in ("last_seen_at", "last_used_at", "index"):
            _drop(state, volatile)
        return state


def _drop(value: Any, name: str) -> None:
    if isinstance(value, dict):
        value.pop(name, None)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _drop(inner, name)


@pytest.fixture(scope="module")
def database(product: TestClient) -> Database:
    found: Database = product.app.state.database  # type: ignore[attr-defined]
    return found


def browser(product: TestClient, database: Database, user_id: str) -> TestClient:
    with database.transaction() as session:
        cookie = start_browser_session(session, user_id, timedelta(hours=1), Device())
    headers = {"Origin": "http://testserver"}
    return TestClient(product.app, cookies={"nexus_session": cookie}, headers=headers, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def victim(product: TestClient, database: Database) -> Victim:
    kim, friend = make_user(database, "Kim"), make_user(database, "Friend")
    client = browser(product, database, kim.user_id)
    victim = Victim(client)
    with database.transaction() as session:
        user = session.get_one(User, kim.user_id)
        user.email, user.email_verified_at = f"{SECRET}@example.com", utcnow()
        key, _ = create_api_key(session, kim.user_id, f"{SECRET} key", [Scope.READ], None)
        identity = Identity(user_id=kim.user_id, provider="company", subject=SECRET, email=f"{SECRET}@example.com")
        session.add(identity)
        session.flush()
        login = session.query(LoginSession).filter_by(user_id=kim.user_id).one()
        victim.ids |= {"user_id": kim.user_id, "key_id": key.id, "identity_id": identity.id, "session_id": login.id}

    def made(response: httpx.Response) -> dict[str, Any]:
        assert response.is_success, response.text
        body: dict[str, Any] = response.json()
        return body

    team = made(client.post(f"{API}/teams", json={"name": f"{SECRET} team"}))
    project = made(client.post(f"{API}/projects", json={"name": f"{SECRET} project"}))
    space = team["space_id"]
    document = make_document(client, space, f"{SECRET} note", f"The {SECRET} is blue.")
    grant = made(client.put(f"{API}/documents/{document}/grants", json={"user_id": friend.user_id, "role": "viewer"}))
    invitation = made(client.post(f"{API}/invitations", json={"email": f"new-{SECRET}@example.com", "space_id": space}))
    assert product.app.state.ingest.wait_idle(120)  # type: ignore[attr-defined]
    chat = made(client.post(f"{API}/assistant/chat", json={"message": f"What is {SECRET}?"}))
    victim.ids |= {
        "team_id": team["id"],
        "project_id": project["id"],
        "space_id": space,
        "document_id": document,
        "grant_id": grant["id"],
        "invitation_id": invitation["id"],
        "conversation_id": chat["conversation_id"],
    }
    path = f"{API}/assistant/conversations/{chat['conversation_id']}/shares"
    share = made(client.post(path, json={"user_id": friend.user_id}))
    lost = made(client.post(f"{API}/assistant/chat", json={"message": "How do I bake sourdough bread?"}))
    gap = made(client.post(f"{API}/assistant/gaps", json={"message_id": lost["message_id"]}))
    said = {"helpful": False, "reason": "incomplete"}
    made(client.put(f"{API}/assistant/messages/{lost['message_id']}/feedback", json=said))
    victim.ids |= {"share_id": share["id"], "message_id": chat["message_id"], "replaces": chat["question_id"]}
    victim.ids |= {"answer_id": lost["message_id"], "gap_id": gap["id"]}
    with database.transaction() as session:
        later, text = utcnow() + timedelta(days=1), f"Water the {SECRET}"
        parameters = {"text": text, "at": later.isoformat(), "time_zone": "UTC", "mail": False}
        waiting = Proposal(user_id=kim.user_id, kind="remind", summary=text, parameters=parameters, expires_at=later)
        reminder = Reminder(user_id=kim.user_id, text=text, due_at=later, time_zone="UTC", mail=False)
        session.add_all([waiting, reminder])
        session.flush()
        victim.ids |= {"proposal_id": waiting.id, "reminder_id": reminder.id}
    search_id = record(
        product.app.state.search_recorder,  # type: ignore[attr-defined]
        kim,
        query=f"where is the {SECRET}",
        mode="hybrid",
        hits=1,
        took_ms=1.0,
    )
    assert search_id is not None
    saved = made(client.post(f"{API}/saved-searches", json={"name": f"{SECRET} search", "query": SECRET}))
    victim.ids["saved_search_id"] = saved["id"]
    victim.ids |= {"search_id": search_id, "chunk_id": f"document:{document}:0"}
    victim.ids |= {"source_id": document, "actor_id": kim.user_id, "target_id": document, "author_id": kim.user_id}
    return victim


@pytest.fixture(scope="module")
def schema(product: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = product.get("/openapi.json").json()
    return found


def operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method in item and path.startswith((API, "/v1/")):
                yield method, path, item[method]


class Request:
    """An operation's request that names the victim's things wherever it can name something."""

    def __init__(self, schema: dict[str, Any], victim: Victim, method: str, path: str, operation: dict[str, Any]):
        self.schema, self.victim, self.method, self.template = schema, victim, method, path
        self.path, self.params = path, dict[str, Any]()
        for parameter in operation.get("parameters", []):
            name = parameter["name"]
            if parameter["in"] == "path":
                self.path = self.path.replace(f"{{{name}}}", self.path_value(name))
            elif parameter["in"] == "query" and (name in victim.ids or parameter.get("required")):
                self.params[name] = self.value(name, parameter["schema"])
        content = operation.get("requestBody", {}).get("content", {})
        self.kind = next(iter(content), "")
        self.body = self.value("", content[self.kind]["schema"]) if content else None

    def path_value(self, name: str) -> str:
        if name == "group_id":
            return self.victim.of(self.template)
        if name in ("provider", "model"):
            return "company"
        assert name in self.victim.ids, f"{self.template}: say in this test what {{{name}}} is of the victim's"
        return self.victim.ids[name]

    def value(self, name: str, schema: dict[str, Any]) -> Any:
        while "$ref" in schema:
            schema = self.schema["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        if name in self.victim.ids:
            return self.victim.ids[name]
        if name.endswith("_ids"):
            return [self.victim.ids[name.removesuffix("s")]]
        if options := schema.get("anyOf"):
            return self.value(name, options[0])
        if schema.get("type") == "object":
            required = schema.get("required", [])
            named = {*required, *self.victim.ids, "space_ids", "source_ids", "author_ids", "document_ids", "filters"}
            # One grantee, not two.
            return {
                key: self.value(key, inner)
                for key, inner in schema.get("properties", {}).items()
                if key in named and not (key == "team_id" and "user_id" in schema["properties"])
            }
        if "enum" in schema:
            return schema["enum"][0]
        if "const" in schema:
            return schema["const"]
        kind = schema.get("type")
        if kind == "string":
            email = schema.get("format") == "email"
            return "else@example.com" if email else "Correct horse 9 battery"[: schema.get("maxLength", 23)]
        if kind == "array":
            return [self.value(name, schema["items"])] if schema.get("minItems") else []
        return {"integer": 1, "number": 1, "boolean": True}.get(str(kind))

    def send(self, client: TestClient) -> httpx.Response:
        arguments: dict[str, Any] = {"params": self.params, "follow_redirects": False}
        if self.kind == "application/json":
            arguments["json"] = self.body
        elif self.kind == "application/x-www-form-urlencoded":
            arguments["data"] = self.body
        elif self.kind == "multipart/form-data":
            fields = {key: value for key, value in self.body.items() if key != "file"}
            arguments |= {"data": fields, "files": {"file": ("x.md", b"# Words")}}
        return client.request(self.method.upper(), self.path, **arguments)


def test_ids_and_nothing_else_open_nothing(
    product: TestClient, database: Database, victim: Victim, schema: dict[str, Any]
) -> None:
    numbers, before = itertools.count(), victim.state()

    def somebody(role: SystemRole) -> TestClient:
        # Anew for each request: some requests end their sender's session, or the sender.
        return browser(product, database, make_user(database, f"Other {next(numbers)}", role).user_id)

    def with_key() -> TestClient:
        other = make_user(database, f"Other {next(numbers)}")
        with database.transaction() as session:
            _, key = create_api_key(session, other.user_id, "all", list(Scope), None)
        headers = {"Authorization": f"Bearer {key}"}
        return TestClient(product.app, headers=headers, raise_server_exceptions=False)

    def nobody() -> TestClient:
        headers = {"Origin": "http://testserver"}
        return TestClient(product.app, headers=headers, raise_server_exceptions=False)

    attackers: list[tuple[str, Callable[[], TestClient]]] = [
        ("a member", lambda: somebody(SystemRole.MEMBER)),
        ("a guest", lambda: somebody(SystemRole.GUEST)),
        ("a member with an API key", with_key),
        ("nobody", nobody),
    ]
    tried, refused = 0, (400, 401, 403, 404, 405, 409, 410, 422, 429)
    for method, path, operation in operations(schema):
        for name, attacker in attackers:
            request = Request(schema, victim, method, path, operation)
            response = request.send(attacker())
            said = f"{name}: {method} {request.path} {request.params} {request.body} -> {response.status_code}"
            assert response.status_code < 500, (said, response.text)
            if "{" in path and (method, path) not in PUBLIC and "{provider}" not in path:
                assert response.status_code in refused, (said, response.text)
            if name == "nobody" and "{" in path and "{provider}" not in path:
                assert response.status_code == 401, (said, response.text)
            # A problem may repeat what was asked; the secret word was never asked for.
            assert SECRET not in response.text, (said, response.text)
            tried += 1
    assert tried > 150
    assert victim.state() == before


def test_a_manager_and_an_admin_read_nobodys_content(
    product: TestClient, database: Database, victim: Victim, schema: dict[str, Any]
) -> None:
    before = victim.state()
    for role in (SystemRole.MANAGER, SystemRole.ADMIN):
        client = browser(product, database, make_user(database, "Boss", role).user_id)
        for method, path, operation in operations(schema):
            tag = operation.get("tags", [""])[0]
            if method != "get" or tag not in ("knowledge", "assistant", "search", "index") or "{provider}" in path:
                continue
            response = Request(schema, victim, method, path, operation).send(client)
            assert response.status_code < 500
            assert "{" not in path or response.status_code == 404, (path, response.text)
            assert SECRET not in response.text, (path, response.text)
        found = client.post(f"{API}/search", json={"query": SECRET})
        assert (found.json()["hits"], found.json()["total"]) == ([], 0)
        assert SECRET not in found.text.replace(json.dumps(found.json()["query"]["text"]), "")  # what was asked
        assert SECRET not in client.get(f"{API}/teams").text + client.get(f"{API}/spaces").text
    assert victim.state() == before
