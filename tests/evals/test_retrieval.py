"""`nexus eval retrieval`, through the product's own path."""

import json
from pathlib import Path

import pytest
from filelock import FileLock
from rich.console import Console

from core_api.infra.errors import Invalid, NotFound, Unavailable
from core_api.infra.settings import Settings
from evals import report, retrieval, runner
from evals.datasets import load_retrieval
from evals.report import Run
from retrieval.types import Mode

DOCUMENTS = {
    "leave": ("Leave", "Employees get sixteen weeks of parental leave with full pay."),
    "travel": ("Travel", "Train tickets are booked by the office and paid by the company."),
    "kitchen": ("", "The coffee machine is cleaned on Fridays by whoever used it last."),
    "servers": ("Servers", "The servers are restarted at night, when nobody works."),
    "empty": ("Empty", ""),
}
QUERIES = {"q1": ("how long is parental leave", "leave"), "q2": ("who cleans the coffee machine", "kitchen")}


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collections") / "toy"
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": name, "title": title, "text": text} for name, (title, text) in DOCUMENTS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "queries.jsonl").write_text(
        "\n".join(json.dumps({"_id": name, "text": text}) for name, (text, _) in QUERIES.items())
    )
    judged = "".join(f"{name}\t{document}\t1\n" for name, (_, document) in QUERIES.items())
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return folder


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("data"), models_cache=model_cache, log_level="error")


@pytest.fixture(scope="module")
def first(settings: Settings, collection: Path) -> Run:
    return retrieval.run(settings, collection, name="first")


def test_a_run_reports_every_mode(first: Run) -> None:
    assert set(first.metrics) == {"hybrid", "semantic", "keyword"}
    for row in first.metrics.values():
        assert row["MRR@10"] == row["nDCG@10"] == row["recall@10"] == row["recall@100"] == 1.0
        assert 0 < row["p50 ms"] <= row["p95 ms"]
    assert first.parameters["documents"] == 5
    assert first.parameters["passages"] == 4
    assert first.per_query["hybrid"] == {"q1": 1.0, "q2": 1.0}
    assert "1 of 5 documents could not be indexed" in first.notes[0]


def test_the_next_run_finds_the_collection_indexed_and_is_compared(
    settings: Settings, collection: Path, first: Run
) -> None:
    seen: list[str] = []
    second = retrieval.run(
        settings, collection, limit=1, modes=[Mode.KEYWORD], progress=lambda step, done, total: seen.append(step)
    )
    assert second.name == "retrieval-toy-test"
    assert "Storing" not in seen
    assert list(second.metrics) == ["keyword"]
    assert second.parameters["queries"] == 1
    assert report.saved(settings.data_dir) == ["first", "retrieval-toy-test"]
    changed = report.differences(second, report.load("first", settings.data_dir))["keyword"]
    assert changed["nDCG@10"] == 0
    assert (changed["better"], changed["worse"], changed["p"]) == (0, 0, 1.0)
    assert report.summary(second, first)["baseline"] == "first"


def test_a_run_is_kept_and_read_again(settings: Settings, first: Run) -> None:
    assert report.load("first", settings.data_dir) == first
    assert report.load(str(settings.data_dir / "evals" / "first.json"), settings.data_dir) == first
    with pytest.raises(NotFound, match="first"):
        report.load("another", settings.data_dir)
    with pytest.raises(Invalid):
        report.load("../first", settings.data_dir)
    bad = settings.data_dir / "bad.json"
    bad.write_text("{}")
    with pytest.raises(Invalid):
        report.load(str(bad), settings.data_dir)


def test_the_page_stands_alone(settings: Settings, first: Run, tmp_path: Path) -> None:
    before = Run(**{**report.summary(first), "name": "<b>before</b>", "metrics": {"hybrid": {"nDCG@10": 0.5}}})
    path = tmp_path / "pages" / "first.html"
    report.write_html(first, path, before)
    page = path.read_text()
    assert page.count("<svg") == 3
    assert "nDCG@10" in page
    assert "+0.5000" in page
    assert "<b>before</b>" not in page
    assert "&lt;b&gt;before&lt;/b&gt;" in page
    assert "src=" not in page


def test_the_table_shows_values_and_differences(first: Run) -> None:
    worse = Run(**{**report.summary(first), "name": "worse", "per_query_metric": "nDCG@10"})
    worse.metrics["hybrid"] = {**first.metrics["hybrid"], "nDCG@10": 0.25}
    worse.per_query["hybrid"] = {"q1": 0.0, "q2": 0.5}
    console = Console(record=True, width=160)
    report.print_run(first, console, worse)
    text = console.export_text()
    assert "1.0000" in text
    assert "+0.7500" in text
    assert "2 better, 0 worse" in text
    assert "could not be indexed" in text


def test_two_runs_on_one_collection_do_not_mix(settings: Settings, collection: Path, first: Run) -> None:
    dataset = load_retrieval(collection)
    (folder,) = runner.corpora_dir(settings).iterdir()
    with (
        FileLock(folder / "evaluation.lock"),
        pytest.raises(Unavailable, match="Another evaluation"),
        runner.indexed_corpus(settings, "toy", dataset.documents),
    ):
        pytest.fail("it was opened")


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [("p95 ms", 3.14159, "3.1"), ("nDCG@10", 0.5, "0.5000"), ("questions", 120.0, "120"), ("x", None, "")],
)
def test_values_are_shown_by_their_unit(metric: str, value: float | None, text: str) -> None:
    assert report.shown(metric, value) == text


def test_names_of_runs_are_bounded() -> None:
    assert report.run_name(None, "retrieval", "a b/c") == "retrieval-a-b-c"
    with pytest.raises(Invalid):
        report.run_name("../x", "retrieval", "d")
