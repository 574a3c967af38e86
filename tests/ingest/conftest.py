"""Fixtures of the ingestion tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from ingest.sandbox import Sandbox
from retrieval.embedding import Embedder
from tests.ingest.house import CountingEmbedder, House
from tests.modes import ProductMode


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One pool of parser children for all tests."""
    pool = Sandbox(Settings(data_dir=tmp_path_factory.mktemp("sandbox")), idle_seconds=300)
    yield pool
    pool.close()


@contextmanager
def new_house(folder: Path, mode: ProductMode, embedder: Embedder, sandbox: Sandbox, **changes: Any) -> Iterator[House]:
    """A house in a folder."""
    with mode.installation(folder, ingest_max_tries=3, **changes) as settings:
        # It is the process that indexes, which in server mode a worker is.
        here = settings.model_copy(update={"redis_url": None})
        built = House(here, Database(here.resolved_database_url), CountingEmbedder(embedder), sandbox)
        yield built
        built.close()


@pytest.fixture
def house(tmp_path: Path, product_mode: ProductMode, embedder: Embedder, sandbox: Sandbox) -> Iterator[House]:
    """Everything around the pipeline, empty."""
    with new_house(tmp_path, product_mode, embedder, sandbox) as built:
        yield built
