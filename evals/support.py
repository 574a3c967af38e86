"""How well the check of an answer's sentences tells supported from not: pairs of a sentence and a quotation, labelled.

Our own pairs (evals/support.jsonl), English and Korean: paraphrases, and the same with a figure, unit, date,
name, word or yes/no changed. The rules were fitted on the half `fit`; the half `held_out` was only ever counted.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.proof.support import judge
from retrieval.embedding import Embedder

_PAIRS = Path(__file__).with_name("support.jsonl")


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence that its quotation supports, or not; `kind` is what was changed."""

    id: str
    language: str
    split: str
    kind: str
    sentence: str
    quote: str
    supported: bool


@dataclass(frozen=True, slots=True)
class Score:
    """`precision`: of the sentences let through, the share that is supported; `recall`: of the supported ones, the
    share let through. `wrong` are the pairs judged otherwise than labelled."""

    pairs: int
    precision: float
    recall: float
    wrong: tuple[Pair, ...]


def load_pairs() -> list[Pair]:
    """All labelled pairs."""
    rows = [json.loads(line) for line in _PAIRS.read_text(encoding="utf-8").splitlines()]
    return [Pair(language=row["id"].split("-")[0], **row) for row in rows]


def score(pairs: Sequence[Pair], embedder: Embedder | None) -> Score:
    """Judge the pairs, with the embedding model or by words alone."""
    passed = {pair.id: judge(pair.sentence, pair.quote, embedder=embedder).supported for pair in pairs}
    right = sum(pair.supported and passed[pair.id] for pair in pairs)
    return Score(
        len(pairs),
        right / max(1, sum(passed.values())),
        right / max(1, sum(pair.supported for pair in pairs)),
        tuple(pair for pair in pairs if pair.supported != passed[pair.id]),
    )
