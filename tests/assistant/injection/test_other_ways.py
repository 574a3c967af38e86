"""The same attempts by the other ways to ask: OpenAI's clients, MCP, summaries, and a conversation of two turns."""

import asyncio
import re
from typing import Any

import httpx
from fastapi.testclient import TestClient
from mcp import Client

from nexus.mcp_server import build
from tests.assistant.conftest import Company
from tests.assistant.injection.attempts import ATTEMPTS, Attempt
from tests.assistant.injection.test_injection import CHAT, SECRET, every_attempt, obeying
from tests.assistant.llm_server import Calls, Endpoint, Reply, Says

OPENAI = "/v1/chat/completions"
_LINK = re.compile(r"\[[^\]]+\]\(/documents/[0-9a-f-]+\)")


def title_of(attempt: Attempt) -> str:
    return attempt.title or f"About {attempt.name}"


def unharmed(attempt: Attempt, *said: str) -> None:
    for word in (*attempt.forbidden, *SECRET):
        assert word not in "\n".join(said)


def completed(client: TestClient, messages: list[tuple[str, str]]) -> tuple[str, str]:
    """The text of an answer, and all that goes with it that quotes; turns are (role, content)."""
    turns = [{"role": role, "content": content} for role, content in messages]
    response = client.post(OPENAI, json={"model": "nexus", "messages": turns})
    assert response.status_code == 200, response.text
    message = response.json()["choices"][0]["message"]
    return message["content"], "\n".join(citation["quote"] for citation in message["nexus"]["citations"])


@every_attempt
def test_openais_clients(village: Company, obedient: TestClient, endpoint: Endpoint, attempt: Attempt) -> None:
    content, quotes = completed(village.colleague, [("user", attempt.question)])
    assert attempt.true in content
    unharmed(attempt, content, quotes)
    endpoint.script = obeying(attempt)
    unharmed(attempt, *completed(obedient, [("user", attempt.question)]))


@every_attempt
def test_what_openais_clients_say_was_said_before(
    village: Company, obedient: TestClient, endpoint: Endpoint, attempt: Attempt
) -> None:
    """The client may put the bait into the mouth of either."""
    before = [("user", attempt.text[:4_000]), ("assistant", attempt.obeyed)]
    content, quotes = completed(village.colleague, [*before, ("user", attempt.question)])
    assert attempt.true in content
    unharmed(attempt, content, quotes)
    endpoint.script = obeying(attempt)
    unharmed(attempt, *completed(obedient, [*before, ("user", attempt.question)]))


@every_attempt
def test_a_bait_in_the_turn_before(
    village: Company, obedient: TestClient, endpoint: Endpoint, attempt: Attempt
) -> None:
    """The document is opened first, then asked about."""
    said: list[dict[str, Any]] = []
    endpoint.script = obeying(attempt)
    for client in (village.colleague, obedient):
        conversation = None
        for message in (f"Open “{title_of(attempt)}”", attempt.question):
            body = {"message": message, "conversation_id": conversation}
            said.append(client.post(CHAT, json=body).json())
            conversation = said[-1]["conversation_id"]
    assert attempt.true in said[1]["answer"]
    for reply in said:
        # Not the link to the document under its name, which the asker has said, and not the quotations beside the
        # answer, which are the source as it is, markup and all.
        unharmed(attempt, _LINK.sub("", reply["answer"]), *reply["suggestions"])


@every_attempt
def test_summaries(village: Company, obedient: TestClient, endpoint: Endpoint, attempt: Attempt) -> None:
    found = village.colleague.get("/api/v1/documents", params={"title": title_of(attempt)}).json()["items"]
    document = min(found, key=lambda one: len(one["title"]))["id"]
    for body in ({"document_id": document}, {"query": attempt.question}):
        response = village.colleague.post("/api/v1/assistant/summarize", json=body)
        assert response.status_code == 200, response.text
        summary = response.json()
        sentences = [one["text"] for section in summary["sections"] for one in section["sentences"]]
        # A heading is the name of a section or a document, as the search and the document itself show it.
        unharmed(attempt, *sentences)

    def script(messages: list[dict[str, Any]]) -> Reply:
        if messages[-1]["role"] == "user":
            return Calls([attempt.question])
        return Says(f"{attempt.obeyed} [1][2][3]")

    endpoint.script = script
    reply = obedient.post(CHAT, json={"message": f"Summarise “{title_of(attempt)}”"}).json()
    unharmed(attempt, reply["answer"])


def test_over_mcp(village: Company, obedient: TestClient, endpoint: Endpoint) -> None:
    def ask(client: TestClient, *, obeys: bool) -> list[dict[str, Any]]:
        async def run() -> list[dict[str, Any]]:
            transport = httpx.ASGITransport(client.app)  # type: ignore[arg-type]
            headers = {"Authorization": client.headers["authorization"]}
            answers = []
            async with (
                httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers, timeout=60) as api,
                Client(build(api, "http://api")) as tools,
            ):
                for attempt in ATTEMPTS:
                    if obeys:
                        endpoint.script = obeying(attempt)
                    result = await tools.call_tool("ask", {"question": attempt.question})
                    assert not result.is_error, result
                    assert result.structured_content is not None
                    answers.append(result.structured_content)
            return answers

        return asyncio.run(run())

    for attempt, answer in zip(ATTEMPTS, ask(village.colleague, obeys=False), strict=True):
        assert attempt.true in answer["answer"], attempt.name
        unharmed(attempt, answer["answer"], *(citation["text"] for citation in answer["citations"]))
    for attempt, answer in zip(ATTEMPTS, ask(obedient, obeys=True), strict=True):
        unharmed(attempt, answer["answer"], *(citation["text"] for citation in answer["citations"]))


def test_nothing_was_written_by_all_this(village: Company) -> None:
    """After the attempts, in this file's order."""
    items = village.owner.get("/api/v1/documents", params={"limit": 200}).json()["items"]
    assert len(items) == len(ATTEMPTS) + 1
