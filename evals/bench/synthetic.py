"""A synthetic company for the search benchmark: spaces, who reads them, chunks and their vectors."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.bench.corpus import question, sentence

CHUNKS_PER_DOCUMENT = 10
# The share of the chunks that is in personal spaces.
PERSONAL_SHARE = 0.2
_TOPICS = 200
_SENTENCES = 20_000


@dataclass(frozen=True, slots=True)
class SyntheticDocument:
    """A document of `CHUNKS_PER_DOCUMENT` chunks; `space` is an index: groups first, then people."""

    number: int
    space: int
    texts: list[str]
    topics: list[int]

    def key(self, ordinal: int) -> str:
        """The name of a chunk."""
        return f"{self.number}:{ordinal}"


@dataclass(frozen=True, slots=True)
class Company:
    """How much there is, in how many spaces: a sixth are groups, whose sizes differ (Zipf), the others personal."""

    chunks: int
    spaces: int = 240
    sentences: int = 5

    @property
    def groups(self) -> int:
        """Spaces of groups; they come first."""
        return max(5, self.spaces // 6)

    def readable(self, count: int) -> list[int]:
        """As many spaces that a person may read: groups, large and small ones, and last their own personal space."""
        if count == 1:
            return [0]
        step = max(1, min(3, self.groups // (count - 1)))
        return [*range(0, step * (count - 1), step), self.groups]

    def sizes(self) -> list[int]:
        """Documents of each space."""
        chance = random.Random(11)  # noqa: S311
        documents = self.chunks // CHUNKS_PER_DOCUMENT
        personal = round(PERSONAL_SHARE * documents)
        weights = [1 / (rank + 3) for rank in range(self.groups)]
        counts = Counter(chance.choices(range(self.groups), weights, k=documents - personal))
        counts.update(chance.choices(range(self.groups, self.spaces), k=personal))
        return [counts[space] for space in range(self.spaces)]

    def documents(self) -> Iterator[SyntheticDocument]:
        """All documents, those of a space together, as an import brings them."""
        chance = random.Random(12)  # noqa: S311
        sentences = [sentence(chance, chance.randint(8, 20)) for _ in range(_SENTENCES)]
        number = 0
        for space, count in enumerate(self.sizes()):
            for _ in range(count):
                texts = [" ".join(chance.choices(sentences, k=self.sentences)) for _ in range(CHUNKS_PER_DOCUMENT)]
                yield SyntheticDocument(number, space, texts, [chance.randrange(_TOPICS) for _ in texts])
                number += 1


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
        shape = (len(topics), self._topics.shape[1])
        noise = self._generator.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(shape[1]))
        vectors = self._topics[topics] + noise
        normalised: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised


class Truth:
    """What is really nearest among the chunks that the asker may read, to judge what a retriever finds."""

    def __init__(self, spaces: list[int]) -> None:
        self._spaces = frozenset(spaces)
        self._keys: list[str] = []
        self._vectors: list[NDArray[np.float32]] = []

    def note(self, document: SyntheticDocument, vectors: NDArray[np.float32]) -> None:
        """Remember a document, if the asker may read it."""
        if document.space in self._spaces:
            self._keys += [document.key(ordinal) for ordinal in range(len(vectors))]
            self._vectors.append(vectors)

    def recall(self, embeddings: NDArray[np.float32], found: list[list[str]], k: int) -> float:
        """The share of the k nearest that was found, on average over the queries."""
        matrix = np.concatenate(self._vectors)
        shares = []
        for embedding, keys in zip(embeddings, found, strict=True):
            nearest = np.argsort(-np.vecdot(matrix, embedding))[:k]
            shares.append(len({self._keys[row] for row in nearest} & set(keys[:k])) / k)
        return sum(shares) / len(shares)
