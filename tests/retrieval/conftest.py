"""Fixtures of the retrieval tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retrieval.embedding import Embedder
from tests.databases import Databases, SqliteDatabases, borrowed
from tests.retrieval.library import Library


@contextmanager
def new_library(folder: Path, databases: Databases, embedder: Embedder) -> Iterator[Library]:
    """An empty library, with its indexes in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with borrowed(databases) as database:
        built = Library(folder, database, embedder)
        yield built
        built.close()


@pytest.fixture(scope="module")
def shared_library(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, embedder: Embedder
) -> Iterator[Library]:
    """One library for a module's tests, over each kind of database."""
    with new_library(tmp_path_factory.mktemp("library"), databases, embedder) as built:
        yield built


@pytest.fixture
def library(tmp_path: Path, sqlite_databases: SqliteDatabases, embedder: Embedder) -> Iterator[Library]:
    """An empty library."""
    with new_library(tmp_path, sqlite_databases, embedder) as built:
        yield built
