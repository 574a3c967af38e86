"""How likely it is that a sentence answers, compared with the others: a linear score of a handful of figures.

The weights are those of a conditional logit (McFadden, 1974): of the sentences of one question's passages, the right
one is drawn with a probability in proportion to exp(score). They were fitted on XQuAD, cross-validated over articles,
and hold on KorQuAD, which they have not seen (docs/decisions/2026-11-28-answers-ranked-and-confidence-fitted.md).
What those sets have no example of (headings, lists, pointers, special cases) is weighed by hand, on the same scale.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from assistant.answers.answer_types import counts, decides, defines, gives, holds, is_special_case, points_elsewhere
from assistant.answers.candidates import Candidate
from assistant.answers.questions import Question, QuestionType
from core_api.infra.errors import Unavailable
from retrieval.embedding import Embedder
from retrieval.types import Hit

log = structlog.get_logger()

Scores = NDArray[np.float64]

# Rarity of terms: ln-idf by term, from the whole index.
TermWeights = Callable[[Sequence[str]], Mapping[str, float]]

# Sentences embedded for one answer, the best by words, at 2 ms of processor time each: with 8 or 28 one more of XQuAD's
# 1,190 questions would be answered.
_EMBEDDED = 5

# What a sentence leaves to its nearest heading, or to the question or lead-in before it, counts almost as if it said
# it; what only the title or a heading farther up has, less.
_LEAD_SHARE = 0.75
_CONTEXT_SHARE = 0.4

FIGURES = (
    "share",  # of the question's terms, by rarity, that the sentence has (0..1)
    "count",  # the same with every term alike
    "before",  # what the sentence before it adds to `share`, beyond title, heading and lead-in
    "after",  # what the sentence after it adds
    "passage",  # its passage's search score by the best one's
    "length",  # ln of its characters
    "number",  # for a number: it has one that the question has not
    "unit",  # for a number: it counts what is asked for; where nothing is named, with a unit or a sign of money
    "time",  # for a time: it has a year, a month or a century that the question has not
    "person",  # for a person: it has a name that the question has not
    "place",  # for a place: the same
    "cosine",  # of question and sentence
)
# With a model that knows the language, and by words alone.
WEIGHTS: Mapping[str, float] = {
    "share": 2.52,
    "count": 5.21,
    "before": 4.49,
    "after": 2.5,
    "passage": 3.98,
    "length": 0.3,
    "number": 2.28,
    "unit": 1.02,
    "time": 1.97,
    "person": 1.88,
    "place": 1.23,
    "cosine": 5.48,
}
WEIGHTS_BY_WORDS: Mapping[str, float] = {
    "share": 3.99,
    "count": 5.53,
    "before": 3.89,
    "after": 2.22,
    "passage": 5.55,
    "number": 2.48,
    "unit": 1.03,
    "time": 2.04,
    "person": 1.82,
    "place": 1.35,
}

# By hand, on the same scale.
_ASKED_FOR = 1.0  # for a how-to, a reason, a duration: it has one
_SUBJECT = 2.0  # for a definition: it says what the subject is
_WHOLE_LIST = 1.0  # for a list or a how-to
_LIST_ASIDE = -1.4  # a list, or a piece of one, for any other question
_POINTER = -1.4  # "See the guide for more"
_CASE = -0.7  # "If you are an intern, ..." where no case was asked for
_DECIDES = 0.5  # for a yes/no question: "must", "may not", "할 수 없습니다"


class Scored:
    """All candidates of one question with their figures and scores."""

    def __init__(
        self,
        question: Question,
        pool: Sequence[Candidate],
        hits: Sequence[Hit],
        embedder: Embedder | None,
        weights: TermWeights,
    ) -> None:
        self.question, self.pool = question, pool
        self._weights = weights(question.terms)
        self.rarity = sum(self._weights.values()) or 1.0  # of all terms of the question together
        self.figures = self._lexical(hits)
        self.total = self.figures @ _vector(WEIGHTS_BY_WORDS) + self._by_hand()
        self.cosine: Scores | None = None
        if embedder is not None and embedder.covers(question.language):
            self.cosine = self._cosines(embedder)
        if self.cosine is not None:
            self.figures[:, FIGURES.index("cosine")] = self.cosine
            self.total = self.figures @ _vector(WEIGHTS) + self._by_hand()

    def share(self, terms: Sequence[str] | frozenset[str]) -> float:
        """The share of the question, weighted by rarity, that these terms cover."""
        return sum(self._weights[term] for term in self._weights.keys() & set(terms)) / self.rarity

    def figure(self, name: str, index: int) -> float:
        """One of FIGURES of a candidate."""
        return float(self.figures[index, FIGURES.index(name)])

    def _lexical(self, hits: Sequence[Hit]) -> Scores:
        """The figures that need no model, a row for each candidate."""
        pool, kind, asked = self.pool, self.question.type, self.question.text
        top = max(hit.score for hit in hits) or 1.0
        places = {(candidate.rank, candidate.position): candidate for candidate in pool if not candidate.list_items}
        rows = []
        for candidate in pool:
            own = self._with_context(candidate, self.share)
            before = places.get((candidate.rank, candidate.position - 1))
            after = places.get((candidate.rank, candidate.position + 1))
            text = candidate.text
            given = gives(kind, text, asked)
            figures = {
                "share": own,
                "count": self._with_context(candidate, self._count),
                "before": self._added(candidate, before, own),
                "after": self._added(candidate, after, own),
                "passage": candidate.evidence.hit.score / top,
                "length": math.log(len(text)),
                "number": kind is QuestionType.NUMBER and given,
                "unit": kind is QuestionType.NUMBER and counts(asked, text),
                "time": kind is QuestionType.TIME and given,
                "person": kind is QuestionType.PERSON and given,
                "place": kind is QuestionType.PLACE and given,
                "cosine": 0.0,
            }
            rows.append([float(figures[name]) for name in FIGURES])
        return np.array(rows)

    def _added(self, candidate: Candidate, neighbour: Candidate | None, own: float) -> float:
        if neighbour is None:
            return 0.0
        return max(0.0, self.share((*candidate.terms, *neighbour.terms)) - own)

    def _with_context(self, candidate: Candidate, share: Callable[[Sequence[str]], float]) -> float:
        own = share(candidate.terms)
        led = share((*candidate.terms, *candidate.lead_terms))
        around = share((*candidate.terms, *candidate.context))
        return own + _LEAD_SHARE * (led - own) + _CONTEXT_SHARE * (around - led)

    def _count(self, terms: Sequence[str]) -> float:
        return len(self._weights.keys() & set(terms)) / max(1, len(self._weights))

    def _by_hand(self) -> Scores:
        return np.array([self._judged(candidate) for candidate in self.pool])

    def _judged(self, candidate: Candidate) -> float:
        kind, text = self.question.type, candidate.text
        score = _POINTER if points_elsewhere(text) else 0.0
        score += _CASE if is_special_case(text) and not is_special_case(self.question.text) else 0.0
        if kind in (QuestionType.LIST, QuestionType.HOW_TO):
            score += _WHOLE_LIST if candidate.list_items else 0.0
            score += _LIST_ASIDE if candidate.fragment else 0.0
        elif candidate.fragment or candidate.list_items:
            score += _LIST_ASIDE
        if kind is QuestionType.DEFINITION:
            score += _SUBJECT if defines(self.question.terms, text) else 0.0
        elif kind is QuestionType.YES_NO:
            score += _DECIDES if decides(text) else 0.0
        elif kind in (QuestionType.HOW_TO, QuestionType.REASON, QuestionType.DURATION):
            score += _ASKED_FOR if holds(kind, text) else 0.0
        return score

    def _cosines(self, embedder: Embedder) -> Scores | None:
        """Cosine of the question and each candidate; that of the worst for those that the words alone leave behind.
        None where the model cannot be reached: the words alone decide then."""
        looked_at = np.argsort(-self.total, kind="stable")[:_EMBEDDED]
        texts = [_in_context(self.pool[index]) for index in looked_at]
        try:
            asked = embedder.embed_quickly([self.question.text])[0]
            near = embedder.embed_quickly(texts) @ asked
        except Unavailable as error:
            log.warning("answer_without_embedding", error=str(error))
            return None
        cosines = np.full(len(self.pool), float(near.min()))
        cosines[looked_at] = near
        return cosines


def _vector(weights: Mapping[str, float]) -> Scores:
    return np.array([weights.get(name, 0.0) for name in FIGURES])


def _in_context(candidate: Candidate) -> str:
    return f"{candidate.lead}: {candidate.text}" if candidate.lead else candidate.text
