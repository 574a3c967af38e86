"""What was said about something, as a stretch of its source: the best sentence with what stands around it.

What people think, decide or discuss is said over several sentences or turns, each of which says little alone. So the
sentences beside the best are quoted too, in their order, as many as can be read at once.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from assistant.answers.candidates import Candidate
from assistant.answers.questions import QuestionType
from assistant.answers.scoring import Scored
from assistant.types import Evidence
from assistant.wording.untrusted import speaks_to_assistant
from retrieval.types import Hit

# Characters quoted altogether, in at most so many places; with less room than that left no further place is opened, nor
# where its best sentence is exp(4) times less likely to be the answer than the best of all.
_CHARS, _LEAST_CHARS = 1_000, 200
_PLACES = 8
_MARGIN = 4.0
# Sentences with no more than this between them belong together: a short reply or a question is no candidate.
_GAP = 200
# A turn of a transcript: who speaks, and a sentence. "[00:12] Ada: Good morning.", "**Ada:** Good morning."
_TURN = re.compile(
    r"^(?:[\[(]?\d[\d:.]*[\])]?\s)?\*{0,2}([^\W\d][\w .'’()-]{0,40}?)(?: \(\d[\d:.]*\))?:\*{0,2} .*[.?!…]$",
    re.MULTILINE,
)
_FEWEST_TURNS = 3
_FACTS = frozenset(
    {
        QuestionType.PERSON,
        QuestionType.TIME,
        QuestionType.PLACE,
        QuestionType.NUMBER,
        QuestionType.DURATION,
        QuestionType.YES_NO,
    }
)


def told_at_length(scored: Scored, hits: Sequence[Hit]) -> bool:
    """Whether stretches answer the question: where it asks what people think or said, and of a transcript where it asks
    for anything but a fact."""
    kind = scored.question.type
    if kind in _FACTS or kind is QuestionType.VIEWS:
        return kind is QuestionType.VIEWS
    best = _source(scored.pool, int(scored.total.argmax()))
    return _is_transcript([hit.text for hit in hits if hit.source.id == best])


def _is_transcript(passages: Sequence[str]) -> bool:
    """Whether people speak by turns: a third of the lines are turns, and somebody has several."""
    turns = Counter(name for text in passages for name in _TURN.findall(text))
    lines = sum(bool(line.strip()) for text in passages for line in text.splitlines())
    return 3 * turns.total() >= max(lines, 3 * _FEWEST_TURNS) and max(turns.values()) > 1


def choose_stretches(scored: Scored) -> list[list[int]]:
    """Indices of the chosen candidates by stretch, the best stretch first, each in the order in which it is written.

    Where several sources speak of it, none has more than half of the room.
    """
    pool = scored.pool
    order = [int(index) for index in np.argsort(-scored.total, kind="stable")]
    seeds = [index for index in order if scored.total[index] >= scored.total[order[0]] - _MARGIN]
    of_source: dict[str, int] = {}
    for index in seeds:
        of_source.setdefault(_source(pool, index), index)
    share = _CHARS if len(of_source) == 1 else _CHARS // 2
    stretches: list[list[int]] = []
    left = _CHARS
    for seed in dict.fromkeys([*of_source.values(), *seeds]):
        if len(stretches) == _PLACES or left < _LEAST_CHARS:
            break
        taken = [index for stretch in stretches for index in stretch]
        if not any(pool[seed].evidence.overlaps(pool[index].evidence) for index in taken):
            stretches.append(_grown(scored, seed, min(left, share), taken))
            left -= _length(pool, stretches[-1])
    return stretches


def stretch_evidence(pool: Sequence[Candidate], stretch: Sequence[int]) -> list[Evidence]:
    """The quotations of a stretch, one for each of its passages: what stands between its sentences is quoted with them,
    unless it speaks to the assistant."""
    quoted: list[Evidence] = []
    for index in stretch:
        one = pool[index].evidence
        if quoted and quoted[-1].hit.chunk_id == one.hit.chunk_id:
            start, offset = quoted[-1].start, one.hit.start
            if not speaks_to_assistant(one.hit.text, start - offset, one.end - offset):
                quoted[-1] = Evidence(one.hit, start, one.end)
                continue
        quoted.append(one)
    return quoted


def _grown(scored: Scored, seed: int, chars: int, taken: Sequence[int]) -> list[int]:
    """The sentence with its neighbours: again and again the better one of the two beside it, while there is room.

    It cannot reach over what is taken: that would have grown up to here itself.
    """
    pool = scored.pool
    line = sorted([seed, *_free(pool, seed, taken)], key=lambda index: pool[index].evidence.start)
    first = end = line.index(seed)
    while True:
        beside: dict[int, tuple[int, int]] = {}
        if first > 0 and _gap(pool, line[first - 1], line[first]) <= _GAP:
            beside[line[first - 1]] = first - 1, end
        if end + 1 < len(line) and _gap(pool, line[end], line[end + 1]) <= _GAP:
            beside[line[end + 1]] = first, end + 1
        fitting = [index for index, (start, stop) in beside.items() if _length(pool, line[start : stop + 1]) <= chars]
        if not fitting:
            return line[first : end + 1]
        first, end = beside[max(fitting, key=lambda index: float(scored.total[index]))]


def _free(pool: Sequence[Candidate], seed: int, taken: Sequence[int]) -> list[int]:
    """The sentences of the seed's source that overlap neither it nor what is taken; no lists."""
    return [
        index
        for index, one in enumerate(pool)
        if _source(pool, index) == _source(pool, seed)
        and not one.list_items
        and not any(one.evidence.overlaps(pool[other].evidence) for other in (seed, *taken))
    ]


def _source(pool: Sequence[Candidate], index: int) -> str:
    return pool[index].evidence.hit.source.id


def _length(pool: Sequence[Candidate], stretch: Sequence[int]) -> int:
    return pool[stretch[-1]].evidence.end - pool[stretch[0]].evidence.start


def _gap(pool: Sequence[Candidate], before: int, after: int) -> int:
    return pool[after].evidence.start - pool[before].evidence.end
