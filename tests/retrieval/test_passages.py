"""What is embedded of a passage."""

import numpy as np
import pytest

from retrieval.embedding import Embedder
from retrieval.passages import embed_whole, embedded_text

LONG = "여의도에서 농민들이 모여 시위를 벌였고 정부는 대책을 발표하였다. " * 12


def test_title_and_headings_stand_before_the_passage() -> None:
    assert embedded_text("Leave", "How > When", "Two weeks before.") == "Leave\nHow > When\nTwo weeks before."
    assert embedded_text("", "", "Alone.") == "Alone."


def test_a_passage_that_fits_is_embedded_as_it_is(embedder: Embedder) -> None:
    texts = ["One short passage.", "Another."]
    assert np.allclose(
        embed_whole(embedder, texts, embedder.count_tokens(texts)), embedder.embed_passages(texts), atol=1e-6
    )


def test_a_passage_longer_than_the_model_reads_is_embedded_to_its_end(embedder: Embedder) -> None:
    assert embedder.count_tokens([LONG])[0] > embedder.max_tokens
    with pytest.raises(ValueError, match="tokens"):
        embedder.embed_passages([LONG])
    texts = ["Short.", LONG, LONG + "Bananas are yellow fruits. " * 20]
    vectors = embed_whole(embedder, texts, embedder.count_tokens(texts))
    assert vectors.shape == (3, embedder.dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    fruit = embedder.embed_queries(["yellow fruit"])[0]
    assert vectors[2] @ fruit > vectors[1] @ fruit + 0.05
