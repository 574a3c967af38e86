"""The core API in both modes, with people to call it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import SystemRole
from tests.applications import application
from tests.databases import Databases, borrowed
from tests.factories import bearer, make_user
from tests.modes import ProductMode


@pytest.fixture
def bare_database(databases: Databases) -> Iterator[Database]:
    """A database of each kind, without any tables."""
    with borrowed(databases, bare=True) as database:
        yield database


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """An empty database at the current schema, of each kind."""
    with borrowed(databases) as database:
        yield database


@pytest.fixture
def settings(tmp_path: Path, product_mode: ProductMode) -> Settings:
    """Small limits, so that tests can reach them."""
    return Settings(
        data_dir=tmp_path,
        redis_url=product_mode.redis(),
        max_upload_bytes=2 * 2**20,
        max_json_bytes=2**20,
        log_level="error",
        rate_limit_requests="100000/minute",
    )


@pytest.fixture
def app(settings: Settings, database: Database) -> FastAPI:
    """The API without search and assistant."""
    return application(settings, database)


@pytest.fixture
def person(app: FastAPI, database: Database) -> Callable[..., TestClient]:
    """Makes a person and gives a client signed in as them (`client.user_id` is theirs)."""

    def make(name: str = "Kim", role: SystemRole = SystemRole.MEMBER) -> TestClient:
        subject = make_user(database, name, role)
        client = TestClient(app, headers=bearer(database, subject), raise_server_exceptions=False)
        client.user_id = subject.user_id  # type: ignore[attr-defined]
        return client

    return make
