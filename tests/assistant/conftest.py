"""A company with a few documents, indexed by the product itself, and people who may read some of them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import assistant.chat.endpoints
import assistant.models.endpoints
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from ingest.runtime import IngestRuntime
from retrieval.engine import RetrievalEngine
from tests.applications import application
from tests.factories import bearer, make_user
from tests.modes import ProductMode
from tests.product import running_product

LEAVE = """# Leave

## Requesting leave

To request leave, fill in the absence form in HR Links. Your supervisor approves it within two days.
You should submit the form at least three business days in advance.

## Parental leave

Parents are entitled to 12 weeks of paid parental leave for each child. It can be taken all at once or in parts.

## Contractors

Contractors request leave from their own company, not in HR Links.
"""
OVERTIME = """# Overtime

Overtime is work of more than 40 hours in a week. Mary Jones, the head of finance, approves overtime in writing.

To record overtime:

1. Open the **time tool** at [tock](https://tock.example/).
2. Choose the overtime project.
3. Enter the hours and save.

See the [guide](https://guide.example) for more information.
"""
OFFICE = """# 사무실 안내

사무실은 서울 강남구 테헤란로 12에 있습니다. 근무 시간은 오전 9시부터 오후 6시까지입니다.

## 주차

주차장은 지하 2층에 있고 방문객은 두 시간까지 무료로 이용할 수 있습니다.
"""
MERGER = """# Project Aurora

Project Aurora is the planned merger with Bluebird Logistics. The signing is on 14 March 2027.
"""


@dataclass(frozen=True)
class Company:
    """The product with `owner` signed in, who reads everything, and `colleague`, who reads the company space only.

    `documents` are their ids by title; `change` edits one and waits until it is indexed.
    """

    app: FastAPI
    settings: Settings
    database: Database
    owner: TestClient
    colleague: TestClient
    documents: dict[str, str]
    company_space: str
    secret_space: str

    @property
    def engine(self) -> RetrievalEngine:
        engine: RetrievalEngine = self.app.state.engine
        return engine

    def settle(self) -> None:
        """Wait until everything written is indexed."""
        ingest: IngestRuntime = self.app.state.ingest
        assert ingest.wait_idle(120)
        with self.database.reading() as session:
            from core_api.outbox import last_change

            assert self.engine.keywords.wait_for(last_change(session), timeout=30)

    def write(self, space_id: str, title: str, text: str) -> str:
        """A new document; its id."""
        body = {"space_id": space_id, "title": title, "text": text}
        response = self.owner.post("/api/v1/documents", json=body)
        assert response.status_code == 201, response.text
        document_id: str = response.json()["id"]
        self.documents[title] = document_id
        return document_id


@contextmanager
def running_company(settings: Settings, colleague: str) -> Iterator[Company]:
    """The product with a company space and the Board's; `colleague` is the name of who may not read the latter."""
    with running_product(settings) as owner:
        app: FastAPI = owner.app  # type: ignore[assignment]
        database: Database = app.state.database
        reader = make_user(database, colleague)
        spaces = owner.get("/api/v1/spaces").json()["items"]
        company_space = next(space["id"] for space in spaces if space["kind"] == "company")
        secret_space = owner.post("/api/v1/spaces", json={"name": "Board", "kind": "team"}).json()["id"]
        client = TestClient(app, headers=bearer(database, reader))
        made = Company(app, settings, database, owner, client, {}, company_space, secret_space)
        made.write(secret_space, "Project Aurora", MERGER)
        yield made


@pytest.fixture(scope="session")
def company(
    product_mode: ProductMode, tmp_path_factory: pytest.TempPathFactory, model_cache: Path
) -> Iterator[Company]:
    """One for all tests; a test that changes a document writes its own."""
    installation = product_mode.installation(tmp_path_factory.mktemp("company"), models_cache=model_cache)
    with installation as settings, product_mode.worker(settings), running_company(settings, "Colleague") as made:
        for title, text in (("Leave", LEAVE), ("Overtime", OVERTIME), ("사무실 안내", OFFICE)):
            made.write(made.company_space, title, text)
        made.settle()
        yield made


@pytest.fixture
def ask(company: Company) -> Callable[..., dict[str, Any]]:
    """Asks as the owner (or `by` somebody) and gives the answer."""

    def post(message: str, *, by: TestClient | None = None, **more: Any) -> dict[str, Any]:
        response = (by or company.owner).post("/api/v1/assistant/chat", json={"message": message, **more})
        assert response.status_code == 200, response.text
        reply: dict[str, Any] = response.json()
        return reply

    return post


def server_sent_events(body: str) -> list[tuple[str, Any]]:
    """The events of a text/event-stream body, as (name, JSON)."""
    events = []
    for block in body.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in fields:
            events.append((fields["event"], json.loads(fields["data"])))
    return events


def client_with(company: Company, **changes: Any) -> TestClient:
    """The owner's client of an API on the same data with other settings."""
    settings = company.settings.model_copy(update=changes)
    app = application(settings, company.database, [assistant.chat.endpoints.router, assistant.models.endpoints.router])
    app.state.engine = company.engine
    return TestClient(app, headers=dict(company.owner.headers), raise_server_exceptions=False)
