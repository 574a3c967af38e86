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


def test_the_gate_takes_a_set_of_ones_own_and_accepts_a_run_as_the_baseline(
    nexus: Nexus, folder: Path, tmp_path: Path
) -> None:
    assert nexus("import", str(folder), "--space", "Team", "--json").code == 0
    mine, kept = tmp_path / "mine.jsonl", tmp_path / "ci" / "baseline.json"
    assert nexus("eval", "build", "--file", str(mine), "--json").json()["file"] == str(mine)
    titles = [line for line in mine.read_text().splitlines() if json.loads(line)["origin"] == "title"]
    mine.write_text("\n".join(titles))
    gate = ("eval", "gate", "--file", str(mine))

    # A baseline in a file is made only when that is asked for: a wrong path would pass for ever.
    missing = nexus(*gate, "--baseline", str(kept))
    assert missing.code != 0
    assert "There is no run" in missing.err
    assert not kept.exists()
    for baseline in ("own-baseline", str(kept)):
        path = kept if baseline == str(kept) else tmp_path / "data" / "evals" / "own-baseline.json"
        first = nexus(*gate, "--baseline", baseline, "--accept", "--json").json()
        assert (first["passed"], first["parameters"]) == (True, {"queries": 7})
        _pretend_it_was_better(path)
        pretended = path.read_text()
        assert nexus(*gate, "--baseline", baseline).code == 1
        assert path.read_text() == pretended, "what is worse does not become the baseline by itself"
        accepted = nexus(*gate, "--baseline", baseline, "--accept")
        assert accepted.code == 0
        assert "worse" in accepted.out
        assert f"This run is the baseline '{baseline}' from now on." in accepted.out
        again = nexus(*gate, "--baseline", baseline, "--json").json()
        assert (again["passed"], again["difference"], again["queries"]) == (True, 0.0, 7)

    for wrong, says in (("", "empty"), ('{"id": "1"}', "line 1")):
        mine.write_text(wrong)
        refused = nexus(*gate)
        assert refused.code != 0
        assert says in refused.err
    assert "gone.jsonl" in nexus("eval", "gate", "--file", str(tmp_path / "gone.jsonl")).err


MEANT = {
    "puppy": "A young dog wants to play.",
    "physician": "The doctor sees patients on Mondays.",
    "automobile": "Every car has a parking place.",
    "infant": "For a baby there is a quiet room.",
    "salary": "Wages are paid at the end of the month.",
    "vacation": "Holidays are asked for in time.",
    "attorney": "A lawyer reads each contract.",
    "purchase": "To buy a chair, fill in the form.",
    "beverage": "Drinks are free: coffee, tea and water.",
    "illness": "Who is sick stays at home.",
    "timepiece": "The clock in the hall is slow.",
    "ocean": "The sea is far from here.",
    "kitten": "Our cat sleeps on the printer.",
    "bicycle": "A bike may be left in the yard.",
    "forest": "Behind the house are many trees.",
    "aircraft": "A plane is booked two weeks ahead.",
}


@pytest.fixture
def forgetful(tmp_path: Path) -> str:
    """A model that cannot tell one word from another."""
    from safetensors.torch import load_file, save_file

    model = make_model(tmp_path / "model", "mean")
    (file,) = model.rglob("model.safetensors")
    weights = load_file(file)
    (words,) = (name for name in weights if name.endswith("word_embeddings.weight"))
    weights[words].zero_()
    save_file(weights, file, metadata={"format": "pt"})
    return str(model)


def test_the_gate_keeps_a_worse_model_out(nexus: Nexus, tmp_path: Path, forgetful: str) -> None:
    files = tmp_path / "notes"
    files.mkdir()
    for number, text in enumerate(MEANT.values()):
        (files / f"{number}.md").write_text(f"# Note {number}\n\n{text}\n")
    assert nexus("import", str(files), "--space", "Team", "--json").code == 0
    golden = Path(nexus("eval", "build", "--json").json()["file"])
    rows = {row["query"]: row for row in map(json.loads, golden.read_text().splitlines())}
    asked = [rows[f"Note {number}"] | {"query": word, "id": word} for number, word in enumerate(MEANT)]
    golden.write_text("\n".join(map(json.dumps, asked)))

    migrate = ("index", "migrate", "--model", forgetful, "--throttle", "1")
    refused = nexus(*migrate)
    assert refused.code == 1
    assert "The gate says no: MRR@10 of 16 questions: 1.000 before" in refused.err
    assert "its vectors alone find little" in refused.err
    assert "`--force` uses the new model nevertheless" in refused.err
    now = nexus("index", "models", "--json").json()
    assert (now["active"]["dimensions"], now["change"]["state"]) == (384, "ready")
    gate = now["change"]["gate"]
    assert (gate["verdict"], gate["passed"]) == ("vectors_worse", False)
    assert gate["hybrid"]["now"] < gate["hybrid"]["before"] - 0.3
    assert "Gate not passed" in nexus("index", "models").out
    assert nexus(*migrate, "--json").code == 1, "asking again changes nothing"
    assert nexus("search", "puppy", "--json").json()["hits"][0]["source"]["title"] == "Note 0"


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
