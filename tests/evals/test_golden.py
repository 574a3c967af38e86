"""Golden sets: questions of employees over folders of files."""

import json
from pathlib import Path

import pytest

from core_api.infra.errors import Invalid
from core_api.infra.settings import Settings
from evals import retrieval
from evals.golden import golden_names, load_golden
from retrieval.types import Mode

SHARED = Path("/work/shared/data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "hr").mkdir(parents=True)
    (tmp_path / "docs" / "hr" / "leave.md").write_text("# Leave\n\nParental leave is sixteen weeks with full pay.\n")
    (tmp_path / "docs" / "travel.md").write_text("# Travel\n\nTrain tickets are booked by the office.\n")
    (tmp_path / "chats").mkdir()
    chats = [
        {"conversation_id": "one", "text": "A: Who cleans the coffee machine? B: Whoever used it last."},
        {"conversation_id": "two", "text": "A: The servers restart at night."},
    ]
    (tmp_path / "chats" / "all.json").write_text(json.dumps(chats))
    (tmp_path / "unrelated").mkdir()
    (tmp_path / "unrelated" / "x.md").write_text("Nothing.")
    questions = [
        {"id": "1", "question": "how long may parents stay at home", "files": ["docs/hr/leave.md"]},
        {"id": "2", "question": "who cleans the coffee machine", "files": ["chats/all.json#one"]},
    ]
    (tmp_path / "set.jsonl").write_text("\n".join(map(json.dumps, questions)) + "\n")
    return tmp_path


def test_files_and_records_are_documents(folder: Path) -> None:
    loaded = load_golden(str(folder / "set.jsonl"), folder)
    assert [document.id for document in loaded.documents] == [
        "chats/all.json#one",
        "chats/all.json#two",
        "docs/hr/leave.md",
        "docs/travel.md",
    ]
    assert loaded.qrels == {"1": {"docs/hr/leave.md": 1}, "2": {"chats/all.json#one": 1}}
    before = loaded.digest()
    (folder / "docs" / "travel.md").write_text("# Travel\n\nBy bus.\n")
    assert load_golden(str(folder / "set.jsonl"), folder).digest() != before


def test_a_set_is_asked_through_the_products_own_path(folder: Path, tmp_path: Path, model_cache: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", models_cache=model_cache, log_level="error")
    run = retrieval.run(settings, folder, golden=str(folder / "set.jsonl"), modes=[Mode.HYBRID])
    assert run.name == "retrieval-golden-set"
    assert run.metrics["hybrid"]["recall@10"] == 1.0
    assert run.parameters["documents"] == 4


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("not json", "line 1"),
        ('{"id": 1, "question": "x"}', "line 1"),
        ('{"id": 1, "question": " ", "files": ["a"]}', "line 1"),
        ('{"id": 1, "question": "x", "files": ["docs/gone.md"]}', "lacks 1 files"),
        ("", "no questions"),
    ],
)
def test_what_is_wrong_with_a_set_is_said(folder: Path, line: str, says: str) -> None:
    (folder / "set.jsonl").write_text(line)
    with pytest.raises(Invalid, match=says):
        load_golden(str(folder / "set.jsonl"), folder)
    with pytest.raises(Invalid, match="company, korean_docs"):
        load_golden("nowhere", folder)


def test_sixty_questions_come_with_the_product() -> None:
    assert golden_names() == ["company", "korean_docs"]


@pytest.mark.parametrize("name", ["company", "korean_docs"])
def test_the_files_that_answer_exist(name: str) -> None:
    if not (SHARED / name).is_dir():
        pytest.skip(f"{SHARED / name} is not here")
    loaded = load_golden(name, SHARED / name)
    assert len(loaded.queries) == 30
    assert len(set(loaded.queries.values())) == 30
