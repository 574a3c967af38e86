"""What a run of the assistant works with: who asks, and the parts of the product it may use for them."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from assistant.models.options import Options
from assistant.models.run import Run
from assistant.outcomes import Outcomes
from core_api.auth.subject import Subject
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from prompts.loader import Prompt, load_prompt
from retrieval.engine import RetrievalEngine
from retrieval.types import Filters, Hit


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
    """The typed runtime context of the agent. Tools act with the subject's rights only; `space_ids`, `document_ids`,
    `kinds` and `as_of` narrow what they search (`filters`).

    `options` are what an admin chose; `run` is the account of this run; `outcomes` what tools found or prepared that is
    no passage. `may_propose` is False where nothing may be written, or nobody could confirm what is proposed.
    Messages of the conversation from `replaces` on are to be replaced, and count as not said.
    """

    subject: Subject
    database: Database
    engine: RetrievalEngine
    settings: Settings
    space_ids: tuple[str, ...] = ()
    passages: Passages = field(default_factory=Passages)
    options: Options = field(default_factory=Options)
    run: Run = field(default_factory=Run)
    conversation_id: str | None = None
    outcomes: Outcomes = field(default_factory=Outcomes)
    document_ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    as_of: date | None = None
    may_propose: bool = True
    replaces: str | None = None

    @property
    def filters(self) -> Filters:
        """Where the question looks, for a search."""
        until = None
        if self.as_of is not None:
            until = datetime.combine(self.as_of + timedelta(days=1), time.min, UTC)
        return Filters(space_ids=self.space_ids, kinds=self.kinds, source_ids=self.document_ids, updated_before=until)

    def check(self) -> None:
        """Raises Cancelled when the asker has gone, LimitReached when the time is up. A tool that takes long asks."""
        self.run.check(self.options)

    def prompt(self, name: str) -> Prompt:
        """A prompt template, noted as used in this answer."""
        prompt = load_prompt(name)
        self.run.note_prompt(prompt.name, prompt.version)
        return prompt
