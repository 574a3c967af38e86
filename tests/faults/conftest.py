"""One installation for all faults that it survives."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import cluster
from tests.faults.installation import FIGURES, Installation

LEASE_SECONDS = 10
FILLER_BYTES = 160 * 2**20
"""What fills the disk: more than the room that the processes are left with."""
_ROOM_BYTES = 80 * 2**20
_DISK = Path("/dev/shm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them are `faults`."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("faults")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A long run tells what each fault has cost."""
    if "NEXUS_TEST_OUTAGE" in os.environ:
        for line in FIGURES:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def outage() -> float:
    """How long a part is away: NEXUS_TEST_OUTAGE seconds (`make test-faults`: 20), by default 4."""
    return float(os.environ.get("NEXUS_TEST_OUTAGE", "4"))


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Installation]:
    """PostgreSQL, Redis, Chroma, and one process of each kind."""
    folder = tmp_path_factory.mktemp("faults") / "installation"
    free = shutil.disk_usage(_DISK).free if _DISK.is_dir() else 0
    if free < 2 * FILLER_BYTES:
        pytest.skip(f"{_DISK} has no {2 * FILLER_BYTES >> 20} MB free")
    # A disk that nobody else fills or empties: how much of it is free decides what the processes do.
    with tempfile.TemporaryDirectory(prefix="nexus-faults-", dir=_DISK) as disk:
        settings = {"data_dir": Path(disk), "min_free_bytes": free - _ROOM_BYTES}
        with cluster(folder, model_cache, index_lease_seconds=LEASE_SECONDS, **settings) as made:
            worker, beat, api = made.worker(), made.beat(), made.api()
            yield Installation(made, api, worker, beat)
