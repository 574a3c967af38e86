"""What the process may use of the machine."""

from pathlib import Path

import pytest

from core_api.infra.machine import available_cores, available_memory
from core_api.infra.settings import Settings


def test_a_container_has_what_its_limit_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = (tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes")
    monkeypatch.setattr("core_api.infra.machine._LIMITS", limits)
    whole = available_memory()
    assert whole > 2**28
    limits[0].write_text("max\n")
    assert available_memory() == whole
    limits[1].write_text(f"{2**27}\n")
    assert available_memory() == 2**27
    limits[0].write_text(f"{2**26}\n")
    assert available_memory() == 2**26
    assert available_cores() >= 1


def test_vectors_may_take_a_tenth_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core_api.infra.settings.available_memory", lambda: 64 * 2**30)
    assert Settings().resolved_resident_vectors_bytes == 64 * 2**30 // 10
    assert Settings(resident_vectors_bytes=0).resolved_resident_vectors_bytes == 0
    monkeypatch.setattr("core_api.infra.settings.available_memory", lambda: 2**30)
    assert Settings().resolved_resident_vectors_bytes == 400 * 2**20
