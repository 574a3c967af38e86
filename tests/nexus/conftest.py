"""The whole product, in process."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from core_api.infra.settings import Settings
from core_api.models import TokenKind
from nexus.server import build_app, open_database, owner_token


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[TestClient]:
    """The API with its indexes and ingestion; the client is signed in as the owner."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("product"), models_cache=model_cache, log_level="error")
    database = open_database(settings)
    app = build_app(settings, database, web=False)
    token = owner_token(database, TokenKind.BEARER, timedelta(hours=1))
    with TestClient(app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False) as client:
        app.state.engine.wait(300)
        yield client
    database.dispose()
