"""The reranker: that it scores as the original does, and what it does to a search. Off unless a model is set."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from core_api.auth.subject import Subject
from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from retrieval.embedding import Embedder
from retrieval.embedding.export import ExportJob
from retrieval.embedding.source import UnusableModel
from retrieval.engine import RetrievalEngine
from retrieval.rerank import Reranker, load_reranker
from retrieval.rerank_export import export
from tests.modes import Embedded
from tests.retrieval.conftest import new_library
from tests.retrieval.library import Library

pytestmark = pytest.mark.one_mode

URL = "/api/v1/search"
QUESTION = "how do we request leave"
SUBJECTS = ("leave", "holiday", "budget", "server", "deploy", "meeting", "policy", "team")
PASSAGES = [f"We request {subject} number {n} of the team; leave it to us." for n, subject in enumerate(SUBJECTS * 3)]
TITLE = "Note"


def make_cross_encoder(folder: Path, *, activation: str = "Sigmoid", labels: int = 1) -> Path:
    """A small BERT that scores pairs by random weights, saved as sentence-transformers saves cross-encoders."""
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    torch.manual_seed(11)
    raw = folder / "raw"
    raw.mkdir(parents=True)
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)] + list("0123456789.;?")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *SUBJECTS, *letters, *(f"##{c}" for c in letters)]
    (raw / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(raw / "vocab.txt"), model_max_length=128).save_pretrained(raw)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
        initializer_range=0.3,
        num_labels=labels,
    )
    BertForSequenceClassification(config).save_pretrained(raw)
    saved = folder / f"tiny-{activation}-{labels}"
    CrossEncoder(str(raw), device="cpu", activation_fn=getattr(torch.nn, activation)()).save_pretrained(str(saved))
    return saved


def predicted(model: Path, question: str, passages: list[str]) -> np.ndarray:
    """What sentence-transformers gives."""
    from sentence_transformers import CrossEncoder

    pairs = [(question, passage) for passage in passages]
    return np.asarray(CrossEncoder(str(model), device="cpu").predict(pairs, show_progress_bar=False))


def exported_here(model: Path, output: Path, precision: str = "fp32") -> Reranker:
    """An export without the child process."""
    output.mkdir()
    job = ExportJob(
        name=model.name, source=model, output=output, fingerprint_prefix="t", precision=precision, weights_sha256="-"
    )
    return Reranker(export(job), output, languages=["en"], threads=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("cross-encoder"))


@pytest.fixture(scope="module")
def reranker(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    """As a server loads it: exported in a child process."""
    return load_reranker(Settings(data_dir=tmp_path_factory.mktemp("data"), rerank_model=str(model)))


TEXTS = ["leave", "", "Ünïcödé, 휴가 and numbers 1,234.5", "the budget of the team " * 40, *PASSAGES[:5]]


def assert_scores_are_the_originals(served: Reranker, model: Path) -> None:
    for question in (QUESTION, "team policy? " * 30):
        theirs = predicted(model, question, TEXTS)
        ours = served.scores(question, TEXTS)
        assert ours == pytest.approx(theirs, abs=1e-4)
        assert served.scores(question, TEXTS[::-1]).tolist() == ours[::-1].tolist()
        assert np.ptp(theirs) > 0.01


def test_it_gives_the_scores_of_sentence_transformers(reranker: Reranker, model: Path) -> None:
    assert reranker.max_tokens == 128
    assert_scores_are_the_originals(reranker, model)


def test_the_models_own_activation_counts(tmp_path: Path) -> None:
    model = make_cross_encoder(tmp_path, activation="Identity")
    served = exported_here(model, tmp_path / "out")
    assert_scores_are_the_originals(served, model)
    assert served.scores(QUESTION, TEXTS).min() < 0  # which no sigmoid gives


def test_int8_scores_nearly_the_same(tmp_path: Path, model: Path) -> None:
    served = exported_here(model, tmp_path / "out", precision="int8")
    theirs = predicted(model, QUESTION, PASSAGES)
    assert np.corrcoef(served.scores(QUESTION, PASSAGES), theirs)[0, 1] > 0.7  # of weights that nobody has trained


def test_what_is_no_reranker_is_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(ValueError, match="3 scores"):
        exported_here(make_cross_encoder(tmp_path / "three", labels=3), tmp_path / "labels")
    embedding = shutil.copytree(model, tmp_path / "embedding")
    config = (embedding / "config.json").read_text()
    (embedding / "config.json").write_text(config.replace("BertForSequenceClassification", "BertModel"))
    with pytest.raises(ValueError, match="no cross-encoder: its architecture is BertModel"):
        exported_here(embedding, tmp_path / "out")


@pytest.mark.parametrize("name", ["nobody/no-such-model", "a-folder-with-no-model"])
def test_a_model_that_cannot_be_loaded_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-folder-with-no-model").mkdir()
    with pytest.raises(UnusableModel, match=r"NEXUS_RERANK_MODEL must name a cross-encoder .* or is unset"):
        load_reranker(Settings(data_dir=tmp_path / "data", rerank_model=name))


class Shelf:
    """A library of passages that all fit the question, without a reranker until one is set."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.plain = library.engine
        self.kim: Subject = library.person()
        self.team = library.space(self.kim)
        ids = [library.add(self.team, self.kim, passage, title=TITLE) for passage in PASSAGES]
        self.passages = dict(zip(ids, PASSAGES, strict=True))
        self.client = library.client(self.kim)

    def use(self, reranker: Any, **settings: Any) -> None:
        library = self.library
        changed = self.plain.settings.model_copy(update=settings)
        engine = RetrievalEngine(self.plain.embedder, library.vectors, library.keywords, changed, reranker)
        library.engine = self.client.app.state.engine = engine  # type: ignore[attr-defined]

    def ask(self, query: str = QUESTION, **body: Any) -> dict[str, Any]:
        answer = self.client.post(URL, json={"query": query, "log": False, "k": 50, **body})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def found(self, query: str = QUESTION, **body: Any) -> list[str]:
        return [hit["source"]["id"] for hit in self.ask(query, **body)["hits"]]


