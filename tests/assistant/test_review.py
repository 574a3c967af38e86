"""What people say about answers reaches the reviewers, only that, and becomes tests and gaps."""

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

from core_api.domains.users.service import ensure_owner
from core_api.models import SystemRole
from evals import own_data
from tests.assistant.conftest import Company
from tests.assistant.test_sharing import person

Ask = Callable[..., dict[str, Any]]
API = "/api/v1/assistant"


def feedback(client: TestClient, message_id: str, **said: Any) -> dict[str, Any]:
    response = client.put(f"{API}/messages/{message_id}/feedback", json=said)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_feedback_shows_an_answer_to_reviewers_and_only_that(company: Company, ask: Ask) -> None:
    manager, _ = person(company, "Manager", SystemRole.MANAGER)
    client, _ = person(company, "Asker")
    conversation = ask("How do I request leave?", by=client)["conversation_id"]
    answer = ask("Who approves overtime?", by=client, conversation_id=conversation)

    def reviewed(**filters: Any) -> list[dict[str, Any]]:
        response = manager.get(f"{API}/review/answers", params=filters)
        assert response.status_code == 200, response.text
        return [item for item in response.json()["items"] if item["id"] == answer["message_id"]]

    assert reviewed() == []
    feedback(client, answer["message_id"], helpful=False, reason="incomplete", comment="Who else?")
    (item,) = reviewed(helpful=False, reason="incomplete", state="new")
    assert item["question"] == "Who approves overtime?"
    assert "Mary Jones" in item["answer"]["content"]
    assert item["feedback"]["comment"] == "Who else?"
    assert "request leave" not in str(item)
    assert "Asker" not in str(item)
    assert reviewed(helpful=True) == reviewed(reason="wrong") == reviewed(state="golden") == []
    assert client.get(f"{API}/review/answers").status_code == 403

    shown = client.get(f"{API}/conversations/{conversation}").json()["messages"][3]
    assert shown["feedback"]["reason"] == "incomplete"
    assert client.delete(f"{API}/messages/{answer['message_id']}/feedback").status_code == 204
    assert reviewed() == []


def test_a_reviewer_reads_no_more_of_an_answer_than_its_sources_allow(company: Company, ask: Ask) -> None:
    answer = ask("When is the signing of Project Aurora?")
    feedback(company.owner, answer["message_id"], helpful=True)
    manager, _ = person(company, "Manager", SystemRole.MANAGER)
    items = manager.get(f"{API}/review/answers", params={"limit": 200}).json()["items"]
    (item,) = [item for item in items if item["id"] == answer["message_id"]]
    assert "14 March" not in str(item)
    # Nor can they make a test of documents that they may not read.
    document = company.documents["Project Aurora"]
    for body in ({"verdict": "golden", "document_ids": [document]}, {"verdict": "golden"}):
        response = manager.post(f"{API}/review/answers/{answer['message_id']}", json=body)
        assert response.status_code in (404, 422), response.text


def test_only_ones_own_answers_take_feedback(company: Company, ask: Ask) -> None:
    answer = ask("Who approves overtime?")
    said = {"helpful": True}
    assert company.colleague.put(f"{API}/messages/{answer['message_id']}/feedback", json=said).status_code == 404
    assert company.owner.put(f"{API}/messages/{answer['question_id']}/feedback", json=said).status_code == 404
    both = {"helpful": True, "reason": "wrong"}
    assert company.owner.put(f"{API}/messages/{answer['message_id']}/feedback", json=both).status_code == 422


def test_a_golden_answer_is_a_question_of_the_golden_set(company: Company, ask: Ask) -> None:
    bad = ask("Who approves overtime?")
    feedback(company.owner, bad["message_id"], helpful=False, reason="wrong")
    body = {"verdict": "golden", "question": "Who signs off overtime?", "document_ids": [company.documents["Overtime"]]}
    response = company.owner.post(f"{API}/review/answers/{bad['message_id']}", json=body)
    assert (response.status_code, response.json()["state"]) == (200, "golden"), response.text
    good = ask("How long is parental leave?")
    feedback(company.owner, good["message_id"], helpful=True)

    def built() -> dict[str, tuple[str, tuple[str, ...]]]:
        with company.database.transaction() as session:
            made = own_data.build(session, ensure_owner(session)[0])
        return {one.query: (one.origin, one.relevant) for one in made}

    golden = built()
    assert golden["Who signs off overtime?"] == ("review", (f"document:{company.documents['Overtime']}",))
    assert golden["How long is parental leave?"] == ("helpful", (f"document:{company.documents['Leave']}",))

    company.owner.post(f"{API}/review/answers/{bad['message_id']}", json={"verdict": "dismissed"})
    company.owner.post(f"{API}/review/answers/{good['message_id']}", json={"verdict": "dismissed"})
    assert not {"Who signs off overtime?", "How long is parental leave?"} & set(built())
    events = company.owner.get("/api/v1/audit", params={"target_id": bad["message_id"]}).json()["items"]
    assert [event["details"]["verdict"] for event in events] == ["dismissed", "golden"]
