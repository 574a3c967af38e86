"""The disk of the data directory fills up under load, and is emptied again."""

import os
import time
from pathlib import Path

from tests.faults.conftest import FILLER_BYTES
from tests.faults.installation import Installation


def test_a_full_disk_takes_nothing_in_and_goes_on_reading(installation: Installation, outage: float) -> None:
    filler = Path(installation.cluster.settings.data_dir).resolve() / "filler"
    with installation.under_load("full disk") as load:
        began = time.monotonic()
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, FILLER_BYTES)
        time.sleep(outage)
        filler.unlink()
        kinds = load.kinds(began)
        assert kinds.keys() == {"ok", "full"}
        full = {answer.what for answer in load.answers if answer.kind == "full"}
        assert full == {"write"}  # whatever is read or searched for is found
        assert all("Free some space" in says for says in load.says("full"))