@pytest.fixture(scope="module")
def open_shelf(
    tmp_path_factory: pytest.TempPathFactory, embedded_mode: Embedded, embedder: Embedder
) -> Iterator[Shelf]:
    with new_library(tmp_path_factory.mktemp("shelf"), embedded_mode, embedder) as library:
        yield Shelf(library)


@pytest.fixture
def shelf(open_shelf: Shelf) -> Iterator[Shelf]:
    yield open_shelf
    open_shelf.library.engine = open_shelf.client.app.state.engine = open_shelf.plain  # type: ignore[attr-defined]


def test_the_best_are_put_in_the_order_of_its_scores(shelf: Shelf, reranker: Reranker, model: Path) -> None:
    before = shelf.ask()["hits"]
    assert Settings().rerank_model is None
    assert len(before) == len(PASSAGES)
    shelf.use(reranker, rerank_candidates=10, rerank_weight=1.0)
    after = shelf.ask()["hits"]
    first = [hit["source"]["id"] for hit in before[:10]]
    scores = predicted(model, QUESTION, [f"{TITLE}\n{shelf.passages[id_]}" for id_ in first])
    by_score = [first[row] for row in np.argsort(-scores, kind="stable")]
    assert by_score != first
    assert [hit["source"]["id"] for hit in after[:10]] == by_score
    assert [hit["source"]["id"] for hit in after[10:]] == [hit["source"]["id"] for hit in before[10:]]
    # The scores stay what fusion gave, in their new order, so that what builds on them need not know.
    assert [hit["score"] for hit in after] == pytest.approx([hit["score"] for hit in before], abs=1e-4)
    # The assistant and the evaluations ask without pages, and get the same.
    unpaged = shelf.library.search(shelf.kim, QUESTION, k=50).hits
    assert [hit.source.id for hit in unpaged] == [hit["source"]["id"] for hit in after]
    groups = shelf.ask(group=True)["groups"]
    assert [group["source"]["id"] for group in groups] == [hit["source"]["id"] for hit in after]


