"""Server mode as a whole: the processes, what they share, and what doctor says of them."""

import asyncio
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import AssistantSetting
from core_api.models.assistant import INSTALLATION
from evals.load.mixed import mixed
from tests.cluster import Cluster, cluster, until
from tests.nexus.conftest import Ran
from tests.product import run_nexus


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("installation") / "nexus", model_cache) as made:
        yield made


def test_what_one_api_takes_in_a_worker_indexes_and_another_api_finds(installation: Cluster) -> None:
    first, worker, second = installation.api(), installation.worker(), installation.api()
    leader = installation.beat()
    until(lambda: "beat_leads" in leader.log())
    until(lambda: "warmed_up" in first.service.log())
    # Somebody waits for the API; what is done in the background comes second on a machine that they share.
    assert first.service.niceness < worker.niceness == leader.niceness
    space = first.space("Animals")
    for number in range(10):
        first.put(space, f"{number}.md", f"# Animal {number}\n\nThe okapi eats {number + 20} leaves a day.")
    first.idle()
    for mode in ("hybrid", "semantic", "keyword"):
        until(lambda mode=mode: len(set(second.found("okapi leaves", mode))) == 10)  # type: ignore[misc]
        # Each follows at its own pace: what one finds by meaning may not be in its keyword index yet.
        until(lambda mode=mode: first.found("okapi leaves", mode) == second.found("okapi leaves", mode), 10)  # type: ignore[misc]
    second.put(space, "3.md", "# Animal 3\n\nThe quokka smiles.")
    until(lambda: second.found("quokka", "keyword") == ["Animal 3"], 20)
    until(lambda: first.found("quokka", "keyword") == ["Animal 3"], 20)

    report = asyncio.run(mixed([first.url, second.url], installation.token, 4, 8, 0.2, 4))
    assert (report.errors, report.first_error) == (0, "")
    assert {"search", "read"} <= set(report.by_request)

    told = json.loads(run_nexus(installation.environment, "doctor", "--json").stdout)
    assert {finding["state"] for finding in told if finding["part"] not in ("secret keys", "python")} == {"ok"}, told
    assert {"database", "schema", "chroma", "redis", "workers", "beat"} <= {finding["part"] for finding in told}

    assert worker.stop(signal.SIGTERM) == 0
    assert leader.stop(signal.SIGTERM) == 0
    told = json.loads(run_nexus(installation.environment, "doctor", "--json").stdout)
    failed = {finding["part"]: finding["todo"] for finding in told if finding["state"] == "failed"}
    assert set(failed) == {"workers", "beat"}
    assert "nexus worker" in failed["workers"]

    # What comes while no worker is there waits for one; one that does not look into a queue leaves it.
    first.put(space, "new.md", "# Wombat\n\nThe wombat digs.")
    only_edits = installation.worker("--queues", "interactive", "--threads", "1")
    first.put(space, "3.md", "# Animal 3\n\nThe quokka sleeps now.")
    until(lambda: first.found("sleeps", "keyword") == ["Animal 3"], 60)
    assert first.found("wombat", "keyword") == []
    told = json.loads(run_nexus(installation.environment, "doctor", "--json").stdout)
    assert [f["todo"] for f in told if f["part"] == "workers"] == [
        "Nobody looks into bulk, maintenance: start a `nexus worker` that does."
    ]
    installation.worker()
    until(lambda: first.found("wombat", "keyword") == ["Wombat"], 120)
    assert only_edits.stop() == 0


@pytest.mark.parametrize("command", ["api", "worker", "beat"])
def test_the_processes_of_server_mode_say_what_is_missing(
    nexus: Callable[..., Ran], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_REDIS_URL", "redis://127.0.0.1:1/0")
    ran = nexus(command)
    assert ran.code == 1
    assert "NEXUS_DATABASE_URL, NEXUS_CHROMA_URL" in ran.err
    assert "NEXUS_REDIS_URL," not in ran.err


def test_serve_is_embedded_mode(nexus: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXUS_REDIS_URL", "redis://127.0.0.1:1/0")
    ran = nexus("serve")
    assert ran.code == 1
    assert "nexus worker" in ran.err


def test_a_worker_refuses_a_queue_that_does_not_exist(
    nexus: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_DATABASE_URL", "postgresql+psycopg://nexus@127.0.0.1:1/nexus")
    monkeypatch.setenv("NEXUS_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("NEXUS_CHROMA_URL", "http://127.0.0.1:1")
    ran = nexus("worker", "--queues", "interactive,urgent")
    assert ran.code == 1
    assert "'urgent'" in ran.err
    assert "interactive, bulk, maintenance" in ran.err


def test_doctor_tells_what_does_not_answer_and_what_to_do(
    nexus: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_DATABASE_URL", "postgresql+psycopg://nexus@127.0.0.1:1/nexus")
    monkeypatch.setenv("NEXUS_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("NEXUS_CHROMA_URL", "http://127.0.0.1:1")
    ran = nexus("doctor", "--json")
    assert ran.code == 1
    states = {finding["part"]: finding["state"] for finding in json.loads(ran.out)}
    assert states["data directory"] == "ok"
    assert {states[part] for part in ("database", "redis", "chroma", "workers", "beat")} == {"failed"}


def test_doctor_on_a_data_directory_of_its_own(nexus: Callable[..., Ran]) -> None:
    nexus("token")  # makes the database
    told = nexus("doctor").out
    assert "SQLite" in told
    assert "redis" not in told
    assert "failed" not in told


def test_doctor_warns_of_a_cost_limit_that_no_price_makes_hold(
    nexus: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    nexus("token")
    database = Database(Settings().resolved_database_url)
    with database.transaction() as session:
        session.add(AssistantSetting(id=INSTALLATION, options={"model": "large", "most_cost": 0.5}))
    database.dispose()
    monkeypatch.setenv("NEXUS_LLM_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("NEXUS_LLM_MODELS", '["large"]')

    def found() -> Any:
        return next(one for one in json.loads(nexus("doctor", "--json").out) if one["part"] == "assistant")

    assert (found()["state"], found()["found"]) == ("warning", "no price of large")
    assert "NEXUS_LLM_PRICES" in found()["todo"]
    monkeypatch.setenv("NEXUS_LLM_PRICES", '{"large": [1, 2]}')
    assert found()["state"] == "ok"
