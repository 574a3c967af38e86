"""Candidates and passages to hits."""

from collections.abc import Iterable
from dataclasses import fields

from core_api.infra.metrics import search_step
from retrieval import analyzer
from retrieval.fusion import Candidate
from retrieval.highlight import excerpt, highlights
from retrieval.types import Hit, Passage

_PASSAGE = tuple(field.name for field in fields(Passage))


@search_step("highlight")
def as_hits(found: Iterable[tuple[Candidate, Passage]], text: str) -> tuple[Hit, ...]:
    """Passages with their scores, the words of `text` marked in them."""
    terms = frozenset(analyzer.analyze(text))
    return tuple(_hit(candidate, passage, terms) for candidate, passage in found)


def _hit(candidate: Candidate, passage: Passage, terms: frozenset[str]) -> Hit:
    marks = highlights(passage.text, terms)
    return Hit(
        **{name: getattr(passage, name) for name in _PASSAGE},
        score=candidate.score,
        scores=candidate.scores,
        highlights=marks,
        excerpt=excerpt(passage.text, marks),
        explain=candidate.explain,
    )
