"""Fixtures of the ingestion tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from ingest.sandbox import Sandbox
from retrieval.embedding import Embedder
from tests.ingest.house import CountingEmbedder, House


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One pool of parser children for all tests."""
    pool = Sandbox(Settings(data_dir=tmp_path_factory.mktemp("sandbox")), idle_seconds=300)
    yield pool
    pool.close()


def build_house(folder: Path, empty_database: Path, embedder: Embedder, sandbox: Sandbox, **settings: Any) -> House:
    """A house in a folder."""
    shutil.copy(empty_database, folder / "nexus.db")
    made = Settings(data_dir=folder, ingest_max_tries=3, **settings)
    return House(made, Database(made.resolved_database_url), CountingEmbedder(embedder), sandbox)


@pytest.fixture
def house(tmp_path: Path, empty_database: Path, embedder: Embedder, sandbox: Sandbox) -> Iterator[House]:
    """Everything around the pipeline, empty."""
    built = build_house(tmp_path, empty_database, embedder, sandbox)
    yield built
    built.close()
