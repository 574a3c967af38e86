"""What is embedded for a chunk: its words, with where they stand in front of them."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from retrieval.embedding.base import Embedder, Vectors


def embedded_text(title: str, heading: str, text: str) -> str:
    """The text that the embedding model sees: title, heading path and passage, one under the other.

    A passage alone ("Submit it two weeks before.") does not say what it is about; its title and headings do. Empty
    parts are left out.
    """
    return "\n".join(part for part in (title, heading, text) if part)


def content_sha256(embedded: str) -> str:
    """The hash by which an embedding is known to belong to an embedded text."""
    return hashlib.sha256(embedded.encode()).hexdigest()


def embed_whole(embedder: Embedder, texts: Sequence[str], counts: Sequence[int]) -> Vectors:
    """Vectors of passages of any length: (n, dimensions), L2-normalised; `counts` are their sizes in tokens.

    One that is longer than the model reads (in a language that it takes to pieces) is embedded in parts, and the mean
    of their vectors stands for it, so that nothing is cut without a word.
    """
    parts: list[str] = []
    owners: list[int] = []
    for owner, (text, count) in enumerate(zip(texts, counts, strict=True)):
        for part in _parts(embedder, text, count):
            parts.append(part)
            owners.append(owner)
    vectors = embedder.embed_passages(parts)
    if len(parts) == len(texts):
        return vectors
    sums = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, owners, vectors)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def _parts(embedder: Embedder, text: str, count: int) -> Iterator[str]:
    if count <= embedder.max_tokens or len(text) < 2:
        yield text
        return
    middle = len(text) // 2
    blank = text.rfind(" ", 1, middle)
    cut = blank if blank > middle // 2 else middle
    halves = [text[:cut], text[cut:]]
    for half, tokens in zip(halves, embedder.count_tokens(halves), strict=True):
        yield from _parts(embedder, half, tokens)
