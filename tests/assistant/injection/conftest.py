"""A company whose documents try to instruct the assistant, indexed once, and a secret that its reader may not read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import assistant.chat.endpoints
import assistant.openai_api.endpoints
from core_api.app import create_app
from core_api.infra.settings import Settings
from tests.assistant.conftest import Company, running_company
from tests.assistant.injection.attempts import ATTEMPTS
from tests.assistant.llm_server import Endpoint, llm_endpoint


@pytest.fixture(scope="package")
def village(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Company]:
    """`owner` has written everything; `colleague`, who asks, may not read the Board's space."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("village"), models_cache=model_cache, log_level="error")
    with running_company(settings, "Reader") as made:
        for number, attempt in enumerate(ATTEMPTS):
            file = {"file": (f"{number}-{attempt.filename}", attempt.text.encode(), "application/octet-stream")}
            form = {"space_id": made.company_space, "title": attempt.title or f"About {attempt.name}"}
            response = made.owner.post("/api/v1/documents/upload", data=form, files=file)
            assert response.status_code == 201, response.text
        made.settle()
        yield made


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with llm_endpoint() as running:
        yield running


@pytest.fixture(scope="module")
def obedient(village: Company, endpoint: Endpoint) -> TestClient:
    """The reader's client of the same data, with a language model that obeys whatever it reads."""
    settings = village.settings.model_copy(
        update={"llm_base_url": endpoint.url, "llm_model": "obedient", "llm_timeout_seconds": 20.0}
    )
    app = create_app(settings, village.database, [assistant.chat.endpoints.router])
    app.include_router(assistant.openai_api.endpoints.router)
    app.state.engine = village.engine
    return TestClient(app, headers=dict(village.colleague.headers))
