"""What crosses between the parts of the assistant."""

from dataclasses import dataclass
from enum import StrEnum

from retrieval.types import Hit


class Confidence(StrEnum):
    """How well the sources support an answer; `none` is an answer that was not given."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of a source that says something: `quote` is exactly the source's text[start:end]."""

    hit: Hit
    start: int
    end: int

    @property
    def quote(self) -> str:
        """The words of the source, untouched."""
        return self.hit.text[self.start - self.hit.start : self.end - self.hit.start]

    def overlaps(self, other: "Evidence") -> bool:
        """Whether both have characters of one source in common."""
        return self.hit.source.id == other.hit.source.id and self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Selection:
    """The evidence chosen for a question, in reading order, and how well it supports an answer (0..1; None where that
    was not fitted). `note` is what is to be said besides."""

    evidence: tuple[Evidence, ...]
    support: float | None
    confidence: Confidence | None
    note: str = ""

    @property
    def abstained(self) -> bool:
        """Whether nothing supports an answer."""
        return not self.evidence


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an answer's text, and the markers of the citations that it rests on. The parts joined are the text.

    `supported` is false of a sentence that is shown, marked, although no source says it.
    """

    text: str
    markers: tuple[int, ...] = ()
    supported: bool = True


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said before: `role` is `user` or `assistant`."""

    role: str
    content: str
