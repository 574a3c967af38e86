"""Conversations shown to others: they read of them what they may read the sources of, and nothing more."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core_api.models import SystemRole
from tests.assistant.conftest import Company
from tests.factories import bearer, make_user

Ask = Callable[..., dict[str, Any]]
CONVERSATIONS = "/api/v1/assistant/conversations"


def person(company: Company, name: str, role: SystemRole = SystemRole.MEMBER) -> tuple[TestClient, str]:
    """A new person's client, and their id."""
    subject = make_user(company.database, name, role)
    return TestClient(company.app, headers=bearer(company.database, subject)), subject.user_id


@pytest.fixture
def reader(company: Company) -> tuple[TestClient, str]:
    """Somebody who reads the company space only."""
    return person(company, "Reader")


def share(company: Company, conversation_id: str, **reader: str) -> str:
    response = company.owner.post(f"{CONVERSATIONS}/{conversation_id}/shares", json=reader)
    assert response.status_code == 201, response.text
    share_id: str = response.json()["id"]
    return share_id


def test_a_reader_sees_the_sentences_whose_sources_they_may_read(
    company: Company, ask: Ask, reader: tuple[TestClient, str]
) -> None:
    client, user_id = reader
    conversation = ask("Who approves overtime?")["conversation_id"]
    assert "14 March" in ask("When is the signing of Project Aurora?", conversation_id=conversation)["answer"]
    assert client.get(f"{CONVERSATIONS}/{conversation}").status_code == 404
    share_id = share(company, conversation, user_id=user_id)

    seen = client.get(f"{CONVERSATIONS}/{conversation}").json()
    assert (seen["mine"], seen["shared"]) == (False, True)
    assert seen["owner"]["id"] == company.owner.get("/api/v1/users/me").json()["id"]
    assert "Mary Jones" in seen["messages"][1]["content"]
    assert all(citation["verified"] for citation in seen["messages"][1]["citations"])
    assert "When is the signing" in seen["messages"][2]["content"]
    for secret in ("14 March", "Bluebird", "Board"):
        assert secret not in str(seen)
    assert client.get(CONVERSATIONS, params={"shared": True}).json()["items"][0]["id"] == conversation

    # A share gives no right but to read, and one taken back holds for the next request.
    body = {"message": "And then?", "conversation_id": conversation}
    assert client.post("/api/v1/assistant/chat", json=body).status_code == 404
    assert client.patch(f"{CONVERSATIONS}/{conversation}", json={"title": "Mine"}).status_code == 404
    assert client.get(f"{CONVERSATIONS}/{conversation}/shares").status_code == 404
    assert company.owner.delete(f"{CONVERSATIONS}/{conversation}/shares/{share_id}").status_code == 204
    assert client.get(f"{CONVERSATIONS}/{conversation}").status_code == 404
    actions = [
        event["action"]
        for event in company.owner.get("/api/v1/audit", params={"target_id": conversation}).json()["items"]
    ]
    assert sorted(actions) == ["conversation.shared", "conversation.unshared"]


def test_a_team_reads_it_while_one_is_in_the_team(company: Company, ask: Ask, reader: tuple[TestClient, str]) -> None:
    client, user_id = reader
    team = company.owner.post("/api/v1/teams", json={"name": "Readers"}).json()["id"]
    conversation = ask("Who approves overtime?")["conversation_id"]
    share(company, conversation, team_id=team)
    assert client.get(f"{CONVERSATIONS}/{conversation}").status_code == 404
    added = company.owner.put(f"/api/v1/teams/{team}/members/{user_id}", json={"role": "viewer"})
    assert added.is_success, added.text
    assert "Mary Jones" in str(client.get(f"{CONVERSATIONS}/{conversation}").json())
    assert company.owner.delete(f"/api/v1/teams/{team}/members/{user_id}").status_code == 204
    assert client.get(f"{CONVERSATIONS}/{conversation}").status_code == 404


def test_a_guest_reads_the_questions_and_learns_of_nobody(company: Company, ask: Ask) -> None:
    guest, guest_id = person(company, "Guest", SystemRole.GUEST)
    conversation = ask("Who approves overtime?")["conversation_id"]
    share(company, conversation, user_id=guest_id)
    seen = guest.get(f"{CONVERSATIONS}/{conversation}").json()
    assert seen["messages"][0]["content"] == "Who approves overtime?"
    assert "Mary Jones" not in str(seen)
    own = guest.post("/api/v1/assistant/chat", json={"message": "Who approves overtime?"}).json()["conversation_id"]
    _, stranger = person(company, "Stranger")
    shared = guest.post(f"{CONVERSATIONS}/{own}/shares", json={"user_id": stranger})
    assert shared.status_code == 404
    assert "Stranger" not in shared.text


def test_what_is_not_shown_is_not_found_either(company: Company, ask: Ask, reader: tuple[TestClient, str]) -> None:
    client, user_id = reader
    conversation = ask("When is the signing of Project Aurora?")["conversation_id"]
    ask("사무실은 어디에 있나요?", conversation_id=conversation)
    share(company, conversation, user_id=user_id)

    def found(by: TestClient, q: str) -> bool:
        items = by.get(CONVERSATIONS, params={"q": q, "limit": 200}).json()["items"]
        return conversation in {item["id"] for item in items}

    assert found(client, "signing AURORA 강남구")
    assert not found(client, "2027")
    assert found(company.owner, "2027")
    assert not found(company.owner, "2027 penguin")
    assert not found(company.owner, "%")
