"""What the logs say, and what they keep to themselves."""

import subprocess
import sys

import pytest

FAILING = """
from core_api.infra.logging import configure_logging
from core_api.infra.settings import Settings
import structlog
configure_logging(Settings(log_format={format!r}))
def fail():
    password = "hunter" + str(2)
    raise ValueError("it failed")
try:
    fail()
except ValueError:
    structlog.get_logger("core_api").exception("tried")
"""


@pytest.mark.parametrize("format", ["console", "json"])
def test_an_errors_place_is_logged_without_the_values_of_variables(format: str) -> None:
    command = [sys.executable, "-c", FAILING.format(format=format)]
    logged = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "tried" in logged
    assert "ValueError: it failed" in logged
    assert "in fail" in logged
    assert "hunter2" not in logged
