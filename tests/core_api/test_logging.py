"""What the logs say, and what they keep to themselves."""

import json
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


WARNING = """
from pydantic import BaseModel
from core_api.infra.logging import configure_logging
from core_api.infra.settings import Settings
configure_logging(Settings(log_format="json"))
class Answer(BaseModel):
    count: int
Answer.model_construct(count="words of a document").model_dump_json()
"""


def test_a_warning_of_python_is_a_line_of_the_log_without_what_it_quotes() -> None:
    command = [sys.executable, "-c", WARNING]
    logged = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    line = json.loads(logged)
    assert (line["event"], line["category"], line["level"]) == ("python_warning", "UserWarning", "warning")
    assert ".py:" in line["place"]
    assert "words of" not in logged
