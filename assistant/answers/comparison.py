"""The sentences that answer a question which compares: of each side at least one, or which side is not there."""

from collections.abc import Sequence

from assistant.answers.candidates import Candidate, candidates
from assistant.answers.confidence import confidence_of, support_of
from assistant.answers.questions import Question, QuestionType
from assistant.answers.scoring import Scored, TermWeights
from assistant.types import Confidence, Evidence, Selection
from retrieval.analyzer import analyze
from retrieval.embedding import Embedder
from retrieval.types import Hit

# A sentence speaks of a side when it has, with its title and headings, so much of what only that side is called.
_SPEAKS_OF = 0.7
_MISSING = {
    "en": "About “{side}” I found nothing in the sources you may read.",
    "ko": "“{side}”에 대해서는 읽을 수 있는 자료에서 찾지 못했습니다.",
}


def compare(
    question: Question, hits: Sequence[Hit], *, embedder: Embedder | None, weights: TermWeights
) -> Selection | None:
    """The best sentence of each side, and one that speaks of both before them; with one side missing the other's, and
    a note that says so. None where nothing speaks of either.

    No probability is stated: none was fitted for comparisons.
    """
    pool = candidates(hits)
    own = [_own_terms(question.sides, place) for place in (0, 1)]
    about = [[one for one in pool if _speaks_of(one, terms, weights)] for terms in own]
    both = [one for one in about[0] if one in about[1]]
    best = [
        _best(_asking(question, side), one, hits, embedder, weights)
        for side, one in zip(question.sides, about, strict=True)
    ]
    if not any(best):
        return None
    chosen = [*([_best(question, both, hits, embedder, weights)] if both else []), *best]
    evidence = _whole([one.evidence for one in chosen if one is not None])
    missing = [side for side, one in zip(question.sides, best, strict=True) if one is None]
    note = _MISSING["ko" if question.language == "ko" else "en"]
    return Selection(tuple(evidence), None, None, note=" ".join(note.format(side=side) for side in missing))


def _whole(evidence: Sequence[Evidence]) -> list[Evidence]:
    """The evidence once each, without what is a part of another (a step of a list that is there whole)."""
    kept: list[Evidence] = []
    for one in sorted(evidence, key=lambda each: each.start - each.end):
        if not any(_holds(other, one) for other in kept):
            kept.append(one)
    return [one for place, one in enumerate(evidence) if one in kept and one not in evidence[:place]]


def _holds(other: Evidence, one: Evidence) -> bool:
    return other.hit.source.id == one.hit.source.id and other.start <= one.start and one.end <= other.end


def _own_terms(sides: Sequence[str], place: int) -> frozenset[str]:
    """What only this side is called; all that it is called where the other's name holds all of that."""
    terms = frozenset(analyze(sides[place]))
    return terms - frozenset(analyze(sides[1 - place])) or terms


def _speaks_of(candidate: Candidate, terms: frozenset[str], weights: TermWeights) -> bool:
    rarity = weights(list(terms))
    there = terms & (candidate.context | frozenset(candidate.terms))
    return sum(rarity[term] for term in there) >= _SPEAKS_OF * (sum(rarity.values()) or 1.0)


def _asking(question: Question, side: str) -> Question:
    """What a side is, as a question of its own."""
    return Question(side, question.language, QuestionType.DEFINITION, tuple(dict.fromkeys(analyze(side))))


def _best(
    question: Question, pool: Sequence[Candidate], hits: Sequence[Hit], embedder: Embedder | None, weights: TermWeights
) -> Candidate | None:
    if not pool:
        return None
    scored = Scored(question, pool, hits, embedder, weights)
    best = int(scored.total.argmax())
    return pool[best] if confidence_of(support_of(scored, [best])) is not Confidence.NONE else None
