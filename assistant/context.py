"""What a run of the assistant works with: who asks, and the parts of the product it may use for them."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from core_api.auth.subject import Subject
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from retrieval.engine import RetrievalEngine
from retrieval.types import Hit


class Passages:
    """The passages that one run has found, numbered from 1 as they are found. Thread-safe: tools run in parallel."""

    def __init__(self) -> None:
        self._hits: list[Hit] = []
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, hits: Iterable[Hit]) -> list[tuple[int, Hit]]:
        """The hits with their numbers; one that was found before keeps its number."""
        with self._lock:
            numbered = []
            for hit in hits:
                if hit.chunk_id not in self._numbers:
                    self._hits.append(hit)
                    self._numbers[hit.chunk_id] = len(self._hits)
                number = self._numbers[hit.chunk_id]
                numbered.append((number, self._hits[number - 1]))
            return numbered

    @property
    def hits(self) -> tuple[Hit, ...]:
        """All passages; the n-th has number n."""
        with self._lock:
            return tuple(self._hits)


@dataclass(frozen=True, slots=True)
class AssistantContext:
    """The typed runtime context of the agent. Tools act with the subject's rights only; `space_ids` narrows them."""

    subject: Subject
    database: Database
    engine: RetrievalEngine
    settings: Settings
    space_ids: tuple[str, ...] = ()
    passages: Passages = field(default_factory=Passages)
