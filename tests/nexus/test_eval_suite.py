"""`nexus eval suite`: every collection of a folder in one report."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.nexus.conftest import Ran

Nexus = Callable[..., Ran]
TEXTS = {
    "leave": "Employees get sixteen weeks of parental leave with full pay.",
    "kitchen": "The coffee machine is cleaned on Fridays by whoever used it last.",
    "servers": "The servers are restarted at night, when nobody works.",
}
ASKED = {"leave": "how long is parental leave", "kitchen": "who cleans the coffee machine"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Cranfield's layout and SQuAD's, and no other collection."""
    cranfield = tmp_path / "sets" / "cranfield"
    (cranfield / "qrels").mkdir(parents=True)
    rows = [{"_id": name, "title": "", "text": text} for name, text in TEXTS.items()]
    (cranfield / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    queries = [{"_id": name, "text": text} for name, text in ASKED.items()]
    (cranfield / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    (cranfield / "qrels" / "test.tsv").write_text("".join(f"{name}\t{name}\t1\n" for name in ASKED))
    # Asked for what another paragraph says: nothing that finds well meets the goal.
    wrong = {"id": "1", "question": ASKED["leave"], "answers": [{"text": "restarted"}]}
    paragraphs = [{"context": text, "qas": [wrong] if name == "servers" else []} for name, text in TEXTS.items()]
    (tmp_path / "sets" / "xquad_en").mkdir()
    (tmp_path / "sets" / "xquad_en" / "set.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    return tmp_path / "sets"


def test_one_report_has_every_figure_and_its_goal(nexus: Nexus, folder: Path, data_dir: Path, tmp_path: Path) -> None:
    met = nexus("eval", "suite", str(folder), "--only", "cranfield", "--file", str(tmp_path / "one" / "report.md"))
    assert met.code == 0, met.err
    text = (tmp_path / "one" / "report.md").read_text()
    assert text in met.out
    assert "| Cranfield | nDCG@10 | 1.0000 | 1.0000 | 1.0000 | 0.425 | met | 2 | 3 |" in text
    assert "python -m evals.goals" in text

    everything = nexus("eval", "suite", str(folder), "--json")
    assert everything.code == 1
    shown = json.loads(everything.out)
    assert {row["collection"]: row["met"] for row in shown["figures"]} == {
        "scifact": False,
        "cranfield": True,
        "korquad": False,
        "xquad_en": False,
        "company": False,
        "korean_docs": False,
    }
    text = (data_dir / "evals" / "suite.md").read_text()
    assert shown["file"] == str(data_dir / "evals" / "suite.md")
    assert "0.976 | **missed** | 1 | 3 |" in text
    assert "**not measured**: no folder `scifact`" in text
    # Each run is kept, to be compared with.
    assert {path.stem for path in (data_dir / "evals").glob("*.json")} == {"retrieval-cranfield-test", "retrieval-set"}


def test_what_is_not_there_is_refused(nexus: Nexus, folder: Path, tmp_path: Path) -> None:
    assert "there are scifact, cranfield" in nexus("eval", "suite", str(folder), "--only", "nothing").err
    assert "has none of scifact" in nexus("eval", "suite", str(tmp_path / "nowhere")).err
