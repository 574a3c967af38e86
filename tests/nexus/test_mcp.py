"""`nexus mcp`: the official client over standard input and output, against a running server."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from mcp import Client, StdioServerParameters

from core_api.infra.database import Database
from nexus.mcp_server import build
from tests.assistant.loopback import loopback
from tests.factories import bearer, make_document, make_space, make_user

TEXT = "# Printers\n\nThe printer on the third floor is called Gutenberg.\n\n## Paper\n\nPaper is in room 12."


@pytest.fixture(scope="module")
def address(product: TestClient) -> Any:
    with loopback(product.app) as url:  # type: ignore[arg-type]
        yield url


@pytest.fixture(scope="module")
def document(product: TestClient) -> str:
    made = make_document(product, make_space(product, "Machines"), "Printers", TEXT)
    assert product.app.state.ingest.wait_idle(120)  # type: ignore[attr-defined]
    return made


def structured(result: Any) -> dict[str, Any]:
    assert not result.is_error, result
    content: dict[str, Any] = result.structured_content
    return content


def test_an_assistant_searches_opens_and_asks_over_stdio(
    product: TestClient, address: str, document: str, tmp_path: Path
) -> None:
    environment = {
        "NEXUS_SERVER_URL": address,
        "NEXUS_API_KEY": product.headers["authorization"].removeprefix("Bearer "),
        "NEXUS_DATA_DIR": str(tmp_path / "none"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    parameters = StdioServerParameters(command=sys.executable, args=["-m", "nexus", "mcp"], env=environment)

    async def converse() -> None:
        async with Client(parameters) as client:
            tools = (await client.list_tools()).tools
            assert sorted(tool.name for tool in tools) == ["ask", "open", "search"]
            assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)
            found = structured(await client.call_tool("search", {"query": "printer third floor", "space": "Machines"}))
            best = found["passages"][0]
            assert "Gutenberg" in best["text"]
            assert best["url"].startswith(f"{address}/documents/{document}")
            opened = structured(await client.call_tool("open", {"document_id": document, "length": 10}))
            assert (opened["title"], opened["end"], opened["next_start"]) == ("Printers", 10, 10)
            answer = structured(await client.call_tool("ask", {"question": "What is the printer called?"}))
            assert "Gutenberg" in answer["answer"]
            assert answer["citations"][0]["document_id"] == document
            lost = await client.call_tool("open", {"document_id": "no-such-thing"})
            assert lost.is_error
            assert "no-such-thing" in lost.content[0].text  # type: ignore[union-attr]

    asyncio.run(converse())
    assert not (tmp_path / "none").exists()


def called(address: str, headers: dict[str, str], *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    """The results of calls by a person, through the official client in process."""

    async def run() -> list[Any]:
        async with (
            httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as api,
            Client(build(api, address)) as client,
        ):
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(run())


def test_it_has_the_rights_of_its_person_and_no_more(product: TestClient, address: str, document: str) -> None:
    database: Database = product.app.state.database  # type: ignore[attr-defined]
    headers = bearer(database, make_user(database, "Outsider"))
    found, opened, named = called(
        address,
        headers,
        ("search", {"query": "printer third floor Gutenberg"}),
        ("open", {"document_id": document}),
        ("search", {"query": "printer", "space": "Machines"}),
    )
    assert all(passage["document_id"] != document for passage in structured(found)["passages"])
    assert opened.is_error
    assert named.is_error


def test_trouble_is_told_in_words(address: str, document: str) -> None:
    nobody = {"Authorization": "Bearer nobody"}
    search, ask = called(address, nobody, ("search", {"query": "x"}), ("ask", {"question": "x"}))
    assert "Sign in" in search.content[0].text
    assert "Sign in" in ask.content[0].text
    path, long = called(address, nobody, ("open", {"document_id": "../users/me"}), ("ask", {"question": "x" * 4_001}))
    assert "not an id" in path.content[0].text
    assert long.is_error
    (gone,) = called("http://127.0.0.1:1", {}, ("search", {"query": "x"}))
    assert "nexus serve" in gone.content[0].text


def test_search_and_ask_keep_to_what_is_chosen(product: TestClient, address: str, document: str) -> None:
    headers = {"Authorization": product.headers["authorization"]}
    make_space(product, "Empty room")
    asked = {"question": "What is the printer on the third floor called?"}
    scopes: list[dict[str, Any]] = [
        {"space": "Machines", "kinds": ["document"], "as_of": "2126-01-01"},
        {"space": "Empty room"},
        {"kinds": ["message"]},
        {"as_of": "2020-01-01"},
    ]
    inside, *outside = called(address, headers, *(("ask", asked | scope) for scope in scopes))
    assert "Gutenberg" in structured(inside)["answer"]
    for answer in outside:
        assert structured(answer)["abstained"]
        assert (structured(answer)["citations"], structured(answer)["nearest"]) == ([], [])
    inside, *outside = called(address, headers, *(("search", {"query": "printer"} | scope) for scope in scopes))
    assert structured(inside)["passages"][0]["document_id"] == document
    assert all(structured(found)["passages"] == [] for found in outside)
    unbounded: list[dict[str, Any]] = [
        {"as_of": "9999-12-31"},
        {"as_of": "yesterday"},
        {"kinds": ["x" * 65]},
        {"kinds": ["x"] * 21},
        {"space": "x" * 201},
    ]
    for tool, rest in (("ask", asked), ("search", {"query": "printer"})):
        assert all(one.is_error for one in called(address, headers, *((tool, rest | bad) for bad in unbounded)))


def test_of_a_summary_no_probability_is_stated(product: TestClient, address: str, document: str) -> None:
    headers = {"Authorization": product.headers["authorization"]}
    chosen, summed = called(
        address,
        headers,
        ("ask", {"question": "What is the printer on the third floor called?"}),
        ("ask", {"question": "Summarise Printers"}),
    )
    assert 0 < structured(chosen)["support"] < 1
    assert "Gutenberg" in structured(summed)["answer"]
    assert (structured(summed)["confidence"], structured(summed)["support"]) == (None, None)
