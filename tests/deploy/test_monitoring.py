"""What comes with the product for Prometheus and Grafana fits it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from core_api.infra.database import Database
from core_api.infra.metrics import REGISTRY
from core_api.infra.settings import Settings
from core_api.ops.state import DatabaseState, DiskState
from tests.databases import SqliteDatabases

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "deploy" / "monitoring"


@pytest.fixture(scope="module")
def names(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all metrics of our own, as they are asked for in Prometheus."""
    database = Database(sqlite_databases.copy())
    state = DatabaseState(database)
    state.keyword_position = lambda: 0
    disk = DiskState(Settings(data_dir=tmp_path_factory.mktemp("data")))
    found = set()
    for family in [*REGISTRY.collect(), *state.collect(), *disk.collect()]:
        if family.name.startswith("nexus_"):
            found.add(f"{family.name}_total" if family.type == "counter" else family.name)
    database.dispose()
    assert len(found) >= 20
    return found


def used_in(text: str) -> set[str]:
    """Metrics that are asked for somewhere: histograms by their parts."""
    found = set(re.findall(r"\bnexus_[a-z_]+", text))
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in found}


@pytest.mark.parametrize(
    "command",
    [("check", "config", "prometheus.yml"), ("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")],
)
def test_prometheus_takes_the_files(command: tuple[str, ...]) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    checked = subprocess.run(["promtool", *command], cwd=MONITORING, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alerts_ask_for_metrics_that_there_are(names: set[str]) -> None:
    rules = _rules()
    asked = {name for rule in rules for name in used_in(rule["expr"])}
    assert asked
    assert asked <= names
    assert all({"summary", "action"} == set(rule["annotations"]) for rule in rules)


def test_every_alert_is_tested() -> None:
    tested = set(re.findall(r"Nexus[A-Za-z]+", (MONITORING / "alerts_test.yml").read_text()))
    assert tested == {rule["alert"] for rule in _rules()}


def test_the_dashboard_asks_for_metrics_that_there_are(names: set[str]) -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(queries) > 10
    for query in queries:
        assert used_in(query) <= names, query
        assert re.findall(r"\b(?:nexus|process|up)[a-z_]*", query), query
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_documentation_has_every_metric(names: set[str]) -> None:
    text = (ROOT / "docs" / "observability.md").read_text()
    assert {name for name in names if f"`{name}`" not in text} == set()
    assert {name for name in used_in(text) if name not in names and f"{name}_total" not in names} == set()


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]
