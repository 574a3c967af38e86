"""Whoever asked goes away before there is an answer: the work for them ends."""

import json
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from assistant.agent.agent import Agent
from tests.assistant.conftest import Company
from tests.assistant.llm_server import Calls, Endpoint, Says, llm_endpoint
from tests.assistant.loopback import loopback

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
