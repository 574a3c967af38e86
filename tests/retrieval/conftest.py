"""Fixtures of the retrieval tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.infra.settings import Settings
from retrieval.embedding import Embedder, load_embedder
from tests.retrieval.library import Library


@pytest.fixture(scope="session")
def embedder(model_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """The default embedding model."""
    return load_embedder(Settings(data_dir=tmp_path_factory.mktemp("embedder"), models_cache=model_cache))


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file after all migrations."""
    path = tmp_path_factory.mktemp("database") / "nexus.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


def build_library(folder: Path, empty_database: Path, embedder: Embedder) -> Library:
    """An empty library in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(empty_database, folder / "nexus.db")
    return Library(folder, Database(f"sqlite:///{folder / 'nexus.db'}"), embedder)


@pytest.fixture
def library(tmp_path: Path, empty_database: Path, embedder: Embedder) -> Iterator[Library]:
    """An empty library."""
    built = build_library(tmp_path, empty_database, embedder)
    yield built
    built.close()
