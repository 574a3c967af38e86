"""Fixtures of the retrieval tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retrieval.embedding import Embedder
from tests.databases import opened
from tests.modes import ProductMode
from tests.retrieval.library import Library
from tests.retrieval.office import Office, furnish


@contextmanager
def new_library(folder: Path, mode: ProductMode, embedder: Embedder) -> Iterator[Library]:
    """An empty library, with its data directory in a folder."""
    with mode.installation(folder) as settings, opened(settings.resolved_database_url) as database:
        built = Library(settings, database, embedder)
        yield built
        built.close()


@pytest.fixture(scope="module")
def shared_library(
    tmp_path_factory: pytest.TempPathFactory, product_mode: ProductMode, embedder: Embedder
) -> Iterator[Library]:
    """One library for a module's tests."""
    with new_library(tmp_path_factory.mktemp("library"), product_mode, embedder) as built:
        yield built


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory, product_mode: ProductMode, embedder: Embedder) -> Iterator[Office]:
    """An office that nobody changes."""
    with new_library(tmp_path_factory.mktemp("office"), product_mode, embedder) as built:
        with built.filling():
            office = furnish(built)
        yield office


@pytest.fixture
def library(tmp_path: Path, product_mode: ProductMode, embedder: Embedder) -> Iterator[Library]:
    """An empty library."""
    with new_library(tmp_path, product_mode, embedder) as built:
        yield built
