"""What is typed so far, compared with the beginnings of words."""

import re
from dataclasses import dataclass
from functools import cached_property

from retrieval.hangul import as_initials, folded, initial_of, is_bare_initial, prefix_end, strokes

KEY_CHARS = 32
"""Strokes of a word, and what follows it, that are compared in an index of words."""
_MIN_SLIP_STROKES = 4
_WORD = re.compile(r"\w+")


def word_starts(text: str) -> list[int]:
    """Where the words of a text begin."""
    return [match.start() for match in _WORD.finditer(text)]


@dataclass(frozen=True, slots=True)
class Match:
    """Where a text was matched: 0 from its beginning, 1 from a word's, 2 word by word, 3 with a slip."""

    rank: int
    spans: tuple[tuple[int, int], ...]


class Typed:
    """What is typed so far. Texts are compared without regard to case, Hangul by the letters typed of it."""

    def __init__(self, text: str) -> None:
        self.text = as_initials(folded(" ".join(text.split())))
        self.words = self.text.split()
        self.strokes = strokes(self.text)
        self.initials = "".join(map(initial_of, self.text))
        # Where the first consonant that stands by itself is.
        self.bare = next((at for at, letter in enumerate(self.text) if is_bare_initial(letter)), None)
        self._ascii = self.text.isascii()

    @cached_property
    def parts(self) -> list["Typed"]:
        """Each word by itself, the longest first."""
        return [Typed(word) for word in sorted(self.words, key=len, reverse=True)]

    def match(self, text: str) -> Match | None:
        """How `text` has words that begin as typed; None where it has not."""
        text = folded(text)
        if self._ascii and not all(word in text for word in self.words):
            return None
        starts = word_starts(text)
        for start in starts:
            if (end := prefix_end(self.text, text, start)) is not None:
                return Match(0 if start == starts[0] else 1, ((start, end),))
        if len(self.words) < 2:
            return None
        spans = set()
        for word in self.words:
            ends = ((start, prefix_end(word, text, start)) for start in starts)
            span = next(((start, end) for start, end in ends if end is not None), None)
            if span is None:
                return None
            spans.add(span)
        return Match(2, tuple(sorted(spans)))

    def match_with_slip(self, text: str) -> Match | None:
        """The same with one slip of the keyboard."""
        if self.slip is None:
            return None
        text = folded(text)
        for start in word_starts(text):
            if self.slip.match(strokes(text[start : start + len(self.text) + 1])):
                return Match(3, ((start, min(len(text), start + len(self.text))),))
        return None

    @cached_property
    def slip(self) -> re.Pattern[str] | None:
        """Matches the strokes of what begins as typed but for one letter that is wrong, missing, too many, or changed
        places with the next; the first letter is right, and a wrong one is not the last. None where too little is typed
        to tell, or initials are."""
        key = self.strokes[: KEY_CHARS - 1]
        if len(key) < _MIN_SLIP_STROKES or self.bare is not None:
            return None
        pattern = ""
        for at in reversed(range(1, len(key))):
            rest, after = re.escape(key[at:]), re.escape(key[at + 1 :])
            slips = ["." + rest]
            if after:
                slips += ["." + after, after, re.escape(key[at + 1] + key[at] + key[at + 2 :])]
            pattern = f"(?:{re.escape(key[at])}{pattern}|{'|'.join(slips)})"
        return re.compile(re.escape(key[0]) + pattern, re.DOTALL)
