"""What one person has asked, been answered, or may read is never in what a model is told for another."""

import json
from typing import Any

import pytest

from assistant.context import AssistantContext
from tests.assistant.conftest import Company, client_with
from tests.assistant.llm_server import Calls, Reply, Says, llm_endpoint

pytestmark = pytest.mark.one_mode

CHAT = "/api/v1/assistant/chat"


def searching(messages: list[dict[str, Any]]) -> Reply:
    """A model that looks for what was asked, and then has nothing to say."""
    last = messages[-1]
    return Calls([last["content"]]) if last["role"] == "user" else Says("NOT_FOUND")


def test_nothing_of_one_person_reaches_anothers_prompt_or_answer(company: Company) -> None:
    questions = (
        "What is Project Aurora, the merger that Periwinkle asked about?",
        "When is the signing with Bluebird Logistics?",
    )
    with llm_endpoint() as endpoint:
        endpoint.script = searching
        owner = client_with(company, llm_base_url=endpoint.url, llm_model="tiny", llm_timeout_seconds=20.0)
        colleague = client_with(company, llm_base_url=endpoint.url, llm_model="tiny", llm_timeout_seconds=20.0)
        colleague.headers = company.colleague.headers
        first = owner.post(CHAT, json={"message": questions[0]}).json()
        owner.post(CHAT, json={"message": questions[1], "conversation_id": first["conversation_id"]})
        told = json.dumps(endpoint.requests)
        assert "planned merger with Bluebird" in told  # the owner may read it
        endpoint.requests.clear()

        # The very same question (caches), a new one (suggestions), and the other's conversation.
        replies = [
            colleague.post(CHAT, json={"message": question})
            for question in (questions[1], "Who approves overtime?", "What is Project Aurora?")
        ]
        stolen = colleague.post(CHAT, json={"message": "And then?", "conversation_id": first["conversation_id"]})
        assert stolen.status_code == 404
        told = json.dumps(endpoint.requests)
    assert told.count('"role": "tool"') >= 3
    for secret in ("Periwinkle", "planned merger", "14 March 2027", first["conversation_id"], company.secret_space):
        assert secret not in told
        assert not any(secret in reply.text for reply in replies)
    assert "Periwinkle" not in company.colleague.get("/api/v1/assistant/conversations").text


def test_runs_do_not_share_passages(company: Company) -> None:
    one, other = (
        AssistantContext(subject, company.database, company.engine, company.settings)  # type: ignore[arg-type]
        for subject in ("one", "other")
    )
    assert one.passages is not other.passages
    assert one.outcomes is not other.outcomes
    assert one.run is not other.run
