"""The whole product in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from fastapi.testclient import TestClient

from core_api.infra.settings import Settings
from nexus.owner import open_database, owner_key
from nexus.server import build_app


@contextmanager
def running_product(settings: Settings, *, raise_server_exceptions: bool = True) -> Iterator[TestClient]:
    """The API of an installation with its indexes and ingestion; the client is signed in as the owner."""
    database = open_database(settings)
    app = build_app(settings, database, web=False)
    headers = {"Authorization": f"Bearer {owner_key(database, timedelta(hours=1), 'tests')}"}
    with TestClient(app, headers=headers, raise_server_exceptions=raise_server_exceptions) as client:
        app.state.engine.wait(300)
        yield client
    database.dispose()
