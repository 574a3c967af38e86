"""An embedder that remembers: people ask alike, and are answered from the same sentences."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core_api.infra.metrics import QUERY_EMBEDDINGS
from retrieval.embedding.base import Embedder, Vectors

# 16 MB together: ten thousand vectors of 384.
_REMEMBERED_EXACTLY, _REMEMBERED = 1_000_000, 3_000_000


class RememberingEmbedder:
    """Another embedder, and the last vectors that it gave, exact ones and others. Thread-safe."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._exact = _Memory(embedder.embed_queries, _REMEMBERED_EXACTLY // embedder.dimensions)
        self._quick = _Memory(embedder.embed_quickly, _REMEMBERED // embedder.dimensions)

    @property
    def name(self) -> str:
        return self.embedder.name

    @property
    def fingerprint(self) -> str:
        return self.embedder.fingerprint

    @property
    def dimensions(self) -> int:
        return self.embedder.dimensions

    @property
    def max_tokens(self) -> int:
        return self.embedder.max_tokens

    def covers(self, language: str) -> bool:
        return self.embedder.covers(language)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return self.embedder.count_tokens(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self.embedder.embed_passages(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._of(self._exact, texts)

    def embed_quickly(self, texts: Sequence[str]) -> Vectors:
        return self._of(self._quick, texts)

    def _of(self, memory: "_Memory", texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return memory.embed(texts)


class _Memory:
    def __init__(self, make: Callable[[Sequence[str]], Vectors], most: int) -> None:
        self._make = make
        self._most = most
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Vectors:
        found: dict[str, NDArray[np.float32]] = {}
        with self._lock:
            for text in texts:
                if text in self._known:
                    self._known.move_to_end(text)
                    found[text] = self._known[text]
        QUERY_EMBEDDINGS.labels("hit").inc(sum(text in found for text in texts))
        if missing := [text for text in dict.fromkeys(texts) if text not in found]:
            QUERY_EMBEDDINGS.labels("miss").inc(len(missing))
            made = dict(zip(missing, self._make(missing), strict=True))
            found |= made
            with self._lock:
                # Copies: a row would keep the vectors of all that were asked with it.
                self._known.update((text, vector.copy()) for text, vector in made.items())
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
        return np.stack([found[text] for text in texts])
