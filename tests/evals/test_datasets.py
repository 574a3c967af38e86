"""Reading test collections."""

import json
from pathlib import Path

import pytest

from core_api.infra.errors import Invalid
from evals.datasets import load_beir, load_retrieval, load_squad


def beir(folder: Path, **splits: str) -> Path:
    (folder / "qrels").mkdir(parents=True)
    documents = [{"_id": "d1", "title": "One", "text": "First."}, {"_id": "d2", "text": "Second."}]
    queries = [
        {"_id": "q1", "text": "first?"},
        {"_id": "q2", "text": "second?"},
        {"_id": "q3", "text": "nobody judged"},
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, documents)) + "\n\n")
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)))
    for name, rows in splits.items():
        (folder / "qrels" / f"{name}.tsv").write_text("query-id\tcorpus-id\tscore\n" + rows)
    return folder


def test_a_beir_folder(tmp_path: Path) -> None:
    dataset = load_retrieval(beir(tmp_path / "toy", test="q1\td1\t2\nq2\td2\t1\nq2\td1\t0\n"))
    assert dataset.name == "toy-test"
    assert [(d.id, d.title, d.text) for d in dataset.documents] == [("d1", "One", "First."), ("d2", "", "Second.")]
    assert dataset.queries == {"q1": "first?", "q2": "second?"}
    assert dataset.qrels == {"q1": {"d1": 2}, "q2": {"d2": 1}}


def test_a_split_is_chosen_where_there_are_several(tmp_path: Path) -> None:
    folder = beir(tmp_path / "toy", train="q1\td1\t1\n", test="q2\td2\t1\n")
    assert load_beir(folder, "train").qrels == {"q1": {"d1": 1}}
    with pytest.raises(Invalid, match="several splits"):
        load_beir(folder)
    with pytest.raises(Invalid, match="it has test, train"):
        load_beir(folder, "dev")


def test_qrels_as_trec_writes_them_and_without_a_header(tmp_path: Path) -> None:
    folder = beir(tmp_path / "toy", test="")
    (folder / "qrels" / "test.tsv").write_text("q1\t0\td1\t1\n")
    assert load_beir(folder).qrels == {"q1": {"d1": 1}}


@pytest.mark.parametrize(
    ("rows", "words"),
    [("q1\td1\n", "line 2"), ("q9\td1\t1\n", "no text"), ("q1\td1\t0\n", "no judgement"), ("q1\td1\tgood\n", "line 2")],
)
def test_what_is_wrong_with_a_beir_folder_is_said(tmp_path: Path, rows: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        load_beir(beir(tmp_path / "toy", test=rows))


def test_broken_lines_are_named(tmp_path: Path) -> None:
    folder = beir(tmp_path / "toy", test="q1\td1\t1\n")
    for line, words in (("{broken", "is not JSON"), ("[1]", "not a JSON object"), ('{"_id": "d9"}', "no 'text'")):
        (folder / "corpus.jsonl").write_text(line)
        with pytest.raises(Invalid, match=words):
            load_beir(folder)
    (folder / "corpus.jsonl").unlink()
    with pytest.raises(Invalid, match="neither a BEIR folder"):
        load_retrieval(folder)
    with pytest.raises(Invalid, match="does not exist"):
        load_retrieval(tmp_path / "nowhere")


def squad(path: Path) -> Path:
    def paragraph(text: str, *questions: tuple[str, list[str]]) -> dict[str, object]:
        return {
            "context": text,
            "qas": [
                {"id": name, "question": f" {name}? ", "answers": [{"text": a, "answer_start": 0} for a in answers]}
                for name, answers in questions
            ],
        }

    data = [
        {"title": "A", "paragraphs": [paragraph("Seoul is big.", ("q1", ["Seoul", "Seoul"]), ("q2", []))]},
        {
            "title": "B",
            "paragraphs": [paragraph("Busan.", ("q3", ["Busan"])), paragraph("Seoul is big.", ("q4", ["big"]))],
        },
    ]
    path.write_text(json.dumps({"version": "v2.0", "data": data}))
    return path


def test_a_squad_file(tmp_path: Path) -> None:
    dataset = load_squad(squad(tmp_path / "toy.json"))
    assert [document.text for document in dataset.documents] == ["Seoul is big.", "Busan."]
    assert [(q.id, q.text, q.document_id, q.answers) for q in dataset.questions] == [
        ("q1", "q1?", "p00001", ("Seoul",)),
        ("q2", "q2?", "p00001", ()),
        ("q3", "q3?", "p00002", ("Busan",)),
        ("q4", "q4?", "p00001", ("big",)),
    ]
    assert load_squad(tmp_path).questions == dataset.questions
    assert dataset.for_retrieval().qrels == {"q1": {"p00001": 1}, "q3": {"p00002": 1}, "q4": {"p00001": 1}}


def test_questions_of_the_first_articles_over_all_paragraphs(tmp_path: Path) -> None:
    dataset = load_retrieval(squad(tmp_path / "toy.json"), articles=1)
    assert list(dataset.queries) == ["q1"]
    assert len(dataset.documents) == 2
    assert dataset.name == "toy-first1"


def test_options_of_the_other_layout_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="split"):
        load_retrieval(squad(tmp_path / "toy.json"), split="train")
    with pytest.raises(Invalid, match="articles"):
        load_retrieval(beir(tmp_path / "toy", test="q1\td1\t1\n"), articles=3)
    (tmp_path / "bad.json").write_text('{"data": [{"paragraphs": 3}]}')
    with pytest.raises(Invalid, match="SQuAD layout"):
        load_squad(tmp_path / "bad.json")
    with pytest.raises(Invalid, match=r"2 \.json files"):
        load_squad(tmp_path)


def test_the_digest_follows_the_documents(tmp_path: Path) -> None:
    one, other = load_squad(squad(tmp_path / "one.json")), load_squad(squad(tmp_path / "other.json"), articles=1)
    assert one.digest() == other.digest() == one.for_retrieval().digest()
    assert one.digest() != load_beir(beir(tmp_path / "toy", test="q1\td1\t1\n")).digest()


@pytest.mark.data
def test_the_sample_collections(shared_data: Path) -> None:
    scifact = load_retrieval(shared_data / "scifact", split="train")
    assert (len(scifact.documents), len(scifact.queries)) == (5183, 809)
    korquad = load_retrieval(shared_data / "korquad", articles=70)
    assert len(korquad.documents) == 961
    cranfield = load_retrieval(shared_data / "cranfield")
    assert (len(cranfield.documents), len(cranfield.queries)) == (1400, 225)
    assert max(max(grades.values()) for grades in cranfield.qrels.values()) == 4
