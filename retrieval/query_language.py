"""The language of the search box.

    "exact phrase"   -word   -"phrase"   in:Handbook   by:"Ada Lovelace"   tag:hr   kind:document
    category:Policies   before:2026-11-01   after:2026-11   -tag:draft

Any text is a valid query: what is not of this language is words. Names are not looked up here, nor dates judged;
whoever applies a field says what is wrong with its value.
"""

import re
from dataclasses import dataclass, field
from datetime import date

from retrieval.stopwords import KOREAN_PARTICLES

FIELDS = ("in", "by", "category", "tag", "kind", "before", "after")

# A quotation begins where a word could, and ends at the next mark of its kind: 5" and it's stay words.
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "＂": "＂"}
_MARKS = "".join(_QUOTES)
_CLOSING = "".join(dict.fromkeys(_QUOTES.values()))
_FIELD = re.compile(rf"({'|'.join(FIELDS)})[:：](?=\S)", re.IGNORECASE)
_BLANK = re.compile(r"\s*")
_RUN = re.compile(r"\S+")
# `-5` is a number, `--force` and `->` are what they are; a letter or a quotation after the minus makes an exclusion.
_EXCLUSION = re.compile(rf"-(?=[^\W\d_]|[{re.escape(_MARKS)}])")
_DATE = re.compile(r"(\d{4})(?:[-./](\d{1,2})(?:[-./](\d{1,2}))?)?[-./]?")


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """`tag:hr` or `-tag:hr`. `name` is one of FIELDS; `value` is as it was typed, without quotation marks."""

    name: str
    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What was typed, taken apart. `text` is what is searched for: words and phrases in their order, without marks."""

    text: str
    words: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    excluded_words: tuple[str, ...] = ()
    excluded_phrases: tuple[str, ...] = ()
    fields: tuple[FieldTerm, ...] = ()
    # Where each of `words` ends in what was typed.
    word_ends: tuple[int, ...] = field(default=(), compare=False)

    @property
    def excluded(self) -> tuple[str, ...]:
        """Words and phrases that no hit may have."""
        return self.excluded_words + self.excluded_phrases


def parse(text: str) -> ParsedQuery:
    """Take a query apart. Any text is valid: a quotation that never ends, a lone minus or an empty field is words."""
    searched: list[str] = []
    words: list[str] = []
    word_ends: list[int] = []
    phrases: list[str] = []
    excluded_words: list[str] = []
    excluded_phrases: list[str] = []
    fields: list[FieldTerm] = []
    place = _after_blanks(text, 0)
    while place < len(text):
        minus = _EXCLUSION.match(text, place)
        start = minus.end() if minus else place
        if name := _FIELD.match(text, start):
            value, place = _value(text, name.end())
            if value:
                fields.append(FieldTerm(name.group(1).lower(), value, minus is not None))
            else:
                searched.append(name.group(1))
                words.append(name.group(1))
                word_ends.append(name.end(1))
        elif quoted := _quotation(text, start):
            phrase, place = quoted
            if phrase and minus:
                excluded_phrases.append(phrase)
            elif phrase:
                searched.append(phrase)
                phrases.append(phrase)
        else:
            word, place = _word(text, start)
            if minus and word:
                excluded_words.append(word)
            elif word:
                searched.append(word)
                words.append(word)
                word_ends.append(place)
        place = _after_blanks(text, place)
    return ParsedQuery(
        " ".join(searched),
        tuple(words),
        tuple(phrases),
        tuple(excluded_words),
        tuple(excluded_phrases),
        tuple(dict.fromkeys(fields)),
        tuple(word_ends),
    )


def parse_date(value: str) -> date | None:
    """The first day of `2026`, `2026-11` or `2026-11-01` (also with dots or slashes); None for anything else."""
    match = _DATE.fullmatch(value.strip())
    if match is None:
        return None
    year, month, day = (int(part) if part else 1 for part in match.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _after_blanks(text: str, place: int) -> int:
    match = _BLANK.match(text, place)
    return match.end() if match else place


def _quotation(text: str, place: int) -> tuple[str, int] | None:
    """The quotation that begins at `place`, its white space joined, and where it ends; None where there is none."""
    mark = text[place : place + 1]
    if mark not in _QUOTES or not mark:
        return None
    end = text.find(_QUOTES[mark], place + 1)
    if end < 0:
        return None
    phrase = " ".join(text[place + 1 : end].split())
    end += 1
    # "육아 휴직"은: the particle belongs to the quotation's grammar and is not searched for.
    tail = _RUN.match(text, end)
    if tail and tail.group() in KOREAN_PARTICLES:
        end = tail.end()
    return phrase, end


def _value(text: str, place: int) -> tuple[str, int]:
    """The value of a field: a quotation, or all up to the next blank."""
    if quoted := _quotation(text, place):
        return quoted
    run = _RUN.match(text, place)
    if run is None:
        return "", place
    return run.group().strip(_MARKS + _CLOSING).rstrip(",;"), run.end()


def _word(text: str, place: int) -> tuple[str, int]:
    """All up to the next blank, without a quotation mark that opens nothing."""
    run = _RUN.match(text, place)
    if run is None:
        return "", place
    word = run.group()
    return (word[1:] if word[0] in _QUOTES else word), run.end()
