"""Every shared sample ends with text or with a reason that a person understands, in the sandbox as in production."""

import json
from pathlib import Path

import pytest

from core_api.infra.settings import Settings
from ingest.sandbox import Sandbox
from ingest.types import BlockKind, Parsed, ParseFailed

pytestmark = pytest.mark.data

FAILURES = {
    "eml__empty.eml": "empty",
    "empty.txt": "empty",
    "empty.xlsx": "no_text",
    "onyx__empty.pdf": "no_text",
    "onyx__encrypted.pdf": "password_protected",
    "pdf__password.pdf": "password_protected",
    "password_protected.xlsx": "password_protected",
}
FACTS = {  # words that a reader of the file would look for
    "2023-half-year-analyses-by-segment.xlsx": "Zone NA; Sales (a): 12553",
    "autorag__kbo_table_text.pdf": "주·야간경기",
    "docx-tables.docx": "Header Col 1: Header Col 2",
    "eml__mime-word-encoded-subject.eml": "Unicode subject",
    "example-steelJIS-datasheet-utf-16.html": "C: 0.39 - 0.46",
    "factbook-utf-16.xml": "name: Canada; capital: Ottawa",
    "fake-email-attachment.msg": "Hey this is a fake attachment!",
    "fake-html-cp1252.html": "L'été était très chaud",
    "fake-power-point.ppt": "Find the bullet slide layout",
    "fake-text-utf-16-le.txt": "- Hamburgers are delicious",
    "fake.odt": "Header row: Time; Mon: 1pm",
    "handbook-872p.docx": "LANGUAGE INTERPRETERS",
    "img__english-and-korean.png": "안녕하세요",
    "pdf__korean-text-with-tables.pdf": "빅포인트의 유효기간은 5년",
    "pdf__layout-parser-paper-fast.pdf": "A Unified Toolkit for Deep Learning Based Document Image Analysis",
    "simple.zip": "Team: Blues; Location: STL",
    "stanley-cups.xlsx": "Team: Maple Leafs; Location: TOR; Stanley Cups: 13",
    "tests-example.xls": "Bagpipes are awesome",
    "winter-sports.epub": "Winter Sports in Switzerland",
}


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "parser_samples"


@pytest.fixture(scope="module")
def outcomes(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Parsed | ParseFailed]:
    found: dict[str, Parsed | ParseFailed] = {}
    with Sandbox(Settings(data_dir=tmp_path_factory.mktemp("data"))) as sandbox:
        for path in sorted((folder / "files").iterdir()):
            try:
                found[path.name] = sandbox.parse(path, path.name)
            except ParseFailed as failure:
                found[path.name] = failure
    return found


def test_every_sample_is_there_and_ends(folder: Path, outcomes: dict[str, Parsed | ParseFailed]) -> None:
    assert set(outcomes) == {entry["file"] for entry in json.loads((folder / "manifest.json").read_text())}


def test_only_the_unreadable_fail_and_say_why(outcomes: dict[str, Parsed | ParseFailed]) -> None:
    failed = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, ParseFailed)}
    allowed = {"needs_program"}  # where LibreOffice or tesseract is not installed
    assert {name: failure.reason for name, failure in failed.items() if failure.reason not in allowed} == FAILURES
    assert all(len(failure.detail) > 15 for failure in failed.values())


def test_what_a_reader_would_look_for_is_in_the_text(outcomes: dict[str, Parsed | ParseFailed]) -> None:
    for name, words in FACTS.items():
        outcome = outcomes[name]
        if isinstance(outcome, ParseFailed):
            assert outcome.reason == "needs_program", name
            continue
        text = "\n".join([outcome.title or "", *(block.text for block in outcome.blocks)])
        assert words in text, name


def test_no_sample_leaves_marks_or_control_characters(outcomes: dict[str, Parsed | ParseFailed]) -> None:
    for name, outcome in outcomes.items():
        if isinstance(outcome, Parsed):
            text = "".join(block.text for block in outcome.blocks)
            assert not any(ord(char) < 32 and char not in "\n\t" for char in text), name
            assert "\ufdd0" not in text, name
            assert "\ufffd" not in text or name.startswith("pdf"), name


@pytest.mark.parametrize("name", ["handbook", "korean_docs"])
def test_every_markdown_file_of_the_corpora_is_read(shared_data: Path, tmp_path: Path, name: str) -> None:
    with Sandbox(Settings(data_dir=tmp_path)) as sandbox:
        files = sorted((shared_data / name).rglob("*.md"))
        assert files
        for path in files:
            if path.read_text().strip().startswith("<GithubDiscussionsDetail"):  # a page that is one component
                continue
            parsed = sandbox.parse(path, path.name)
            prose = [block.text for block in parsed.blocks if block.kind is not BlockKind.CODE]
            assert not any("{%" in text for text in prose), path
