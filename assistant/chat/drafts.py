"""An answer in the making: what a model says, as far as it counts."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from assistant.agent.agent import AgentEvent, Finished, Token
from assistant.answers.composition import answer_parts
from assistant.citations import Citation, cite
from assistant.outcomes import Outcome
from assistant.proof.grounding import NOT_FOUND, Grounder
from assistant.types import Confidence, Part


class Draft(ABC):
    """An answer in the making. `parts` are what it consists of so far; `unsupported` those of them that no source
    supports (they are marked), `left_out` how many more were not shown for that. `support` is the probability that it
    is right and `confidence` the word for that, where one was fitted on evaluation data: for what the extractive model
    selects. None for all else."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.citations: list[Citation] = []
        self.confidence: Confidence | None = None
        self.support: float | None = None
        self.unsupported: list[str] = []
        self.left_out = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it has a source, and nothing was shown."""
        return not self.citations

    @property
    def is_unbelievable(self) -> bool:
        """Whether the model has ended, has written something or nothing, and none of it can be shown; an honest "not
        found" is no such case."""
        return False

    @abstractmethod
    def restart(self) -> None:
        """The model searches (again): what it has not finished saying does not count."""

    @abstractmethod
    def take(self, event: AgentEvent) -> Iterator[Part]:
        """What is new to show after an event of the agent."""

    @abstractmethod
    def end(self) -> None:
        """No more comes: what is complete counts."""


class Extracted(Draft):
    """Made of quotations: what the model selected is what is cited."""

    def restart(self) -> None:
        """A selection comes whole, at the end: nothing is unfinished before."""

    def take(self, event: AgentEvent) -> Iterator[Part]:
        selection = event.selection if isinstance(event, Token | Finished) else None
        if selection is not None:
            self.parts = list(answer_parts(selection))
            self.citations = [cite(evidence, n) for n, evidence in enumerate(selection.evidence, start=1)]
            self.confidence, self.support = selection.confidence, selection.support
        if isinstance(event, Token):
            yield Part(event.text)

    def end(self) -> None:
        """A selection that has not come does not count."""


class Told(Draft):
    """What a tool has found out or prepared by itself (assistant.outcomes), as it puts it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.parts = list(outcome.parts)
        self.citations = [cite(evidence, n) for n, evidence in enumerate(outcome.evidence, start=1)]

    @property
    def is_empty(self) -> bool:
        return False

    def restart(self) -> None:
        """It is whole from the beginning."""

    def take(self, event: AgentEvent) -> Iterator[Part]:
        yield from ()

    def end(self) -> None:
        """It is whole from the beginning."""


class Generated(Draft):
    """Written by a language model: shown is what the passages support, and nothing before the first such sentence."""

    def __init__(self, grounder: Grounder) -> None:
        super().__init__()
        self._grounder = grounder
        self._waiting: list[Part] = []
        self._ended = False
        self._said_not_found = False

    @property
    def is_unbelievable(self) -> bool:
        return self._ended and self.is_empty and not self._said_not_found

    def restart(self) -> None:
        self._grounder.restart()

    def take(self, event: AgentEvent) -> Iterator[Part]:
        if isinstance(event, Token):
            yield from self._shown(self._grounder.feed(event.text))
        elif isinstance(event, Finished):
            yield from self._shown(self._grounder.finish())
            self._ended, self._said_not_found = True, NOT_FOUND in event.text
            self.end()

    def end(self) -> None:
        self.citations = self._grounder.citations
        self.parts = self._grounder.parts if self.citations else []
        self.unsupported = self._grounder.shown_unsupported if self.citations else []
        self.left_out = len(self._grounder.dropped) - len(self.unsupported)

    def _shown(self, parts: Iterator[Part]) -> Iterator[Part]:
        for part in parts:
            self._waiting.append(part)
            if self._grounder.citations:
                yield from self._waiting
                self._waiting = []
