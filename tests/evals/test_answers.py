"""Answers are graded on the real product: what they contain, whether their citations hold, when they abstain."""

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.citations import Citation, CitedSource, CitedSpace, digest
from core_api.infra.settings import Settings
from core_api.models import utcnow
from evals import report
from evals.answers import holds, is_supported, run
from evals.containment import contains_answer

PARAGRAPHS = [
    (
        "The lighthouse of Norhaven was built in 1889 by Ada Brunel. It is 42 metres high.",
        "Who built the lighthouse of Norhaven?",
        "Ada Brunel",
    ),
    (
        "Copper is mined in the hills of Veltra. The mine employs 300 people.",
        "What is mined in the hills of Veltra?",
        "Copper",
    ),
    ("The festival of kites is held each October in Sundal.", "When is the festival of kites held?", "October"),
    ("Old Sundal had a wall with seven gates.", "How many gates had the wall of Old Sundal?", "seven"),
    ("The river Ister carries barges to the harbour.", "What does the river Ister carry to the harbour?", "barges"),
    ("The ferry to Pellworm leaves at dawn.", "When does the ferry to Pellworm leave?", "dawn"),
    ("한강은 서울을 가로지르는 강이다. 길이는 494km이다.", "서울을 가로지르는 강은?", "한강"),
    ("Glassmaking came to Murrow with monks.", "Who brought glassmaking to Murrow?", "monks"),
    ("The archive of Tarn holds nine thousand maps.", "What does the archive of Tarn hold?", "maps"),
    ("Windmills of Holm grind barley.", "What do the windmills of Holm grind?", "barley"),
]


@pytest.fixture(scope="module")
def squad_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def paragraph(number: int, context: str, question: str, answer: str) -> dict[str, Any]:
        answers = [{"text": answer, "answer_start": context.find(answer)}]
        return {"context": context, "qas": [{"id": f"q{number}", "question": question, "answers": answers}]}

    paragraphs = [paragraph(number, *row) for number, row in enumerate(PARAGRAPHS)]
    impossible = {
        "id": "q-none",
        "question": "Which emperor painted the opera of Zanzibar?",
        "answers": [],
        "is_impossible": True,
    }
    paragraphs[0]["qas"].append(impossible)
    file = tmp_path_factory.mktemp("squad") / "small.json"
    file.write_text(json.dumps({"version": "v2.0", "data": [{"title": "x", "paragraphs": paragraphs}]}))
    return file


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("evaluation"), models_cache=model_cache, log_level="error")


@pytest.fixture(scope="module")
def graded(settings: Settings, squad_file: Path) -> report.Run:
    return run(settings, squad_file, mixed=True)


def test_the_product_is_graded_on_what_its_answers_contain(graded: report.Run) -> None:
    answerable = graded.metrics["answerable"]
    assert answerable["questions"] == len(PARAGRAPHS)
    assert answerable["contains the answer"] >= 0.8
    assert answerable["citations hold"] == 1.0
    assert answerable["cites the paragraph"] >= 0.8
    assert 0 < answerable["sentences shown"] <= answerable["most sentences"] <= 3
    assert answerable["p95 ms"] >= answerable["p50 ms"] > 0
    assert graded.parameters["answers by"] == "extractive"


def test_what_cannot_be_answered_is_graded_by_abstention(graded: report.Run) -> None:
    assert graded.metrics["impossible"] == {"questions": 1, "abstained": 1.0, "confident": 0.0, "citations hold": 1.0}
    absent = graded.metrics["answer not there"]
    assert absent["questions"] >= 3
    assert absent["abstained"] >= 0.6


def test_the_confidence_is_graded_on_half_of_the_paragraphs(graded: report.Run) -> None:
    half = graded.metrics["half of the paragraphs"]
    assert half["questions"] == len(PARAGRAPHS) + 1
    assert 0.2 <= half["answerable"] <= 0.8
    assert half["AUROC of answerable"] >= 0.9
    assert 0 <= half["calibration error"] <= 0.5
    answerable = graded.metrics["answerable"]
    assert answerable["in the first sentence"] <= answerable["contains the answer"]
    assert answerable["sentences supported"] == 1.0


def test_a_sentence_is_supported_by_a_quote_with_its_words_and_numbers() -> None:
    quotes = ["The ferry to Pellworm leaves at 6 every morning."]
    assert is_supported("The ferry leaves at 6 every morning.", quotes)
    assert not is_supported("The ferry leaves at 7 every morning.", quotes)
    assert not is_supported("Pellworm has a famous lighthouse.", quotes)


def test_the_run_is_kept_and_can_be_compared(graded: report.Run, settings: Settings) -> None:
    kept = report.load("answers-small", settings.data_dir)
    assert kept == graded
    assert set(graded.per_query["answerable"]) == {f"q{number}" for number in range(len(PARAGRAPHS))}
    page = settings.data_dir / "page.html"
    report.write_html(graded, page)
    assert "contains the answer" in page.read_text()


def test_a_limit_keeps_the_first_questions(settings: Settings, squad_file: Path) -> None:
    small = run(settings, squad_file, limit=2, mixed=False, name="two")
    assert small.parameters["questions"] == 2
    assert "answer not there" not in small.metrics


@pytest.mark.parametrize(
    ("shown", "gold", "expected"),
    [
        ("It was the Eiffel Tower, in Paris.", "Eiffel tower", True),
        ("They scored 1308 points.", "308", False),
        ("A U.S. court ruled.", "US court", True),
        ("It is the.", "the", False),
        ("Tyndale's Bible of 1525–26.", "Tyndale", True),
        ("Tyndale's Bible of 1525–26.", "26", True),
        ("그는 1989년에 《서울 이야기》를 썼다.", "서울이야기", True),
        ("길이는 494km이다.", "494km", True),
        ("그는 서울에 갔다.", "부산", False),
    ],
)
def test_containment_compares_as_the_official_scripts_do(shown: str, gold: str, expected: bool) -> None:
    assert contains_answer(shown, gold) is expected


def test_a_citation_holds_only_with_its_span_and_its_hash() -> None:
    text = "One sentence. Another sentence."

    def cited(start: int, end: int, quote: str, **more: Any) -> Citation:
        fields: dict[str, Any] = {
            "marker": 1,
            "chunk_id": "c",
            "source": CitedSource(kind="document", id="d", title="", version=1, url=""),
            "space": CitedSpace(id="s", name=""),
            "heading": "",
            "page": None,
            "quote": quote,
            "start": start,
            "end": end,
            "sha256": digest(quote),
            "verified": True,
            "updated_at": utcnow(),
        }
        return Citation(**(fields | more))

    assert holds(cited(0, 13, "One sentence."), text)
    assert not holds(cited(1, 14, "One sentence."), text)
    assert not holds(cited(0, 13, "One sentence.", sha256=digest("other")), text)
    assert not holds(cited(0, 13, "One sentence.", verified=False), text)
