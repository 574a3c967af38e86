"""Who could be asked where nothing answers, and asking them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select

from assistant.review import asking
from core_api.auth.api_keys import create_api_key
from core_api.auth.permissions import Scope
from core_api.models import AuditEvent, Document, GapRequest, KnowledgeGap, MailMessage, User, utcnow
from tests.assistant.conftest import Company, client_with
from tests.assistant.llm_server import Calls, Says, llm_endpoint
from tests.assistant.test_llm import CHAT
from tests.assistant.test_sharing import person
from tests.factories import bearer, make_user

QUESTION = "Who approves overtime?"
LANTERNS = "How many lanterns hang in the yard at night?"
GAPS = "/api/v1/assistant/gaps"


@pytest.fixture
def abstaining(company: Company) -> Iterator[TestClient]:
    """The colleague's client of a server whose model searches, and says that it found nothing."""
    with llm_endpoint() as endpoint:
        endpoint.script = lambda messages: Calls([QUESTION]) if messages[-1]["role"] == "user" else Says("NOT_FOUND")
        client = client_with(company, llm_base_url=endpoint.url, llm_model="tiny")
        client.headers = company.colleague.headers
        yield client


def unanswered(client: TestClient, question: str = QUESTION, **scope: Any) -> dict[str, Any]:
    """An answer that abstains."""
    response = client.post(CHAT, json={"message": question, **scope})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert answer["abstained"]
    return answer


@pytest.mark.parametrize("where", ["space", "document", "kind", "day"])
def test_the_people_named_have_written_about_it_within_the_scope_of_the_question(
    company: Company, abstaining: TestClient, where: str
) -> None:
    [expert] = unanswered(abstaining)["experts"]
    assert [document["title"] for document in expert["documents"]] == ["Overtime"]
    elsewhere = {
        "space": {"space_ids": [company.secret_space]},
        "document": {"document_ids": [company.documents["Leave"]]},
        "kind": {"kinds": ["message"]},
        "day": {"as_of": "2020-01-01"},
    }
    assert unanswered(abstaining, **elsewhere[where])["experts"] == []
    inside = {
        "space": {"space_ids": [company.company_space]},
        "document": {"document_ids": [company.documents["Overtime"]]},
        "kind": {"kinds": ["document"]},
        "day": {"as_of": "2999-01-01"},
    }
    assert unanswered(abstaining, **inside[where])["experts"] == [expert]


