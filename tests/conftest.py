"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The sample data beside the checkout (or in NEXUS_SHARED_DATA); tests that need it skip where it is absent."""
    named = os.environ.get("NEXUS_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the shared sample data is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def model_cache(request: pytest.FixtureRequest) -> Path:
    """For `Settings(models_cache=model_cache)`: one export of the embedding model for all workers and runs.

    What is in there is keyed by the weights' digest and guarded by a file lock (retrieval.embedding.cache).
    """
    named = os.environ.get("NEXUS_TEST_CACHE")
    folder = Path(named) / "models" if named else request.config.cache.mkdir("nexus-models")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
