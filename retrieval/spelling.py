"""Words that were probably meant, where a word that was typed finds nothing.

Only what the asker may read is looked at, passage by passage, as the database has it: a correction is a word that they
could have read themselves, and a word that only others may read counts as one that does not exist.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.infra.metrics import search_step
from core_api.models import Document
from retrieval import analyzer
from retrieval.access import Shared, hydrate
from retrieval.engine import RetrievalEngine
from retrieval.hangul import strokes
from retrieval.keywords import source_term
from retrieval.query_language import ParsedQuery
from retrieval.types import Filters, Passage

_MAX_WORDS = 12
# Passages that are read to see whether a word is there, and for words like it.
_PROOFS, _SAMPLES = 3, 40
_MIN_LETTERS = 4
_LETTERS_FOR_TWO_EDITS = 6
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Better:
    """Words that were typed, with those that were meant. `nothing_found`: no word of the query finds anything."""

    replaced: dict[str, str]
    nothing_found: bool


@search_step("correct")
def correct(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    query: ParsedQuery,
    spaces: Sequence[str],
    shared: Shared,
    known: Collection[str],
) -> Better | None:
    """What was meant, where words of the query find nothing that the asker may read; None where nothing better is
    known. `spaces` and `shared` are what they may read, `known` are terms that something readable has been seen to
    have."""
    words = [word for word in dict.fromkeys(query.words) if analyzer.word_terms(word)][:_MAX_WORDS]
    # Of Hangul one pair of syllables tells little; of other scripts one term is what is looked for below.
    doubtful = [
        word for word in words if analyzer.is_cjk(word) or not any(t in known for t in analyzer.word_terms(word))
    ]
    if not doubtful:
        return None
    look = _Look(engine, spaces, shared)
    proofs = {word: look.having(word, _PROOFS) for word in doubtful}
    passages = hydrate(session, subject, sorted({id_ for ids in proofs.values() for id_ in ids}), Filters())
    missing = [word for word in doubtful if not _is_there(word, [passages[i] for i in proofs[word] if i in passages])]
    replaced: dict[str, str] = {}
    for word in missing:
        if (edits := _edits(word)) and (samples := look.near(word, edits)):
            read = hydrate(session, subject, samples, Filters())
            if (best := _nearest(word, edits, read.values())) is not None:
                replaced[word] = best
    if not replaced:
        return None
    return Better(replaced, len(missing) == len(words) and not query.phrases)


@dataclass(frozen=True, slots=True)
class _Look:
    engine: RetrievalEngine
    spaces: Sequence[str]
    shared: Shared

    @property
    def _shared_sources(self) -> list[str]:
        return [source_term(Document.__source_kind__, id_) for id_ in self.shared.source_ids]

    def having(self, word: str, most: int) -> list[str]:
        find = self.engine.keywords.search
        found = find(word, most, self.spaces)
        found += find(word, most, self.shared.space_ids, sources=self._shared_sources)
        return [chunk_id for chunk_id, _ in found]

    def near(self, word: str, edits: int) -> list[str]:
        find = self.engine.keywords.near
        if analyzer.is_cjk(word) and (found := self.having(word, _SAMPLES)):  # it shares syllables with what was meant
            return found
        shared = find(word, edits, _SAMPLES, self.shared.space_ids, sources=self._shared_sources)
        return find(word, edits, _SAMPLES, self.spaces) + shared


def _is_there(word: str, passages: Sequence[Passage]) -> bool:
    if not analyzer.is_cjk(word):
        return bool(passages)
    # Some of its syllables are found nearly always; all of them, or the word itself, are another thing.
    terms, stem = set(analyzer.word_terms(word)), analyzer.without_particle(word)
    return any(stem in text or terms <= set(analyzer.analyze(text)) for text in map(_text, passages))


def _text(passage: Passage) -> str:
    return f"{passage.source.title}\n{passage.heading}\n{passage.text}"


def _edits(word: str) -> int:
    """How many edits may lie between a word and what was meant; 0: it is too short to tell, or no word."""
    if analyzer.is_cjk(word):
        return (1 if len(word) < 3 else 2) if len(word) > 1 else 0
    if not word.isalpha() or len(word) < _MIN_LETTERS:
        return 0
    return 2 if len(word) >= _LETTERS_FOR_TWO_EDITS else 1


def _nearest(word: str, edits: int, passages: Iterable[Passage]) -> str | None:
    """The nearest of the words of these passages, of equally near ones the most frequent."""
    cjk = analyzer.is_cjk(word)
    counts: Counter[str] = Counter()
    for passage in passages:
        for found in _WORD.findall(_text(passage)):
            counts[analyzer.without_particle(found) if cjk else found.lower()] += 1
    typed = strokes(word)
    best: tuple[int, int, str] | None = None
    for other, count in counts.items():
        spelled = strokes(other)
        if abs(len(spelled) - len(typed)) > edits or len(set(spelled) ^ set(typed)) > 2 * edits or other == word:
            continue
        distance = edit_distance(typed, spelled, edits)
        if 0 < distance <= edits and (best is None or (distance, -count, other) < best):
            best = (distance, -count, other)
    return best[2] if best is not None else None


def edit_distance(one: str, other: str, most: int) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment) that lie between two
    words; `most + 1` where there are more than `most`."""
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for row, left in enumerate(one, start=1):
        line = [row]
        for column, right in enumerate(other, start=1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (left != right))
            if row > 1 and column > 1 and left == other[column - 2] and one[row - 2] == right:
                cost = min(cost, before_last[column - 2] + 1)
            line.append(cost)
        if min(line) > most:
            return most + 1
        before_last, last = last, line
    return min(last[-1], most + 1)
