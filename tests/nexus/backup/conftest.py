"""Running companies in both modes, and empty places to restore them into."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from core_api.infra.settings import Settings
from tests.databases import PostgresqlDatabases
from tests.nexus.backup.company import Source, environment_of, everything_found, opened, populate
from tests.nexus.test_server import serving
from tests.services import chroma

Place = Callable[[str], Settings]


@pytest.fixture(scope="session")
def new_place(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path, request: pytest.FixtureRequest
) -> Iterator[Place]:
    """Makes empty places: `embedded`, or `server` (PostgreSQL and a Chroma server)."""
    with ExitStack() as stack:

        def make(kind: str) -> Settings:
            folder = tmp_path_factory.mktemp(kind)
            settings = Settings(
                data_dir=folder / "data",
                models_cache=model_cache,
                log_level="error",
                rate_limit_requests="1000000/minute",
            )
            if kind == "embedded":
                return settings
            databases: PostgresqlDatabases = request.getfixturevalue("postgresql_databases")
            url = stack.enter_context(chroma(folder / "chroma"))
            return settings.model_copy(update={"database_url": databases.bare(), "chroma_url": url})

        yield make


@pytest.fixture(scope="session", params=["embedded", "server"])
def source(request: pytest.FixtureRequest, new_place: Place) -> Iterator[Source]:
    """A company with something in every table, served by a process of its own, in both modes."""
    settings = new_place(request.param)
    environment = environment_of(settings)
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            _, link = stack.enter_context(serving())
        client = stack.enter_context(httpx.Client(base_url=link.split("/sign-in")[0], timeout=60))
        source = Source(environment, settings, client, settings.data_dir.parent)
        key = source.nexus("token", "--bearer").stdout.strip()
        client.headers["Authorization"] = f"Bearer {key}"
        deadline = time.monotonic() + 120
        while client.get("/health/ready").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        populate(source)
        yield source


@pytest.fixture(scope="session")
def still(new_place: Place) -> Source:
    """A company with something in every table that nobody works in: its data directory is to be copied."""
    settings = new_place("embedded")
    settings.data_dir.mkdir()
    with opened(settings) as client:
        source = Source(environment_of(settings), settings, client, settings.data_dir.parent)
        populate(source)
        source.seen = everything_found(client)
    return source