def test_its_weight_says_how_much_it_moves(shelf: Shelf, reranker: Reranker) -> None:
    before = shelf.found()
    moved = []
    for weight in (0.001, 0.5, 1.0):
        shelf.use(reranker, rerank_candidates=10, rerank_weight=weight)
        moved.append(sum(abs(before.index(id_) - place) for place, id_ in enumerate(shelf.found())))
    assert moved[0] <= moved[1] <= moved[2]
    assert moved[0] < moved[2]


def test_an_explanation_tells_of_it(shelf: Shelf, reranker: Reranker) -> None:
    def steps() -> list[list[dict[str, Any]]]:
        hits = shelf.ask(explain=True)["hits"]
        for hit in hits:
            why = hit["explain"]
            assert why["fused"] + sum(step["change"] for step in why["steps"]) == pytest.approx(why["final"], abs=1e-4)
            assert why["final"] == pytest.approx(hit["score"], abs=1e-4)
        return [[step for step in hit["explain"]["steps"] if step["name"] == "rerank"] for hit in hits]

    assert not any(steps())
    shelf.use(reranker, rerank_candidates=10, rerank_weight=1.0)
    told = steps()
    assert [len(of_hit) for of_hit in told] == [1] * 10 + [0] * (len(PASSAGES) - 10)
    assert any(of_hit[0]["change"] > 0 for of_hit in told[:10])
    for place, of_hit in enumerate(told[:10], 1):
        assert of_hit[0]["says"].endswith((f"to {place}.", f"at {place}."))


@pytest.mark.parametrize("group", [False, True])
def test_pages_show_everything_once(shelf: Shelf, reranker: Reranker, group: bool) -> None:
    shelf.use(reranker, rerank_candidates=10)
    field = "groups" if group else "hits"
    whole = [hit["source"]["id"] for hit in shelf.ask(group=group)[field]]
    paged, cursor = [], None
    while True:
        page = shelf.ask(k=3, cursor=cursor, group=group)
        paged += [hit["source"]["id"] for hit in page[field]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert paged == whole
    assert sorted(paged) == sorted(shelf.passages)


def test_it_is_asked_only_in_its_languages_and_when_both_legs_are(shelf: Shelf, reranker: Reranker) -> None:
    def told(query: str, **body: Any) -> bool:
        hits = shelf.ask(query, explain=True, **body)["hits"]
        assert hits
        return any(step["name"] == "rerank" for hit in hits for step in hit["explain"]["steps"])

    shelf.use(reranker)
    assert told("request leave")
    assert not told("team 휴가 신청 방법은 무엇인가요")
    assert not told("request leave", mode="keyword")
    assert not told("request leave", mode="semantic")


class OutOfOrder:
    """A reranker that fails when it is asked."""

    def covers(self, language: str) -> bool:
        return True

    def scores(self, question: str, passages: list[str]) -> None:
        raise RuntimeError("out of memory")


def test_when_it_fails_the_order_before_is_served(shelf: Shelf) -> None:
    before = shelf.found()
    shelf.use(OutOfOrder())
    with capture_logs() as logs:
        assert shelf.found() == before
    assert [(log["log_level"], log["error"]) for log in logs if log["event"] == "search_without_reranker"] == [
        ("warning", "RuntimeError: out of memory")
    ]


def test_a_server_starts_without_it_and_says_why(shelf: Shelf, tmp_path: Path, model_cache: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new", models_cache=model_cache, rerank_model=str(tmp_path))
    engine = RetrievalEngine.open(settings, shelf.library.database)
    try:
        with pytest.raises(Unavailable, match="NEXUS_RERANK_MODEL"):
            engine.wait(timeout=60)
        assert engine.ready
        assert engine.reranker is None
    finally:
        engine.close()
