"""The whole product, in process."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from nexus import cli
from tests.modes import ProductMode
from tests.product import running_product


@pytest.fixture(scope="session")
def product(
    product_mode: ProductMode, tmp_path_factory: pytest.TempPathFactory, model_cache: Path
) -> Iterator[TestClient]:
    """The API with its indexes and ingestion; the client is signed in as the owner."""
    installation = product_mode.installation(tmp_path_factory.mktemp("product"), models_cache=model_cache)
    with (
        installation as settings,
        product_mode.worker(settings),
        running_product(settings, raise_server_exceptions=False) as client,
    ):
        yield client


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


@pytest.fixture
def data_dir(tmp_path: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data directory, set for commands and for the processes that tests start."""
    path = tmp_path / "data"
    monkeypatch.setenv("NEXUS_DATA_DIR", str(path))
    monkeypatch.setenv("NEXUS_MODELS_CACHE", str(model_cache))
    monkeypatch.setenv("COLUMNS", "200")
    return path


@pytest.fixture
def nexus(data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs the `nexus` command with these arguments."""

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["nexus", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        code = end.value.code
        return Ran(code if isinstance(code, int) else int(code is not None), captured.out, captured.err)

    return run
