"""Passages made by hand, and an embedder that knows no language, for what needs no index."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from retrieval.types import Hit, SourceRef


def hit(
    text: str, *, source: str = "d1", title: str = "", heading: str = "", score: float = 1.0, start: int = 0
) -> Hit:
    """A passage of a document `source`."""
    return Hit(
        chunk_id=f"document:{source}:{start}",
        source=SourceRef("document", source, title, 1, f"/documents/{source}"),
        space_id="s1",
        space_name="Space",
        text=text,
        start=start,
        end=start + len(text),
        heading=heading,
        page=None,
        author="Kim",
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
        score=score,
        scores={},
    )


class NoEmbedder:
    """Covers nothing: what is judged is judged by words."""

    name = fingerprint = "none"
    dimensions, max_tokens = 1, 256

    def covers(self, language: str) -> bool:
        return False

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise AssertionError("an embedder that covers no language is not asked")

    embed_passages = embed_quickly = embed_queries


def even(terms: Sequence[str]) -> dict[str, float]:
    """Every term tells as much as another."""
    return dict.fromkeys(terms, math.log(10))
