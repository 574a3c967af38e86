"""Questions that nothing answered: filed by who asked, put together with like ones, and given to who knows."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from assistant.conversations.service import begin_turn, store_answer
from assistant.review.clustering import Asked, cluster, telling_words
from assistant.schemas import AnswerAbout, ChatRequest
from assistant.types import Confidence, Part
from core_api.auth.subject import Subject
from core_api.models import SystemRole
from retrieval.embedding.base import Embedder
from tests.assistant.conftest import Company
from tests.assistant.test_sharing import person
from tests.factories import bearer, make_user

Ask = Callable[..., dict[str, Any]]
API = "/api/v1/assistant"

QUESTIONS = [
    ("How many vacation days do I get per year?", "vacation"),
    ("주차 요금은 얼마인가요?", "주차"),
    ("How many sick days are there?", "sick"),
    ("What is the annual vacation allowance?", "vacation"),
    ("출장비는 누가 승인하나요?", "출장비"),
    ("주차 요금이 얼마나 되나요?", "주차"),
    ("Are dogs allowed in the office?", "dogs"),
    ("연차는 누가 승인하나요?", "연차"),
    ("출장비 승인은 누가 합니까?", "출장비"),
    ("Can I bring my dog to the office?", "dogs"),
    ("Is there parking at the office?", "parking"),
]


def test_like_questions_are_put_together_by_meaning_or_by_words(embedder: Embedder) -> None:
    asked = []
    for text, _ in QUESTIONS:
        vector = embedder.embed_queries([text])[0] if text.isascii() else None
        asked.append(Asked(telling_words(text), vector))
    rarity = dict.fromkeys((word for one in asked for word in one.words), 3.0)
    found = [{QUESTIONS[place][1] for place in places} for places in cluster(asked, rarity)]
    assert found == [{topic} for topic in dict.fromkeys(topic for _, topic in QUESTIONS)]


def unanswered(company: Company, asker: Subject, question: str) -> tuple[str, str]:
    """The ids of a question and of the answer that nothing was found."""
    about = AnswerAbout(confidence=Confidence.NONE, abstained=True, model="extractive")
    with company.database.transaction() as session:
        begun = begin_turn(session, asker, ChatRequest(message=question))
        parts = [Part("I could not find this.")]
        answer = store_answer(session, asker, begun, parts=parts, citations=[], about=about)
    return begun.question_id, answer


def test_a_filed_question_reaches_reviewers_with_who_knows(company: Company) -> None:
    manager, _ = person(company, "Manager", SystemRole.MANAGER)
    people = [make_user(company.database, name) for name in ("Ann", "Bob")]
    ann, bob = (TestClient(company.app, headers=bearer(company.database, subject)) for subject in people)
    ann_id = people[0].user_id
    question, answer = unanswered(company, people[0], "What is overtime paid on Sundays?")
    _, same = unanswered(company, people[1], "How is overtime on Sundays paid?")
    assert "Sundays" not in manager.get(f"{API}/review/gaps").text

    filed = ann.post(f"{API}/gaps", json={"message_id": answer})
    assert (filed.status_code, filed.json()["filed_by"]["id"]) == (201, ann_id)
    # Once, by the answer or by the question; and nobody files for somebody else.
    again = ann.post(f"{API}/gaps", json={"message_id": question})
    assert again.json()["id"] == filed.json()["id"]
    assert bob.post(f"{API}/gaps", json={"message_id": answer}).status_code == 404
    assert bob.post(f"{API}/gaps", json={"message_id": same}).status_code == 201

    (found,) = manager.get(f"{API}/review/gaps").json()["items"]
    assert (found["count"], found["question"]) == (2, "What is overtime paid on Sundays?")
    assert {one["filed_by"]["name"] for one in found["examples"]} == {"Ann", "Bob"}
    assert found["expert"]["documents"][0]["title"] == "Overtime"
    assert ann.get(f"{API}/review/gaps").status_code == 403

    path = f"{API}/review/gaps/{found['examples'][1]['id']}"
    assert manager.patch(path, json={"status": "closed"}).json() == {"status": "closed", "count": 2}
    assert manager.get(f"{API}/review/gaps").json()["items"] == []
    assert manager.get(f"{API}/review/gaps", params={"status": "closed"}).json()["items"][0]["count"] == 2
    assert manager.patch(path, json={"status": "open"}).json()["count"] == 2
    assert manager.patch(path, json={"status": "closed"}).json()["count"] == 2


def test_what_was_answered_is_no_gap(company: Company, ask: Ask) -> None:
    answer = ask("Who approves overtime?")
    response = company.owner.post(f"{API}/gaps", json={"message_id": answer["message_id"]})
    assert (response.status_code, response.json()["code"]) == (409, "was_answered")


@pytest.mark.parametrize("cursor", ["x", "1.x", "99999999999.0", "\u0661.019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5a"])
def test_a_cursor_that_nobody_gave_out_is_refused(company: Company, cursor: str) -> None:
    assert company.owner.get(f"{API}/review/gaps", params={"cursor": cursor}).status_code == 422
