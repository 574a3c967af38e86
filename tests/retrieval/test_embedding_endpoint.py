"""Embeddings over HTTP, against a real server on the loopback."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from retrieval.embedding import Embedder, load_embedder
from retrieval.embedding.endpoint import EmbeddingEndpointFailed, estimate_tokens
from tests.services import http_server

Answer = tuple[int, Any]


def vector(text: str, dimensions: int = 4) -> list[float]:
    """A vector that tells texts apart; not normalised."""
    return [float(len(text)), float(text.count("a")), 3.0, *([1.0] * (dimensions - 3))]


@dataclass
class FakeEndpoint:
    """An OpenAI-compatible embedding server. `faults` are given as answers, one a request, before it answers well."""

    url: str = ""
    dimensions: int = 4
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    faults: list[Callable[[], Answer]] = field(default_factory=list)

    def answer(self, body: dict[str, Any], key: str) -> Answer:
        self.requests.append(body)
        self.keys.append(key)
        if self.faults:
            return self.faults.pop(0)()
        items = [
            {"object": "embedding", "index": i, "embedding": vector(text, self.dimensions)}
            for i, text in enumerate(body["input"])
        ]
        # In any order: the index says which is whose.
        return 200, {"object": "list", "model": body["model"], "data": items[::-1], "usage": {}}


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    fake = FakeEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/embeddings":
                status, content = 404, {"error": {"message": "no such page"}}
            else:
                status, content = fake.answer(body, self.headers.get("Authorization", ""))
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if status in (429, 500, 503):
                    self.send_header("Retry-After-Ms", "10")
                self.end_headers()
                self.wfile.write(data)
            except BrokenPipeError:
                pass  # the client gave up waiting, as some tests want

        def log_message(self, *_: Any) -> None:
            pass

    with http_server(Handler) as url:
        fake.url = f"{url}/v1"
        yield fake


def opened(endpoint: FakeEndpoint, tmp_path: Path, **more: Any) -> Embedder:
    return load_embedder(settings(endpoint, tmp_path, **more))


def settings(endpoint: FakeEndpoint, tmp_path: Path, **more: Any) -> Settings:
    values = {"embedding_model": "test-embed", "embedding_base_url": endpoint.url, **more}
    return Settings(data_dir=tmp_path, **values)


def unavailable() -> Answer:
    return 503, {"error": {"message": "warming up"}}


def test_vectors_come_normalised_and_in_the_order_of_the_texts(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    embedder = opened(endpoint, tmp_path, embedding_api_key="secret")
    texts = ["banana", "a longer text than the other", "ok"]
    expected = np.array([vector(text) for text in texts])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert embedder.dimensions == 4
    assert np.allclose(embedder.embed_passages(texts), expected, atol=1e-6)
    assert np.allclose(embedder.embed_queries(texts), expected, atol=1e-6)
    assert endpoint.keys[-1] == "Bearer secret"
    assert endpoint.requests[-1]["model"] == "test-embed"


def test_many_texts_go_in_batches(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    embedder = opened(endpoint, tmp_path)
    endpoint.requests.clear()
    texts = [f"text number {i} {'a' * (i % 7)}" for i in range(100)]
    vectors = embedder.embed_passages(texts)
    assert [len(request["input"]) for request in endpoint.requests] == [32, 32, 32, 4]
    assert np.allclose(vectors[57], np.array(vector(texts[57])) / np.linalg.norm(vector(texts[57])), atol=1e-6)


def test_a_long_batch_is_split_by_its_tokens(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    embedder = opened(endpoint, tmp_path, embedding_max_tokens=4096)
    endpoint.requests.clear()
    embedder.embed_passages(["word " * 1900] * 3)
    assert [len(request["input"]) for request in endpoint.requests] == [2, 1]


def test_passing_troubles_are_tried_again(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    embedder = opened(endpoint, tmp_path)
    endpoint.faults = [unavailable, lambda: (429, {"error": {"message": "slow down"}}), lambda: (500, b"oops")]
    assert embedder.embed_queries(["banana"]).shape == (1, 4)
    assert endpoint.faults == []


def test_troubles_that_last_become_an_error(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    embedder = opened(endpoint, tmp_path)
    endpoint.faults = [unavailable] * 20
    with pytest.raises(EmbeddingEndpointFailed, match="status 503"):
        embedder.embed_queries(["banana"])
    endpoint.faults = [lambda: (429, {"error": {"message": "slow down"}})] * 20
    with pytest.raises(EmbeddingEndpointFailed, match="rate"):
        embedder.embed_queries(["banana"])


def test_a_slow_server_is_given_up(endpoint: FakeEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrieval.embedding.endpoint._RETRIES", 1)
    embedder = opened(endpoint, tmp_path, embedding_timeout_seconds=0.3)

    def slowly() -> Answer:
        time.sleep(1.0)
        return unavailable()

    endpoint.faults = [slowly, slowly]
    with pytest.raises(EmbeddingEndpointFailed, match="in time"):
        embedder.embed_queries(["banana"])


@pytest.mark.parametrize(
    ("status", "words"), [(401, "NEXUS_EMBEDDING_API_KEY"), (404, "NEXUS_EMBEDDING_MODEL"), (400, "too long for me")]
)
def test_a_refusal_says_what_to_correct(endpoint: FakeEndpoint, tmp_path: Path, status: int, words: str) -> None:
    embedder = opened(endpoint, tmp_path)
    endpoint.requests.clear()
    endpoint.faults = [lambda: (status, {"error": {"message": "too long for me"}})]
    with pytest.raises(EmbeddingEndpointFailed, match=words):
        embedder.embed_passages(["banana"])
    assert len(endpoint.requests) == 1, "asking again would not help"


@pytest.mark.parametrize(
    "content",
    [
        b"<html>gateway</html>",
        {"data": []},
        {"data": [{"index": 0, "embedding": [0.0, 0.0, 0.0, 0.0]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 0, "embedding": [1.0, float("nan"), 0.0, 0.0]}]},
        {"unexpected": True},
    ],
)
def test_an_answer_that_is_no_embedding_is_refused(endpoint: FakeEndpoint, tmp_path: Path, content: Any) -> None:
    embedder = opened(endpoint, tmp_path)
    endpoint.faults = [lambda: (200, content)]
    with pytest.raises(EmbeddingEndpointFailed):
        embedder.embed_passages(["banana"])


def test_another_model_behind_the_same_name_is_noticed(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    embedder = opened(endpoint, tmp_path)
    endpoint.dimensions = 6
    with pytest.raises(EmbeddingEndpointFailed, match="6 dimensions"):
        embedder.embed_passages(["banana"])


def test_the_server_starts_while_a_known_endpoint_is_away(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    fingerprint = opened(endpoint, tmp_path).fingerprint
    endpoint.faults = [unavailable] * 20
    asked = len(endpoint.requests)
    embedder = opened(endpoint, tmp_path)
    assert embedder.fingerprint == fingerprint
    assert len(endpoint.requests) == asked


def test_an_endpoint_that_is_not_there_is_unavailable(
    endpoint: FakeEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrieval.embedding.endpoint._RETRIES", 1)
    with pytest.raises(Unavailable, match="NEXUS_EMBEDDING_BASE_URL"):
        opened(endpoint, tmp_path, embedding_base_url="http://127.0.0.1:9/v1")


def test_the_endpoints_model_must_be_named(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="NEXUS_EMBEDDING_MODEL"):
        opened(endpoint, tmp_path, embedding_model="default")


def test_fingerprints_tell_endpoints_and_models_apart(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    fingerprints = {
        opened(endpoint, tmp_path).fingerprint,
        opened(endpoint, tmp_path, embedding_model="org/Other_Model-v1.5").fingerprint,
        opened(endpoint, tmp_path, embedding_revision="2").fingerprint,
    }
    assert len(fingerprints) == 3
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and len(name) <= 64 for name in fingerprints)


def test_long_passages_are_refused_and_long_queries_cut(endpoint: FakeEndpoint, tmp_path: Path) -> None:
    embedder = opened(endpoint, tmp_path)
    with pytest.raises(ValueError, match="512"):
        embedder.embed_passages(["word " * 1000])
    embedder.embed_queries(["word " * 20_000])
    (sent,) = endpoint.requests[-1]["input"]
    assert 900 < len(sent) < 2000
    assert estimate_tokens(sent) <= embedder.max_tokens == 512


def test_tokens_are_never_estimated_below_what_a_real_tokenizer_counts(model_cache: Path, tmp_path: Path) -> None:
    local = load_embedder(Settings(data_dir=tmp_path, models_cache=model_cache))
    texts = [
        "How do I request parental leave in the second half of the year?",
        "Deploys: kubectl -n prod rollout restart deploy/api --timeout=5m; see RFC-1234 (v2.0.1).",
        "휴가는 어떻게 신청하나요? 연차는 매년 1월 1일에 갱신됩니다.",
        "| 1,234.56 | 99% | a@b.c |",
    ]
    for text, real in zip(texts, local.count_tokens(texts), strict=True):
        assert estimate_tokens(text) >= real