def gaps(client: TestClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(GAPS).json()["items"]
    return items


@pytest.fixture
def expert(company: Company) -> Iterator[tuple[TestClient, str]]:
    """Somebody with a confirmed address who has written about lanterns, and their id."""
    subject = make_user(company.database, "Ida")
    with company.database.transaction() as session:
        session.get_one(User, subject.user_id).email = f"{subject.user_id}@lantern.example"
        session.get_one(User, subject.user_id).email_verified_at = utcnow()
    client = TestClient(company.app, headers=bearer(company.database, subject))
    member = f"/api/v1/spaces/{company.company_space}/members/{subject.user_id}"
    assert company.owner.put(member, json={"role": "editor"}).is_success
    body = {"space_id": company.company_space, "title": "Lanterns", "text": "# Lanterns\n\nLanterns hang in the yard."}
    document = client.post("/api/v1/documents", json=body)
    assert document.status_code == 201, document.text
    company.settle()
    yield client, subject.user_id
    with company.database.transaction() as session:
        session.execute(delete(KnowledgeGap).where(KnowledgeGap.question == LANTERNS))
        session.get_one(Document, document.json()["id"]).deleted_at = utcnow()
    company.settle()


def test_a_person_whom_the_answer_names_is_told_of_the_question_and_closes_it(
    company: Company, abstaining: TestClient, expert: tuple[TestClient, str]
) -> None:
    ida, ida_id = expert
    answer = unanswered(abstaining, LANTERNS)
    assert ida_id in [one["user_id"] for one in answer["experts"]]
    body = {"message_id": answer["message_id"], "user_id": ida_id}
    asked = company.colleague.post(GAPS, json=body)
    assert (asked.status_code, asked.json()["question"]) == (201, LANTERNS)
    assert company.colleague.post(GAPS, json=body).json()["id"] == asked.json()["id"]  # again: the same, told once

    (told,) = gaps(ida)
    assert told.pop("asked_at")
    assert told == {"id": asked.json()["id"], "question": LANTERNS, "asked_by": "Colleague", "status": "open"}
    with company.database.reading() as session:
        mails = session.scalars(select(MailMessage).where(MailMessage.recipient.contains(ida_id))).all()
        events = session.scalars(select(AuditEvent).where(AuditEvent.target_id == told["id"]).order_by(AuditEvent.id))
        assert [(event.action, event.details) for event in events] == [
            ("gap.filed", {}),
            ("gap.asked", {"user_id": ida_id}),
        ]
    [message] = mails
    assert message.subject == "Colleague asks you a question"
    written = company.app.state.vault.decrypt(message.body_encrypted)
    assert f"“{LANTERNS}”" in written
    assert "Overtime" not in written

    def status() -> str:
        conversation = company.colleague.get(f"/api/v1/assistant/conversations/{answer['conversation_id']}").json()
        people = conversation["messages"][-1]["answer"]["experts"]
        asked: str = next(one["asked"] for one in people if one["user_id"] == ida_id)
        return asked

    assert status() == "open"
    for given in ("declined", "open", "closed"):
        changed = ida.patch(f"{GAPS}/{told['id']}", json={"status": given})
        assert changed.json()["status"] == status() == given
        assert bool(gaps(ida)) == (given == "open")
    closed = company.owner.get("/api/v1/assistant/review/gaps", params={"status": "closed"}).json()["items"]
    assert told["id"] in [one["id"] for one in closed]
    again = company.colleague.post(GAPS, json=body)
    assert (again.status_code, again.json()["code"]) == (409, "was_answered")


def test_nobody_is_asked_whom_the_answer_does_not_name_or_by_somebody_else(
    company: Company, abstaining: TestClient, expert: tuple[TestClient, str]
) -> None:
    ida, ida_id = expert
    answer = unanswered(abstaining, LANTERNS)
    stranger, stranger_id = person(company, "Stranger")

    def ask(client: TestClient, user_id: str) -> int:
        return client.post(GAPS, json={"message_id": answer["message_id"], "user_id": user_id}).status_code

    me = company.colleague.get("/api/v1/users/me").json()["id"]
    assert [ask(company.colleague, one) for one in (stranger_id, me, "nobody")] == [404] * 3
    assert ask(stranger, ida_id) == 404
    with company.database.transaction() as session:
        _, key = create_api_key(session, me, "reads", [Scope.READ], timedelta(hours=1))
    assert ask(TestClient(company.app, headers={"Authorization": f"Bearer {key}"}), ida_id) == 403
    # One who may not read what shows that she knows is not told that she does.
    [lanterns] = [one for one in ida.get("/api/v1/documents").json()["items"] if one["title"] == "Lanterns"]
    with company.database.transaction() as session:
        session.get_one(Document, lanterns["id"]).space_id = company.secret_space
    assert ask(company.colleague, ida_id) == 404
    assert LANTERNS not in company.owner.get("/api/v1/assistant/review/gaps").text
    assert gaps(ida) == gaps(stranger) == []


def test_what_was_asked_of_one_is_nobody_elses_to_see_or_close(
    company: Company, abstaining: TestClient, expert: tuple[TestClient, str]
) -> None:
    _, ida_id = expert
    answer = unanswered(abstaining, LANTERNS)
    body = {"message_id": answer["message_id"], "user_id": ida_id}
    gap = company.colleague.post(GAPS, json=body).json()["id"]
    stranger, _ = person(company, "Stranger")
    for other in (stranger, company.colleague, company.owner):
        assert gaps(other) == []
        assert other.patch(f"{GAPS}/{gap}", json={"status": "closed"}).status_code == 404
    assert company.owner.patch(f"/api/v1/assistant/review/gaps/{gap}", json={"status": "closed"}).json()["count"] == 1


def test_who_asks_very_often_waits(
    company: Company, abstaining: TestClient, expert: tuple[TestClient, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_ASKS_LIMIT", "1/day")
    _, ida_id = expert
    asker, _ = person(company, "Eager")
    abstaining.headers = asker.headers
    first, second = (unanswered(abstaining, LANTERNS)["message_id"] for _ in range(2))
    answers = [asker.post(GAPS, json={"message_id": one, "user_id": ida_id}) for one in (first, first, second)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert "Retry-After" in answers[-1].headers


def test_with_the_person_asked_goes_what_they_were_asked(
    company: Company, abstaining: TestClient, expert: tuple[TestClient, str]
) -> None:
    _, ida_id = expert
    answer = unanswered(abstaining, LANTERNS)
    assert company.colleague.post(GAPS, json={"message_id": answer["message_id"], "user_id": ida_id}).is_success
    gone = company.owner.request("DELETE", f"/api/v1/users/{ida_id}", json={"attribution": "former member"})
    assert gone.status_code == 204, gone.text
    with company.database.reading() as session:
        assert session.scalars(select(GapRequest).where(GapRequest.user_id == ida_id)).all() == []
        assert session.scalars(select(MailMessage).where(MailMessage.recipient.contains(ida_id))).all() == []
    assert company.colleague.post(GAPS, json={"message_id": answer["message_id"], "user_id": ida_id}).status_code == 404
