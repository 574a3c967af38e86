"""Conversations belong to one person, and their proofs are checked each time that they are shown."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from assistant.agent.agent import Agent
from assistant.chat.exchange import Exchange, answer, begin
from assistant.conversations.retention import ConversationKeeper
from assistant.models.run import Cancelled
from assistant.schemas import ChatRequest
from core_api.domains.users.service import ensure_owner
from core_api.models import Conversation, ConversationMessage, utcnow
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
    [event] = company.owner.get("/api/v1/audit", params={"target_id": identifier}).json()["items"]
    assert (event["action"], event["details"]) == ("conversation.deleted", {}), "not what it was about"


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
    assert citation["status"] == "changed"
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
    assert {citation["status"] for citation in message["citations"]} == {"deleted"}


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
    (citation,) = shown["messages"][1]["citations"]
    assert citation["status"] == "unreadable"
    assert citation["sha256"] == ""
    # Nor is told what becomes of it then.
    company.owner.delete(f"/api/v1/documents/{document}")
    after = company.colleague.get(f"{CONVERSATIONS}/{reply['conversation_id']}").json()["messages"][1]["citations"]
    assert after[0]["status"] == "unreadable"


def test_a_question_is_edited_and_asked_again(company: Company, ask: Ask) -> None:
    first = ask("Who approves overtime?")
    identifier = first["conversation_id"]
    second = ask("How do I request leave?", conversation_id=identifier)
    edited = ask("How long is parental leave?", replaces=second["question_id"])
    assert edited["conversation_id"] == identifier
    kept = company.owner.get(f"{CONVERSATIONS}/{identifier}").json()
    assert [message["id"] for message in kept["messages"]] == [
        *(first["question_id"], first["message_id"], edited["question_id"], edited["message_id"])
    ]
    again = ask("Who approves overtime in writing?", replaces=first["question_id"], conversation_id=identifier)
    kept = company.owner.get(f"{CONVERSATIONS}/{identifier}").json()
    assert [message["id"] for message in kept["messages"]] == [again["question_id"], again["message_id"]]
    assert kept["title"] == "Who approves overtime in writing?"
    for asker, replaces in (
        (company.colleague, again["question_id"]),  # not theirs
        (company.owner, again["message_id"]),  # no question
    ):
        body = {"message": "Who?", "replaces": replaces}
        assert asker.post("/api/v1/assistant/chat", json=body).status_code == 404


def test_what_is_asked_again_stays_until_there_is_an_answer(company: Company, ask: Ask) -> None:
    first = ask("Who approves overtime?")
    identifier = first["conversation_id"]
    second = ask("How do I request leave?", conversation_id=identifier)
    before = [first["question_id"], first["message_id"], second["question_id"], second["message_id"]]
    with company.database.transaction() as session:
        owner, _ = ensure_owner(session)
    agent = Agent(company.settings, company.engine)

    def kept() -> list[str]:
        return [message["id"] for message in company.owner.get(f"{CONVERSATIONS}/{identifier}").json()["messages"]]

    def again(message: str) -> Exchange:
        return begin(agent, company.database, owner, ChatRequest(message=message, replaces=first["question_id"]))

    stopped = again("Who?")
    assert [turn.content for turn in stopped.turns] == ["Who?"]  # what is to go was not said
    stopped.stop.set()
    with pytest.raises(Cancelled):
        answer(stopped)
    assert kept() == before
    assert company.owner.get(f"{CONVERSATIONS}/{identifier}").json()["title"] == "Who approves overtime?"

    one, other = again("Who approves overtime in writing?"), again("How is overtime paid?")
    answer(one)
    last = answer(other)
    assert kept() == [last.question_id, last.message_id]
    assert company.owner.get(f"{CONVERSATIONS}/{identifier}").json()["title"] == "How is overtime paid?"
    one, other = (
        begin(agent, company.database, owner, ChatRequest(message=message, replaces=last.question_id))
        for message in ("Who approves overtime?", "How is overtime recorded?")
    )
    answer(other)
    last = answer(one)
    assert kept() == [last.question_id, last.message_id]


def test_an_answer_that_is_asked_anew_cannot_be_saved_meanwhile(company: Company, ask: Ask) -> None:
    first = ask("Who approves overtime?")
    saved = ask("Save this answer", replaces=first["question_id"])
    assert saved["proposals"] == []


def test_a_scope_stays_until_another_is_said(company: Company, ask: Ask) -> None:
    leave, overtime = company.documents["Leave"], company.documents["Overtime"]
    first = ask("Who approves overtime?", document_ids=[leave])
    identifier = first["conversation_id"]
    assert leave in {near["source"]["id"] for near in first["nearest"]} | {
        c["source"]["id"] for c in first["citations"]
    }
    assert "Mary Jones" not in first["answer"]
    assert "Mary Jones" not in ask("Who approves overtime?", conversation_id=identifier)["answer"]
    assert company.owner.get(f"{CONVERSATIONS}/{identifier}").json()["scope"]["document_ids"] == [leave]
    assert "Mary Jones" in ask("Who approves overtime?", conversation_id=identifier, kinds=["document"])["answer"]
    for nothing in ({"as_of": "2020-01-01"}, {"kinds": ["message"]}, {"space_ids": [company.secret_space]}):
        reply = ask("Who approves overtime?", **nothing)
        assert overtime not in str(reply["citations"]) + str(reply["nearest"]), nothing
    assert "Mary Jones" in ask("Who approves overtime?", as_of="2126-01-01")["answer"]


def test_an_abstention_comes_back_with_the_nearest_that_one_may_read(company: Company, ask: Ask) -> None:
    reply = ask("Who approves the merger of penguins with overtime submarines in Mongolia?")
    assert reply["abstained"]
    shown = _shown(company, reply["conversation_id"])["answer"]
    assert shown["abstained"]
    assert shown["nearest"]
    assert {near["chunk_id"] for near in shown["nearest"]} == {near["chunk_id"] for near in reply["nearest"]}
    assert shown["nearest"][0]["excerpt"] == reply["nearest"][0]["excerpt"]


def test_figures_that_nothing_was_fitted_for_are_not_shown_of_older_answers_either(company: Company, ask: Ask) -> None:
    fitted, told = ask("Who approves overtime?"), ask("Summarise Leave")
    with company.database.transaction() as session:
        message = session.get_one(ConversationMessage, told["message_id"])
        message.answer = message.answer | {"support": 1.0, "confidence": "high"}
    assert _shown(company, fitted["conversation_id"])["answer"]["support"] == fitted["support"] is not None
    kept = _shown(company, told["conversation_id"])["answer"]
    assert (kept["confidence"], kept["support"]) == (None, None)


def test_renamed_and_found_by_its_words(company: Company, ask: Ask) -> None:
    identifier = ask("주차는 몇 시간까지 무료인가요?")["conversation_id"]
    renamed = company.owner.patch(f"{CONVERSATIONS}/{identifier}", json={"title": " Parking "})
    assert (renamed.status_code, renamed.json()["title"]) == (200, "Parking")
    for q in ("parking", "주차", "두 시간까지 방문객", "PARK 무료"):
        assert identifier in company.owner.get(CONVERSATIONS, params={"q": q}).text, q
    assert identifier not in company.owner.get(CONVERSATIONS, params={"q": "주차 penguin"}).text
    assert company.owner.patch(f"{CONVERSATIONS}/{identifier}", json={"title": "  "}).status_code == 422


def test_an_export_has_the_citations_and_is_audited(company: Company, ask: Ask) -> None:
    reply = ask("Who approves overtime?")
    path = f"{CONVERSATIONS}/{reply['conversation_id']}/export"
    markdown = company.owner.get(path)
    assert markdown.headers["content-type"].startswith("text/markdown")
    assert "attachment" in markdown.headers["content-disposition"]
    assert "> Who approves overtime?" in markdown.text
    assert reply["citations"][0]["sha256"] in markdown.text
    exported = company.owner.get(path, params={"format": "json"}).json()
    assert exported["messages"][1]["citations"] == reply["citations"]
    assert company.colleague.get(path).status_code == 404
    events = company.owner.get("/api/v1/audit", params={"target_id": reply["conversation_id"]}).json()["items"]
    assert [event["details"]["format"] for event in events] == ["json", "markdown"]


def test_old_conversations_go_only_where_the_settings_say_so(company: Company, ask: Ask) -> None:
    identifier = ask("Who approves overtime?")["conversation_id"]
    later = utcnow() + timedelta(days=31)
    assert ConversationKeeper(company.settings, company.database).delete_old(later) == 0
    settings = company.settings.model_copy(update={"conversation_days": 30})
    with company.database.transaction() as session:
        session.execute(update(Conversation).where(Conversation.id != identifier).values(updated_at=later))
    keeper = ConversationKeeper(settings, company.database)
    assert keeper.delete_old(later - timedelta(days=2)) == 0
    assert keeper.delete_old(later) == 1
    assert company.owner.get(f"{CONVERSATIONS}/{identifier}").status_code == 404
    events = company.owner.get("/api/v1/audit", params={"action": "conversation.expired"}).json()["items"]
    assert [(event["actor_name"], event["details"]) for event in events] == [("system", {"count": 1, "kept_days": 30})]


def test_neither_listing_nor_opening_asks_the_database_for_each(company: Company, ask: Ask) -> None:
    identifier = ask("How do I request leave?")["conversation_id"]

    def queries(path: str) -> int:
        counted: list[str] = []

        def count(*arguments: Any) -> None:
            # Other threads ask too, of other tables.
            if any(
                name in arguments[2] for name in ("conversation", "version_texts", "feedback", "proposals", "member")
            ):
                counted.append(arguments[2])

        event.listen(company.database.engine, "before_cursor_execute", count)
        try:
            assert company.owner.get(path).status_code == 200
        finally:
            event.remove(company.database.engine, "before_cursor_execute", count)
        assert counted
        return len(counted)

    short, listed = queries(f"{CONVERSATIONS}/{identifier}"), queries(f"{CONVERSATIONS}?limit=1")
    for question in ("Who approves overtime?", "How long is parental leave?", "How do I record overtime?"):
        ask(question, conversation_id=identifier)
    assert queries(f"{CONVERSATIONS}/{identifier}") == short
    assert queries(f"{CONVERSATIONS}?limit=200") == listed
