"""Running companies in both modes, and empty places to restore them into."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from core_api.infra.settings import Settings
from tests.modes import ProductMode, environment_of
from tests.nexus.backup.company import Source, everything_found, populate
from tests.nexus.test_server import serving
from tests.product import running_product

Place = Callable[[str], Settings]


@pytest.fixture(scope="session")
def new_place(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path, request: pytest.FixtureRequest
) -> Iterator[Place]:
    """Makes empty places, by the name of the mode."""
    with ExitStack() as stack:

        def make(kind: str) -> Settings:
            folder = tmp_path_factory.mktemp(kind)
            mode: ProductMode = request.getfixturevalue(f"{kind}_mode")
            installation = mode.installation(folder / "data", bare=True, models_cache=model_cache)
            # One process serves it and indexes.
            return stack.enter_context(installation).model_copy(update={"redis_url": None})

        yield make


@pytest.fixture(scope="session")
def source(product_mode: ProductMode, new_place: Place) -> Iterator[Source]:
    """A company with something in every table, served by a process of its own, in both modes."""
    settings = new_place(product_mode.name)
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
    with running_product(settings) as client:
        source = Source(environment_of(settings), settings, client, settings.data_dir.parent)
        populate(source)
        source.seen = everything_found(client)
    return source
