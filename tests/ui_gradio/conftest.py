"""A small API, and the real web app before it."""

from collections.abc import Iterator

import pytest

from tests.ui_gradio.lab import Lab, reset, serving_lab


@pytest.fixture(scope="package")
def running_lab() -> Iterator[Lab]:
    """The server, for all tests of this package."""
    with serving_lab() as lab:
        yield lab


@pytest.fixture
def lab(running_lab: Lab) -> Lab:
    """The server, its assistant as it was made."""
    reset(running_lab)
    return running_lab
