"""Conversations belong to one person, and their proofs are checked each time that they are shown."""

from collections.abc import Callable
from typing import Any

from tests.assistant.conftest import Company

Ask = Callable[..., dict[str, Any]]
CONVERSATIONS = "/api/v1/assistant/conversations"


def test_a_conversation_keeps_both_sides_under_its_first_question(company: Company, ask: Ask) -> None:
    first = ask("Who approves overtime?")
    identifier = first["conversation_id"]
    ask("How do I record overtime?", conversation_id=identifier)
    kept = company.owner.get(f"{CONVERSATIONS}/{identifier}").json()
    assert kept["title"] == "Who approves overtime?"
    assert [message["role"] for message in kept["messages"]] == ["user", "assistant", "user", "assistant"]
    assert kept["messages"][1]["content"] == first["answer"]
    assert kept["messages"][1]["answer"]["confidence"] == first["confidence"]
    assert kept["messages"][1]["citations"] == first["citations"]
    listed = company.owner.get(CONVERSATIONS).json()["items"]
    assert listed[0]["id"] == identifier


def test_a_long_first_question_makes_a_short_title(company: Company, ask: Ask) -> None:
    reply = ask("Who approves overtime " + "and who else does it " * 20 + "?")
    title = company.owner.get(f"{CONVERSATIONS}/{reply['conversation_id']}").json()["title"]
    assert len(title) <= 80
    assert title.endswith("…")


def test_nobody_else_sees_continues_or_deletes_it(company: Company, ask: Ask) -> None:
    identifier = ask("Who approves overtime?")["conversation_id"]
    assert company.colleague.get(f"{CONVERSATIONS}/{identifier}").status_code == 404
    assert company.colleague.delete(f"{CONVERSATIONS}/{identifier}").status_code == 404
    body = {"message": "And then?", "conversation_id": identifier}
    assert company.colleague.post("/api/v1/assistant/chat", json=body).status_code == 404
    assert identifier not in str(company.colleague.get(CONVERSATIONS).json())
    assert company.owner.get(f"{CONVERSATIONS}/{identifier}").status_code == 200


def test_a_deleted_conversation_is_gone(company: Company, ask: Ask) -> None:
    identifier = ask("Who approves overtime?")["conversation_id"]
    assert company.owner.delete(f"{CONVERSATIONS}/{identifier}").status_code == 204
    assert company.owner.get(f"{CONVERSATIONS}/{identifier}").status_code == 404
    assert company.owner.delete(f"{CONVERSATIONS}/{identifier}").status_code == 404


def test_conversations_are_listed_in_pages(company: Company, ask: Ask) -> None:
    made = {ask("Who approves overtime?")["conversation_id"] for _ in range(3)}
    found: list[str] = []
    cursor = None
    while True:
        page = company.owner.get(CONVERSATIONS, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert made <= set(found)
    assert len(found) == len(set(found))


def _shown(company: Company, identifier: str) -> dict[str, Any]:
    message: dict[str, Any] = company.owner.get(f"{CONVERSATIONS}/{identifier}").json()["messages"][1]
    return message


def test_a_citation_stays_verified_only_while_its_source_says_so(company: Company, ask: Ask) -> None:
    document = company.write(
        company.company_space, "Mascot", "The mascot of the company is a purple octopus named Otto."
    )
    company.settle()
    identifier = ask("What is the mascot of the company?")["conversation_id"]
    assert _shown(company, identifier)["citations"][0]["verified"]

    company.owner.patch(f"/api/v1/documents/{document}", json={"text": "The mascot is a purple octopus named Otto. "
                        "The mascot of the company is a purple octopus named Otto."})  # fmt: skip
    company.settle()
    assert _shown(company, identifier)["citations"][0]["verified"]

    company.owner.patch(f"/api/v1/documents/{document}", json={"text": "The mascot is now a green heron."})
    company.settle()
    citation = _shown(company, identifier)["citations"][0]
    assert not citation["verified"]
    assert "octopus" in citation["quote"]


def test_what_is_deleted_is_not_shown_in_old_answers(company: Company, ask: Ask) -> None:
    document = company.write(company.company_space, "Canteen", "The canteen of the tower serves ramen on Thursdays.")
    company.settle()
    identifier = ask("When does the canteen of the tower serve ramen?")["conversation_id"]
    assert "Thursdays" in _shown(company, identifier)["content"]
    company.owner.delete(f"/api/v1/documents/{document}")
    message = _shown(company, identifier)
    assert "Thursdays" not in str(message)
    assert "no longer read its source" in message["content"]
    assert not any(citation["verified"] or citation["readable"] for citation in message["citations"])


def test_what_was_moved_out_of_reach_is_not_shown_nor_used_again(company: Company) -> None:
    document = company.write(company.company_space, "Vault", "The vault of the archive opens with the code 4711.")
    company.settle()
    question = {"message": "What code opens the vault of the archive?"}
    reply = company.colleague.post("/api/v1/assistant/chat", json=question).json()
    assert "4711" in reply["answer"]
    company.owner.patch(f"/api/v1/documents/{document}", json={"space_id": company.secret_space})
    shown = company.colleague.get(f"{CONVERSATIONS}/{reply['conversation_id']}").json()
    assert "4711" not in str(shown)
    assert "Vault" not in str(shown["messages"][1])
