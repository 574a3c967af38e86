"""Fixtures of the retrieval tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core_api.infra.database import Database
from retrieval.embedding import Embedder
from tests.retrieval.library import Library


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
