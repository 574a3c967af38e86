"""Asking the assistant: answers in the sources' words, each with its proof, or an honest no."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.assistant.conftest import Company, server_sent_events

Ask = Callable[..., dict[str, Any]]


def text_of(company: Company, citation: dict[str, Any]) -> str:
    document, version = citation["source"]["id"], citation["source"]["version"]
    response = company.owner.get(f"/api/v1/documents/{document}/text", params={"version": version})
    text: str = response.json()["text"]
    return text


@pytest.mark.parametrize(
    ("question", "expected", "title"),
    [
        ("How do I request leave?", "fill in the absence form in HR Links", "Leave"),
        ("Who approves overtime?", "Mary Jones", "Overtime"),
        ("How long is parental leave?", "12 weeks", "Leave"),
        ("What is overtime?", "work of more than 40 hours", "Overtime"),
        ("사무실은 어디에 있나요?", "강남구 테헤란로 12", "사무실 안내"),
        ("주차는 몇 시간까지 무료인가요?", "두 시간까지", "사무실 안내"),
    ],
)
def test_an_answer_quotes_what_answers_and_proves_it(
    company: Company, ask: Ask, question: str, expected: str, title: str
) -> None:
    reply = ask(question)
    assert expected in reply["answer"]
    assert not reply["abstained"]
    assert reply["confidence"] in ("high", "medium")
    assert reply["support"] >= 0.5
    assert reply["model"] == "extractive"
    assert reply["nearest"] == []
    assert [citation["marker"] for citation in reply["citations"]] == list(range(1, len(reply["citations"]) + 1))
    assert title in {citation["source"]["title"] for citation in reply["citations"]}
    for citation in reply["citations"]:
        assert f"[{citation['marker']}]" in reply["answer"]
        assert text_of(company, citation)[citation["start"] : citation["end"]] == citation["quote"]
        assert hashlib.sha256(citation["quote"].encode()).hexdigest() == citation["sha256"]
        assert citation["verified"]


def test_the_best_sentence_comes_first_and_at_most_three_are_shown(ask: Ask) -> None:
    reply = ask("How long is parental leave?")
    assert "12 weeks" in reply["answer"].split("[1]")[0]
    assert len(reply["citations"]) <= 3


def test_steps_are_kept_together_and_shown_without_markup(ask: Ask) -> None:
    reply = ask("How do I record overtime?")
    assert (
        "1. Open the time tool at tock.\n2. Choose the overtime project.\n3. Enter the hours and save."
        in reply["answer"]
    )
    assert "**" not in reply["answer"]
    assert "](" not in reply["answer"]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("What is the capital of Mongolia?", "I could not find this"),
        ("How do I bake sourdough bread?", "I could not find this"),
        ("비트코인 가격은 얼마인가요?", "찾지 못했습니다"),
    ],
)
def test_what_no_source_supports_is_not_answered(ask: Ask, question: str, says: str) -> None:
    reply = ask(question)
    assert reply["abstained"]
    assert reply["confidence"] == "none"
    assert says in reply["answer"]
    assert reply["citations"] == []


def test_an_abstention_shows_the_nearest_sources(ask: Ask) -> None:
    reply = ask("Who approves the merger of penguins with overtime submarines in Mongolia?")
    assert reply["abstained"]
    assert reply["nearest"]
    assert {"chunk_id", "source", "text", "score"} <= reply["nearest"][0].keys()


def test_follow_ups_are_understood_from_the_conversation(ask: Ask) -> None:
    first = ask("How do I request leave?")
    second = ask("And for contractors?", conversation_id=first["conversation_id"])
    assert second["conversation_id"] == first["conversation_id"]
    assert "Contractors request leave from their own company" in second["answer"]
    third = ask("Who approves it?", conversation_id=ask("What is overtime?")["conversation_id"])
    assert "Mary Jones" in third["answer"]


def test_nobody_is_answered_from_what_they_may_not_read(company: Company, ask: Ask) -> None:
    question = "What is Project Aurora?"
    assert "merger with Bluebird Logistics" in ask(question)["answer"]
    reply = ask(question, by=company.colleague)
    assert reply["abstained"]
    assert "Bluebird" not in str(reply)
    reply = ask(question, by=company.colleague, space_ids=[company.secret_space])
    assert reply["abstained"]
    assert reply["nearest"] == []


def test_space_ids_restrict_where_the_assistant_looks(company: Company, ask: Ask) -> None:
    assert ask("Who approves overtime?", space_ids=[company.secret_space])["abstained"]
    assert not ask("Who approves overtime?", space_ids=[company.company_space])["abstained"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"message": "  \n "}, 422),
        ({"message": "x" * 4001}, 422),
        ({}, 422),
        ({"message": "Hello?", "conversation_id": "nonsense"}, 404),
        ({"message": "Hello?", "surprise": 1}, 422),
    ],
)
def test_bad_requests_are_refused_in_words(company: Company, body: dict[str, Any], status: int) -> None:
    for stream in (False, True):
        response = company.owner.post("/api/v1/assistant/chat", json=body | {"stream": stream})
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["detail"]


def test_a_stranger_is_not_answered(company: Company) -> None:
    response = company.owner.post(
        "/api/v1/assistant/chat", json={"message": "Hello?"}, headers={"Authorization": "Bearer wrong"}
    )
    assert response.status_code == 401


def test_a_stream_tells_the_steps_and_ends_with_the_answer(company: Company) -> None:
    body = {"message": "Who approves overtime?", "stream": True}
    with company.owner.stream("POST", "/api/v1/assistant/chat", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = server_sent_events(response.read().decode())
    names = [name for name, _ in events]
    assert names[0] == "conversation"
    assert names[-1] == "answer"
    steps = [(data["state"], data["detail"]) for name, data in events if name == "step"]
    assert steps[0] == ("running", "Who approves overtime?")
    assert steps[-1][0] == "done"
    answer = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "delta") == answer["answer"]
    assert answer["conversation_id"] == events[0][1]["conversation_id"]
    assert all(citation["verified"] for citation in answer["citations"])


def test_an_abstention_streams_too(company: Company) -> None:
    body = {"message": "비트코인 가격은 얼마인가요?", "stream": True}
    with company.owner.stream("POST", "/api/v1/assistant/chat", json=body) as response:
        events = server_sent_events(response.read().decode())
    assert events[-1][1]["abstained"]
    assert "".join(data["text"] for name, data in events if name == "delta") == events[-1][1]["answer"]
