"""Why a passage stands where it stands: what each leg gave it, and every step from there to its score."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LegPart:
    """What one leg says of a passage: its `rank` there (from 1), the leg's own `score` (BM25, cosine), that score
    `scaled` to 0..1, and the `weight` of the leg."""

    rank: int
    score: float
    scaled: float
    weight: float


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the score, and a sentence that says why."""

    name: str
    change: float
    says: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`fused` is the sum of the legs' scaled scores by their weights; with the changes of `steps` it gives `final`."""

    legs: dict[str, LegPart]
    fused: float
    steps: tuple[Step, ...]
    final: float

    def with_step(self, step: Step) -> "Explanation":
        """The explanation after one more step."""
        return Explanation(self.legs, self.fused, (*self.steps, step), self.final + step.change)
