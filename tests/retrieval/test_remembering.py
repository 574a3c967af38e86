"""What was embedded lately is not embedded again."""

from collections.abc import Sequence

import numpy as np
import pytest

from retrieval.embedding import remembering
from retrieval.embedding.base import Embedder, Vectors
from retrieval.embedding.remembering import RememberingEmbedder


class Asked(RememberingEmbedder):
    """Writes down what it is asked before it passes it on."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder)
        self.texts: list[str] = []

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return self.embedder.embed_queries(texts)

    def embed_quickly(self, texts: Sequence[str]) -> Vectors:
        self.texts += [f"{text} (quickly)" for text in texts]
        return self.embedder.embed_quickly(texts)


@pytest.fixture
def asked(embedder: Embedder) -> Asked:
    return Asked(embedder)


def test_the_same_vectors_come_back_in_the_order_of_the_texts(asked: Asked) -> None:
    embedder = RememberingEmbedder(asked)
    texts = ["A lamp.", "A door.", "A lamp.", "A window."]
    first = embedder.embed_queries(texts)
    again = embedder.embed_queries([*reversed(texts), "A roof."])
    assert asked.texts == ["A lamp.", "A door.", "A window.", "A roof."]
    assert np.array_equal(first[::-1], again[:4])
    assert np.allclose(again, asked.embedder.embed_queries([*reversed(texts), "A roof."]), atol=1e-6)
    assert embedder.embed_queries([]).shape == (0, embedder.dimensions)


def test_exact_vectors_are_remembered_apart_from_others(asked: Asked) -> None:
    embedder = RememberingEmbedder(asked)
    for _ in range(2):
        exact, quick = embedder.embed_queries(["A lamp."])[0], embedder.embed_quickly(["A lamp."])[0]
        assert exact @ quick > 0.9
    assert asked.texts == ["A lamp.", "A lamp. (quickly)"]


def test_what_a_caller_does_to_a_vector_is_not_remembered(asked: Asked) -> None:
    embedder = RememberingEmbedder(asked)
    embedder.embed_queries(["A lamp."])[:] = 0
    embedder.embed_queries(["A lamp."])[:] = 0
    assert np.linalg.norm(embedder.embed_queries(["A lamp."])) == pytest.approx(1, abs=1e-3)


def test_only_so_many_are_remembered_the_last_ones(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "_REMEMBERED_EXACTLY", 2 * asked.dimensions)
    embedder = RememberingEmbedder(asked)
    for text in ("one", "two", "one", "three", "one", "two"):
        embedder.embed_queries([text])
    assert asked.texts == ["one", "two", "three", "two"]


def test_it_is_the_embedder_that_it_remembers_for(embedder: Embedder) -> None:
    same = RememberingEmbedder(embedder)
    assert (same.name, same.fingerprint, same.max_tokens) == (embedder.name, embedder.fingerprint, embedder.max_tokens)
    assert same.covers("en")
    assert not same.covers("ko")
    assert same.count_tokens(["A lamp."]) == embedder.count_tokens(["A lamp."])
    assert np.array_equal(same.embed_passages(["A lamp."]), embedder.embed_passages(["A lamp."]))
