"""What the assistant can do beside answering from passages, with the embedded model: the wording says which tool."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.assistant.conftest import Company
from tests.factories import bearer, make_user

Ask = Callable[..., dict[str, Any]]


def conversation(company: Company, answer: dict[str, Any]) -> dict[str, Any]:
    response = company.owner.get(f"/api/v1/assistant/conversations/{answer['conversation_id']}")
    found: dict[str, Any] = response.json()
    return found


def test_a_document_is_summed_up_in_a_conversation(company: Company, ask: Ask) -> None:
    answer = ask("Summarise Leave")
    assert "**Requesting leave**" in answer["answer"]
    assert "To request leave, fill in the absence form in HR Links. [1]" in answer["answer"]
    assert answer["citations"]
    assert all(citation["verified"] for citation in answer["citations"])
    assert not answer["abstained"]
    again = ask("summarise this", conversation_id=answer["conversation_id"])
    assert again["answer"] == answer["answer"]
    assert conversation(company, answer)["messages"][1]["content"] == answer["answer"]


def test_a_korean_order_is_understood(ask: Ask) -> None:
    answer = ask("사무실 안내 요약해 줘")
    assert "강남구 테헤란로 12" in answer["answer"]


def test_what_was_no_order_is_searched_for(ask: Ask) -> None:
    answer = ask("Open the time tool")  # a step of the document about overtime, and no document
    assert any("time tool" in citation["quote"] for citation in answer["citations"])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Who knows about parental leave?", "](/documents/"),
        ("누가 주차를 잘 아나요?", "사무실 안내"),
        ("Show me all documents about overtime", "[Overtime]"),
        ("List my teams", "Board"),
        ("Find documents related to parental leave", "Related documents:"),
        ("What is new in Board this week?", "Bluebird"),
        ("Open Project Aurora", "merger with Bluebird"),
    ],
)
def test_each_tool_tells_what_it_finds(ask: Ask, message: str, expected: str) -> None:
    answer = ask(message)
    assert not answer["abstained"]
    assert expected in answer["answer"]
    # How probable it is that a list is right nobody has fitted.
    assert (answer["confidence"], answer["support"]) == (None, None)


@pytest.mark.parametrize(
    "message",
    [
        "Who knows about the merger with Bluebird Logistics?",
        "Summarise Project Aurora",
        "What is new in Board this week?",
        "Open Project Aurora",
        "Find documents similar to Project Aurora",
        "Show me all documents about the merger",
        "Who is in the Board team?",
        "List my spaces",
        "List my teams",
    ],
)
def test_no_tool_tells_of_what_the_asker_may_not_read(company: Company, ask: Ask, message: str) -> None:
    answer = ask(message, by=company.colleague)
    said = {key: value for key, value in answer.items() if key not in ("conversation_id", "message_id")}
    for secret in ("Bluebird Logistics.", "planned merger", company.documents["Project Aurora"], company.secret_space):
        assert secret not in str(said)
    if "Board" not in message:
        assert "Board" not in str(said)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("Open Overtime", "outside what you chose"),
        ("Summarise Overtime", "outside what you chose"),
        ("Overtime 문서를 요약해 줘", "선택하신 범위 밖"),
        ("Find documents similar to Overtime", "outside what you chose"),
        ("What is new in Board this week?", "outside what you chose"),
        ("Show me all documents in the Board space", "outside what you chose"),
    ],
)
def test_what_lies_outside_the_scope_is_said_to_do_so(company: Company, ask: Ask, message: str, says: str) -> None:
    space = {"space_ids": [company.company_space]}
    scope = space if "Board" in message else space | {"document_ids": [company.documents["Leave"]]}
    answer = ask(message, **scope)
    assert says in answer["answer"]
    assert answer["citations"] == []
    assert says not in ask(message)["answer"]


@pytest.mark.parametrize(
    "message",
    [
        "Show me all documents",
        "Show me all documents about overtime",
        "Find documents similar to Leave",
        "Find documents related to overtime",
        "Who knows about overtime?",
        "Summarise what we know about overtime",
        "What is new in Company this week?",
        "Open Overtime",
    ],
)
def test_no_tool_tells_of_what_lies_outside_the_scope(company: Company, ask: Ask, message: str) -> None:
    only_leave = {"document_ids": [company.documents["Leave"]]}
    for scope in (only_leave, {"as_of": "2020-01-01"}, {"kinds": ["message"]}, {"space_ids": [company.secret_space]}):
        answer = ask(message, **scope)
        allowed = {"Leave"} if scope is only_leave else {"Project Aurora"} if "space_ids" in scope else set()
        assert {citation["source"]["title"] for citation in answer["citations"]} <= allowed, (scope, answer["answer"])
        assert company.documents["Overtime"] not in answer["answer"]


def test_of_two_documents_of_a_name_the_one_inside_the_scope_is_meant(company: Company, ask: Ask) -> None:
    inside = company.write(company.secret_space, "Overtime of the board", "# Overtime\n\nThe board works until noon.")
    company.settle()
    try:
        answer = ask("Open Overtime", space_ids=[company.secret_space])
        assert {citation["source"]["id"] for citation in answer["citations"]} == {inside}
    finally:
        company.owner.delete(f"/api/v1/documents/{inside}")
        company.settle()


def test_what_is_proposed_to_ask_next_can_be_answered(ask: Ask) -> None:
    answer = ask("How do I request leave?")
    assert 1 <= len(answer["suggestions"]) <= 3
    assert all("equest" not in suggestion for suggestion in answer["suggestions"])
    for suggestion in answer["suggestions"]:
        assert not ask(suggestion)["abstained"]


def test_korean_suggestions_read_as_korean(ask: Ask) -> None:
    assert ask("사무실은 어디에 있나요?")["suggestions"] == ["주차에 대해 알려 주세요."]


def test_who_could_be_asked_where_nothing_answers(company: Company, ask: Ask) -> None:
    answer = ask("What did Bluebird say of parental leave in Mongolia, wages and salsa lessons?", by=company.colleague)
    if answer["abstained"]:
        titles = {document["title"] for expert in answer["experts"] for document in expert["documents"]}
        assert titles <= {"Leave", "Overtime", "사무실 안내"}
    recommended = company.colleague.post("/api/v1/assistant/recommend", json={"question": "parental leave"}).json()
    assert recommended["people"][0]["documents"][0]["title"] == "Leave"


def test_recommendations_hold_to_what_one_may_read(company: Company, ask: Ask) -> None:
    def recommend(client: Any, **body: Any) -> Any:
        return client.post("/api/v1/assistant/recommend", json=body)

    ask("When is the signing of the merger with Bluebird?")
    mine = recommend(company.owner, question="When will the Bluebird merger be signed?").json()
    assert mine["documents"][0]["title"] == "Project Aurora"
    assert mine["questions"][0]["text"] == "When is the signing of the merger with Bluebird?"
    newcomer = TestClient(company.app, headers=bearer(company.database, make_user(company.database, "Newcomer")))
    others = recommend(newcomer, question="When will the Bluebird merger be signed?").json()
    assert "Aurora" not in str(others)
    assert others["questions"] == []
    related = recommend(company.owner, document_id=company.documents["Leave"])
    assert company.documents["Leave"] not in [document["id"] for document in related.json()["documents"]]
    assert related.json()["people"]
    assert recommend(company.colleague, document_id=company.documents["Project Aurora"]).status_code == 404
    assert recommend(company.owner).status_code == 422
