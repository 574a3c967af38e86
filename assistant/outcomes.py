"""What tools find out or prepare that is no passage to answer from: summaries, lists, people, proposals.

It is shown as the tool has put it, in both modes: the embedded model says it as it is, and where a language model wrote
nothing that its sources support, it stands in the place of that.
"""

import threading
from dataclasses import dataclass

from assistant.proposals.schemas import ProposalRead
from assistant.types import Evidence, Part


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call of a tool has to say: its text in parts, and the evidence, the n-th of which has the marker [n].

    `found` is False where there was nothing to say it about (no such document): then the words may also be a question
    to search for.
    """

    parts: tuple[Part, ...]
    evidence: tuple[Evidence, ...] = ()
    found: bool = True

    @property
    def text(self) -> str:
        """The words, markers included."""
        return "".join(part.text for part in self.parts)


class Outcomes:
    """What the tools of one run have given. Thread-safe: tools run in parallel."""

    def __init__(self) -> None:
        self._outcomes: list[Outcome] = []
        self._proposals: list[ProposalRead] = []
        self._lock = threading.Lock()

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome; one that found nothing is not shown later."""
        if outcome.found:
            with self._lock:
                self._outcomes.append(outcome)

    def propose(self, proposal: ProposalRead) -> None:
        """Keep a proposal, which is shown whatever else is said."""
        with self._lock:
            self._proposals.append(proposal)

    @property
    def last(self) -> Outcome | None:
        """The last that found something."""
        with self._lock:
            return self._outcomes[-1] if self._outcomes else None

    @property
    def proposals(self) -> list[ProposalRead]:
        """All proposals of the run."""
        with self._lock:
            return list(self._proposals)
