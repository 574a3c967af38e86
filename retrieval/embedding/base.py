"""What an embedding model is to the rest of the product."""

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors. Every method may be called from several threads at once."""

    @property
    def name(self) -> str:
        """The model's name, for people."""

    @property
    def fingerprint(self) -> str:
        """Names the vector space: model, revision, dimensions and precision; `[a-z0-9-]`, at most 64 characters.

        Vectors of different fingerprints must never be compared.
        """

    @property
    def dimensions(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """The longest passage that the model reads, special tokens included."""

    def covers(self, language: str) -> bool:
        """Whether the model knows a language (ISO 639-1 code), so that its vectors mean something there."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text as a passage, as the model sees it: special tokens and prompt included."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of questions: (n, dimensions), L2-normalised. What is longer than the model reads is cut."""

    def embed_quickly(self, texts: Sequence[str]) -> Vectors:
        """As `embed_queries` or, where that costs less than half, nearly so: a cosine of 0.97 and more, on average.
        For what is ranked once, as by a search; not for an index, nor where a threshold decides."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of passages: (n, dimensions), L2-normalised.

        Raises ValueError for a text over `max_tokens`: a passage that is cut silently could never be found by its end.
        """


def slug(name: str, limit: int) -> str:
    """A name as part of a fingerprint: its last path element in `[a-z0-9-]`, at most `limit` characters."""
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1].lower()
    return re.sub(r"[^a-z0-9]+", "-", last).strip("-")[:limit].strip("-") or "model"


def covers_language(languages: Sequence[str], language: str) -> bool:
    """Whether a list of language codes (`*`: all) includes a language; `en` includes `en-GB`."""
    return "*" in languages or language in languages or language.split("-")[0] in languages


def require_fit(counts: Sequence[int], limit: int) -> None:
    """Raise ValueError when a passage is longer than the model reads."""
    for position, count in enumerate(counts):
        if count > limit:
            raise ValueError(
                f"passage {position} has {count} tokens; the embedding model reads {limit} and would cut it"
            )
