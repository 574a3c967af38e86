"""A synthetic company for the search benchmark: spaces, who reads them, chunks and their vectors."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.bench.corpus import paragraph, question

TEAMS = 40
PEOPLE = 200
READABLE_TEAMS = 12
CHUNKS_PER_DOCUMENT = 10
# The share of the chunks that is in personal spaces, which share pooled collections.
PERSONAL_SHARE = 0.2
_TOPICS = 200


@dataclass(frozen=True, slots=True)
class SyntheticDocument:
    """A document of `CHUNKS_PER_DOCUMENT` chunks; `space` is an index: teams first, then people."""

    number: int
    space: int
    texts: list[str]
    topics: list[int]


def documents(chunks: int, seed: int = 11) -> Iterator[SyntheticDocument]:
    """`chunks` chunks in documents. Teams differ in size (Zipf), people do not."""
    chance = random.Random(seed)  # noqa: S311
    weights = [1 / (rank + 3) for rank in range(TEAMS)]
    for number in range(chunks // CHUNKS_PER_DOCUMENT):
        personal = chance.random() < PERSONAL_SHARE
        space = TEAMS + chance.randrange(PEOPLE) if personal else chance.choices(range(TEAMS), weights)[0]
        texts = [paragraph(chance, 5) for _ in range(CHUNKS_PER_DOCUMENT)]
        yield SyntheticDocument(number, space, texts, [chance.randrange(_TOPICS) for _ in texts])


def readable_spaces() -> list[int]:
    """What the asker may read: every third team, large and small, and their own personal space."""
    return [*range(0, 3 * READABLE_TEAMS, 3), TEAMS]


def queries(count: int, seed: int = 13) -> list[str]:
    """Different questions."""
    chance = random.Random(seed)  # noqa: S311
    made: dict[str, None] = {}
    while len(made) < count:
        made[question(chance)] = None
    return list(made)


class VectorMaker:
    """Vectors around topics, which are real embeddings of questions, so that neighbourhoods look like real ones."""

    def __init__(self, topics: NDArray[np.float32], seed: int = 17) -> None:
        self._topics = topics
        self._generator = np.random.default_rng(seed)

    @staticmethod
    def topic_texts() -> list[str]:
        """The texts to embed for the topics."""
        return queries(_TOPICS, seed=19)

    def make(self, topics: list[int]) -> NDArray[np.float32]:
        """(n, dimensions), normalised; the noise is as long as the topic's vector (cosine to it about 0.7)."""
        noise = self._generator.normal(size=(len(topics), self._topics.shape[1])) / np.sqrt(self._topics.shape[1])
        vectors = (self._topics[topics] + noise).astype(np.float32)
        normalised: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised
