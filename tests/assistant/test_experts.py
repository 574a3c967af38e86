"""Who could be asked where nothing answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.assistant.conftest import Company, client_with
from tests.assistant.llm_server import Calls, Says, llm_endpoint
from tests.assistant.test_llm import CHAT

QUESTION = "Who approves overtime?"


@pytest.fixture
def abstaining(company: Company) -> Iterator[TestClient]:
    """The colleague's client of a server whose model searches, and says that it found nothing."""
    with llm_endpoint() as endpoint:
        endpoint.script = lambda messages: Calls([QUESTION]) if messages[-1]["role"] == "user" else Says("NOT_FOUND")
        client = client_with(company, llm_base_url=endpoint.url, llm_model="tiny")
        client.headers = company.colleague.headers
        yield client


def unanswered(client: TestClient, question: str = QUESTION, **scope: Any) -> dict[str, Any]:
    """An answer that abstains."""
    response = client.post(CHAT, json={"message": question, **scope})
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert answer["abstained"]
    return answer


@pytest.mark.parametrize("where", ["space", "document", "kind", "day"])
def test_the_people_named_have_written_about_it_within_the_scope_of_the_question(
    company: Company, abstaining: TestClient, where: str
) -> None:
    [expert] = unanswered(abstaining)["experts"]
    assert [document["title"] for document in expert["documents"]] == ["Overtime"]
    elsewhere = {
        "space": {"space_ids": [company.secret_space]},
        "document": {"document_ids": [company.documents["Leave"]]},
        "kind": {"kinds": ["message"]},
        "day": {"as_of": "2020-01-01"},
    }
    assert unanswered(abstaining, **elsewhere[where])["experts"] == []
    inside = {
        "space": {"space_ids": [company.company_space]},
        "document": {"document_ids": [company.documents["Overtime"]]},
        "kind": {"kinds": ["document"]},
        "day": {"as_of": "2999-01-01"},
    }
    assert unanswered(abstaining, **inside[where])["experts"] == [expert]
