"""The command line, with no server running: everything happens in process."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.nexus.conftest import Ran

Nexus = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A few documents of a small company."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "leave.md").write_text(
        "# Leave\n\n## Requesting leave\n\nTo request leave, fill in the absence form in Atlas two weeks before.\n\n"
        "## Parental leave\n\nParents may take twelve weeks of paid parental leave.\n"
    )
    (folder / "travel.txt").write_text("The per diem for business travel is 45 euros a day.\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 this is no PDF")
    return folder


def test_a_folder_is_imported_searched_and_asked(nexus: Nexus, folder: Path) -> None:
    imported = nexus("import", str(folder), "--space", "Handbook")
    assert imported.code == 1  # one file failed
    assert "2" in imported.out
    assert "broken.pdf" in imported.out

    found = nexus("search", "parental leave", "--mode", "hybrid", "--json").json()
    assert "twelve weeks" in found["hits"][0]["text"]
    assert found["mode"] == "hybrid"
    assert "twelve weeks" in nexus("search", "parental leave").out

    answer = nexus("ask", "How do I request leave?", "--json").json()
    assert "absence form" in answer["answer"]
    assert answer["citations"][0]["verified"]
    shown = nexus("ask", "What is the per diem?", "--space", "Handbook")
    assert "45 euros" in shown.out
    assert "[1]" in shown.out

    status = nexus("index", "status", "--json").json()
    assert status["sources"]["indexed"] == 2
    assert [failure["error_code"] for failure in status["failures"]] == ["malformed"]
    assert "broken" in nexus("index", "status").out


def test_importing_again_updates_and_never_duplicates(nexus: Nexus, folder: Path) -> None:
    (folder / "broken.pdf").unlink()
    first = nexus("import", str(folder), "--space", "Handbook", "--json")
    assert first.code == 0
    (folder / "travel.txt").write_text("The per diem for business travel is 50 euros a day.\n")
    again = nexus("import", str(folder), "--space", "Handbook", "--json")
    finished = json.loads(again.out.splitlines()[-1])
    assert (finished["event"], finished["created"], finished["updated"], finished["unchanged"]) == ("finished", 0, 1, 1)
    hits = nexus("search", "per diem", "--mode", "keyword", "--json").json()["hits"]
    assert ["50 euros" in hit["text"] for hit in hits] == [True]


def test_what_to_import_can_be_chosen(nexus: Nexus, folder: Path) -> None:
    nexus("import", str(folder), "--space", "A", "--include", "*.md")
    nexus("import", str(folder), "--space", "B", "--exclude", "*.pdf", "--exclude", "leave.*")
    titles = {
        hit["source"]["title"] for hit in nexus("search", "leave travel", "--space", "A", "--json").json()["hits"]
    }
    assert titles == {"Leave"}
    titles = {
        hit["source"]["title"] for hit in nexus("search", "leave travel", "--space", "B", "--json").json()["hits"]
    }
    assert titles == {"travel"}


def test_the_index_can_be_reconciled_reindexed_and_retried(nexus: Nexus, folder: Path) -> None:
    nexus("import", str(folder), "--space", "Handbook")
    before = nexus("search", "parental leave", "--json").json()["hits"][0]["chunk_id"]
    for command in ("reconcile", "reindex", "retry"):
        assert nexus("index", command).code == 0
    assert nexus("index", "reindex", "--space", "Handbook", "--json").code == 0
    assert nexus("search", "parental leave", "--json").json()["hits"][0]["chunk_id"] == before


def test_mistakes_are_told_in_words_with_what_to_do(nexus: Nexus, data_dir: Path, tmp_path: Path) -> None:
    unknown = nexus("search", "leave", "--space", "Nowhere")
    assert (unknown.code, "no space called 'Nowhere'" in unknown.err) == (1, True)
    assert nexus("search", " ").code == 1
    missing = nexus("import", str(tmp_path / "missing"), "--space", "X")
    assert missing.code == 1
    assert "no such file" in missing.out
    a_file = tmp_path / "file"
    a_file.write_text("x")
    unusable = nexus("index", "status", "--data-dir", str(a_file / "data"))
    assert (unusable.code, "NEXUS_DATA_DIR" in unusable.err) == (1, True)
    assert nexus("search", "x", "--mode", "magic").code != 0
    assert "Traceback" not in unknown.err + unusable.err


def test_every_command_explains_itself(nexus: Nexus) -> None:
    for command in (
        [],
        ["serve"],
        ["import"],
        ["search"],
        ["ask"],
        ["token"],
        ["login"],
        ["secret-key"],
        ["user"],
        ["user", "add"],
        ["index"],
        ["backup"],
        ["backup", "create"],
        ["backup", "verify"],
        ["restore"],
        ["migrate-to-server"],
        ["eval"],
        ["eval", "answers"],
    ):
        shown = nexus(*command, "--help")
        assert shown.code == 0
        assert "Usage" in shown.out


def test_search_can_be_graded_and_runs_compared(nexus: Nexus, tmp_path: Path, data_dir: Path) -> None:
    collection = tmp_path / "tiny"
    (collection / "qrels").mkdir(parents=True)
    corpus = [("1", "Cats sleep most of the day."), ("2", "Trains run on rails."), ("3", "Bread is made of flour.")]
    queries = [("a", "What do cats do?"), ("b", "What is bread made of?")]
    (collection / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": key, "title": "", "text": text}) + "\n" for key, text in corpus)
    )
    (collection / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": key, "text": text}) + "\n" for key, text in queries)
    )
    (collection / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\na\t1\t1\nb\t3\t1\n")
    first = nexus("eval", "retrieval", str(collection), "--name", "first", "--json").json()
    assert set(first["metrics"]) == {"hybrid", "semantic", "keyword"}
    assert first["metrics"]["hybrid"]["nDCG@10"] == 1.0
    second = nexus("eval", "retrieval", str(collection), "--name", "second", "--compare", "first")
    assert second.code == 0
    assert "nDCG@10" in second.out
    assert (data_dir / "evals" / "second.html").read_text().startswith("<!")


def test_answers_can_be_graded(nexus: Nexus, tmp_path: Path) -> None:
    context = "The harbour office opens at seven. Boats longer than twelve metres pay a fee of thirty euros."
    question = {
        "id": "1",
        "question": "When does the harbour office open?",
        "answers": [{"text": "seven", "answer_start": 28}],
    }
    squad = {"version": "1.1", "data": [{"title": "Harbour", "paragraphs": [{"context": context, "qas": [question]}]}]}
    file = tmp_path / "harbour.json"
    file.write_text(json.dumps(squad))
    result = nexus("eval", "answers", str(file), "--json").json()
    assert result["kind"] == "answers"
