"""A company whose documents try to instruct the assistant, indexed once, and a secret that its reader may not read."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from core_api.infra.settings import Settings
from nexus.owner import open_database, owner_key
from nexus.server import build_app
from tests.assistant.conftest import MERGER, Company
from tests.assistant.injection.attempts import ATTEMPTS
from tests.factories import bearer, make_user


@pytest.fixture(scope="package")
def village(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Company]:
    """`owner` has written everything; `colleague`, who asks, may not read the Board's space."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("village"), models_cache=model_cache, log_level="error")
    database = open_database(settings)
    app = build_app(settings, database, web=False)
    token = owner_key(database, timedelta(hours=1), "tests")
    colleague = make_user(database, "Reader")
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}) as owner:
        app.state.engine.wait(300)
        space = owner.get("/api/v1/spaces").json()["items"][0]["id"]
        board = owner.post("/api/v1/spaces", json={"name": "Board", "kind": "team"}).json()["id"]
        reader = TestClient(app, headers=bearer(database, colleague))
        made = Company(app, settings, database, owner, reader, {}, space, board)
        made.write(board, "Project Aurora", MERGER)
        for number, attempt in enumerate(ATTEMPTS):
            file = {"file": (f"{number}-{attempt.filename}", attempt.text.encode(), "application/octet-stream")}
            form = {"space_id": space, "title": attempt.title or f"About {attempt.name}"}
            response = owner.post("/api/v1/documents/upload", data=form, files=file)
            assert response.status_code == 201, response.text
        made.settle()
        yield made
    database.dispose()
