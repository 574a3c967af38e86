"""Whoever asked goes away before there is an answer: the work for them ends, and what they have seen is kept."""

import json
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from assistant.agent.agent import Agent
from assistant.chat.exchange import ChatEvent, Exchange, begin, events
from assistant.schemas import ChatRequest, DeltaEvent, StepEvent
from core_api.domains.users.service import ensure_owner
from tests.assistant.conftest import Company, server_sent_events
from tests.assistant.llm_server import Calls, Endpoint, Says, llm_endpoint
from tests.assistant.loopback import loopback

pytestmark = pytest.mark.one_mode

# It would take 15 s to write.
SLOW = Says("Overtime is work of more than 40 hours in a week [1]. " * 40, pause=0.05)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with llm_endpoint() as running:
        running.script = lambda messages: Calls(["overtime"]) if messages[-1]["role"] == "user" else SLOW
        yield running


@pytest.fixture
def address(company: Company, endpoint: Endpoint) -> Iterator[str]:
    """Of the company's server, with a language model that takes its time."""
    state = company.app.state
    state.settings = company.settings.model_copy(update={"llm_base_url": endpoint.url, "llm_model": "slow"})
    state.agent = Agent(state.settings, company.engine)
    try:
        with loopback(company.app) as url:
            yield url.removeprefix("http://")
    finally:
        state.settings = company.settings
        del state.agent


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes true within half a minute: the first answer of a process waits for its imports."""
    until = time.monotonic() + 30
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    return holds()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/assistant/chat", {"message": "What is overtime?"}),
        ("/v1/chat/completions", {"model": "nexus", "messages": [{"role": "user", "content": "What is overtime?"}]}),
    ],
)
def test_the_model_is_told_to_stop(
    company: Company, address: str, endpoint: Endpoint, path: str, body: dict[str, Any], stream: bool
) -> None:
    connection = HTTPConnection(address)
    headers = {"Authorization": company.owner.headers["authorization"], "Content-Type": "application/json"}
    connection.request("POST", path, json.dumps(body | {"stream": stream}), headers)
    assert eventually(lambda: len(endpoint.requests) == 2)  # it has searched, and writes
    connection.close()
    assert endpoint.cut_off.wait(5)


def stop_after(company: Company, address: str, body: dict[str, Any], seen: str) -> str:
    """Ask, and stop once these words are there; the conversation's id."""
    connection = HTTPConnection(address)
    headers = {"Authorization": company.owner.headers["authorization"], "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/assistant/chat", json.dumps(body | {"stream": True}), headers)
    response = connection.getresponse()
    text = ""
    while seen not in text:
        text += response.read1().decode()
    connection.close()
    (_, conversation), *_ = server_sent_events(text)
    return str(conversation["conversation_id"])


def messages_of(company: Company, conversation_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = company.owner.get(f"/api/v1/assistant/conversations/{conversation_id}").json()[
        "messages"
    ]
    return found


def test_what_was_seen_of_a_stopped_answer_is_kept_and_can_be_asked_anew(
    company: Company, address: str, endpoint: Endpoint
) -> None:
    endpoint.script = lambda messages: (
        Calls(["overtime"])
        if messages[-1]["role"] == "user"
        else Says("Overtime is work of more than 40 hours in a week [1]. The moon is made of cheese. " * 20, pause=0.05)
    )
    conversation = stop_after(company, address, {"message": "What is overtime?"}, "40 hours in a week. [1]")
    assert eventually(lambda: len(messages_of(company, conversation)) == 2)
    question, answer = messages_of(company, conversation)
    assert answer["content"].startswith("Overtime is work of more than 40 hours in a week. [1]")
    assert "cheese" not in answer["content"]
    assert answer["content"].count("[1]") < 20
    assert [citation["status"] for citation in answer["citations"]] == ["holds"]
    assert (answer["answer"]["stopped"], answer["answer"]["support"]) == (True, None)
    file = company.owner.get(f"/api/v1/assistant/conversations/{conversation}/export").text
    assert "[1]\n\n(Stopped.)" in file

    # Stopped again, it stays; answered, it is replaced.
    again = {"message": "What is overtime?", "replaces": question["id"]}
    stop_after(company, address, again, "40 hours in a week. [1]")
    assert endpoint.cut_off.wait(5)
    assert eventually(
        lambda: [one["id"] for one in messages_of(company, conversation)] == [question["id"], answer["id"]]
    )
    endpoint.script = lambda messages: (
        Calls(["overtime"])
        if messages[-1]["role"] == "user"
        else Says("Overtime is work of more than 40 hours in a week [1].")
    )
    whole = company.owner.post("/api/v1/assistant/chat", json=again).json()
    assert whole["stopped"] is False
    assert [one["id"] for one in messages_of(company, conversation)] == [whole["question_id"], whole["message_id"]]


@pytest.mark.parametrize("message", ["How do I request leave?", "Summarise Leave"])
def test_of_the_embedded_model_what_was_seen_is_kept_too(company: Company, message: str) -> None:
    exchange, event = stopped_at(company, message, DeltaEvent)
    assert isinstance(event, DeltaEvent)
    _, answer = messages_of(company, exchange.conversation_id)
    assert answer["content"] == event.text
    assert answer["answer"]["stopped"]
    assert [citation["marker"] for citation in answer["citations"]] == [1]


def test_a_question_stopped_before_anything_was_said_stays_without_an_answer(company: Company) -> None:
    exchange, _ = stopped_at(company, "How do I request leave?", StepEvent)
    assert [one["role"] for one in messages_of(company, exchange.conversation_id)] == ["user"]


def stopped_at(company: Company, message: str, kind: type[ChatEvent]) -> tuple[Exchange, ChatEvent]:
    """A question to the embedded model, stopped at its first event of a kind, as a stream ends that nobody reads."""
    with company.database.transaction() as session:
        owner, _ = ensure_owner(session)
    exchange = begin(Agent(company.settings, company.engine), company.database, owner, ChatRequest(message=message))
    running = events(exchange)
    event = next(one for one in running if isinstance(one, kind))
    exchange.stop.set()
    running.close()  # type: ignore[attr-defined]
    return exchange, event
