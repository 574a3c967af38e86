"""Running companies in both modes, and empty places to restore them into."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from core_api.infra.settings import Settings
from tests.modes import Embedded, ProductMode, Server, environment_of
from tests.nexus.backup.company import Source, everything_found, populate
from tests.nexus.test_server import serving
from tests.product import running_product

Place = Callable[[str], Settings]


def places(mode: ProductMode, factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Callable[[], Settings]]:
    """Makes empty places of a mode."""
    with ExitStack() as stack:

        def make() -> Settings:
            installation = mode.installation(factory.mktemp(mode.name) / "data", bare=True, models_cache=model_cache)
            # One process serves it and indexes.
            return stack.enter_context(installation).model_copy(update={"redis_url": None})

        yield make


@pytest.fixture(scope="session")
def embedded_places(
    embedded_mode: Embedded, tmp_path_factory: pytest.TempPathFactory, model_cache: Path
) -> Iterator[Callable[[], Settings]]:
    """Makes empty places for embedded mode."""
    yield from places(embedded_mode, tmp_path_factory, model_cache)


@pytest.fixture(scope="session")
def server_places(
    server_mode: Server, tmp_path_factory: pytest.TempPathFactory, model_cache: Path
) -> Iterator[Callable[[], Settings]]:
    """Makes empty places for server mode: PostgreSQL and a Chroma server."""
    yield from places(server_mode, tmp_path_factory, model_cache)


@pytest.fixture(scope="session")
def new_place(request: pytest.FixtureRequest) -> Place:
    """Makes empty places, by the name of the mode."""

    def make(mode: str) -> Settings:
        made: Settings = request.getfixturevalue(f"{mode}_places")()
        return made

    return make


@pytest.fixture(scope="session")
def source(product_mode: ProductMode, new_place: Place) -> Iterator[Source]:
    """A company with something in every table, served by a process of its own, in both modes."""
    settings = new_place(product_mode.name)
    with served(settings) as source:
        populate(source)
    # Started again, as its copies are: at the start it is counted what was opened, and then once a minute.
    with served(settings) as again:
        again.documents = source.documents
        yield again


@contextmanager
def served(settings: Settings) -> Iterator[Source]:
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
        yield source


@pytest.fixture(scope="session")
def still(new_place: Place) -> Source:
    """A company with something in every table that nobody works in: its data directory is to be copied."""
    settings = new_place("embedded")
    settings.data_dir.mkdir()
    with running_product(settings) as client:
        source = Source(environment_of(settings), settings, client, settings.data_dir.parent)
        populate(source)
    with running_product(settings) as client:
        source.seen = everything_found(client)
    return source
