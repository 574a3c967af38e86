"""`nexus index migrate` and `nexus eval build|gate`, as people run them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals import own_data
from evals.judging import judge
from tests.nexus.conftest import Ran
from tests.retrieval.test_embedding import make_model

Nexus = Callable[..., Ran]
TOPICS = ("parental leave", "travel costs", "server restarts", "kitchen rota", "budget rules", "garden tools")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Documents with titles, headings and links."""
    files = tmp_path / "docs"
    files.mkdir()
    for topic in TOPICS:
        text = f"# All about {topic}\n\nOn {topic} we agree.\n\n## Rules of {topic}\n\nAll read {topic}.\n"
        (files / f"{topic.replace(' ', '-')}.md").write_text(text)
    links = (
        "See [who restarts the machines](server-restarts.md), [here](travel-costs.md) and [x y](https://a.example/b)."
    )
    (files / "links.md").write_text(f"# Where things stand\n\n{links}\n")
    return files


def test_a_model_is_changed_by_command_and_the_gate_stands_in_between(
    nexus: Nexus, folder: Path, tmp_path: Path
) -> None:
    assert nexus("import", str(folder), "--space", "Team", "--json").code == 0
    first = nexus("eval", "build", "--json").json()
    assert first["by_origin"] == {"title": 7, "heading": 6, "link": 1}
    golden = Path(first["file"]).read_text()
    assert nexus("eval", "build", "--json").json() == first
    assert Path(first["file"]).read_text() == golden
    words = {row["query"]: row for row in map(json.loads, golden.splitlines())}
    assert "who restarts the machines" in words
    assert "here" not in words

    run = nexus("eval", "gate", "--json").json()
    assert run["passed"]
    again = nexus("eval", "gate", "--json").json()
    assert (again["passed"], again["difference"], again["queries"]) == (True, 0.0, 14)
    _pretend_it_was_better(Path(first["file"]).parent / "own-baseline.json")
    assert nexus("eval", "gate").code == 1

    model = str(make_model(tmp_path / "model", "mean"))
    built = nexus("index", "migrate", "--model", model, "--throttle", "1", "--no-flip", "--json").json()
    assert (built["active"]["dimensions"], built["change"]["state"]) == (384, "ready")
    assert built["change"]["gate"]["of"] == "golden set"
    assert built["change"]["gate"]["semantic"]["queries"] == 14
    flipped = nexus("index", "migrate", "--model", model, "--throttle", "1", "--force", "--json").json()
    assert (flipped["active"]["dimensions"], flipped["change"]["state"]) == (32, "active")
    assert nexus("search", "travel costs", "--json").json()["hits"]
    back = nexus("index", "rollback", "--json").json()
    assert (back["active"]["dimensions"], back["change"]["state"]) == (384, "rolled_back")
    assert nexus("search", "travel costs", "--json").json()["hits"][0]["source"]["title"] == "All about travel costs"


def _pretend_it_was_better(path: Path) -> None:
    """A baseline as if it had been far better: the run of now must look worse."""
    run: dict[str, Any] = json.loads(path.read_text())
    run["per_query"]["all"] = {query: value + 0.5 for query, value in run["per_query"]["all"].items()}
    path.write_text(json.dumps(run))


def test_judging_tells_a_fall_from_noise() -> None:
    before = {str(n): 1.0 for n in range(60)}
    assert judge(before, before).passed
    assert not judge(before, {key: 0.0 if int(key) < 20 else 1.0 for key in before}).passed
    # One question of sixty may be chance.
    assert judge(before, {**before, "0": 0.0}).passed
    assert judge({}, {}).passed
    up = judge(dict.fromkeys(before, 0.5), before)
    assert (up.passed, up.better, up.worse, up.queries) == (True, 60, 0, 60)


def test_a_golden_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    queries = [own_data.GoldenQuery("a", "육아휴직 신청", ("document:1",), "title", "kim")]
    path = tmp_path / "golden.jsonl"
    own_data.save(queries, path)
    assert own_data.load(path) == queries
