"""Text from documents is data. Here is what keeps it so: characters that no reader sees are taken out, and sentences
that speak to the assistant instead of the reader ("ignore your instructions", "call the tool", "[system]") are found.

Such a sentence, and what follows it in its paragraph, is never quoted in an answer, never supports a sentence of a
model, and is not shown to a model. The search goes on finding it, and the document shows it: people see what is
written. What these patterns do not know is met by the rest: tools act with the asker's rights, actions wait for a
person, and an answer says only what its sources say, without links or pictures.
"""

import re
import unicodedata
from functools import lru_cache
from xml.sax.saxutils import escape

from assistant.wording.instruction_patterns import instructions

WITHHELD = "[left out: text that gives instructions to an assistant]"
_CACHED = 2_000

# Zero width, direction marks, variation selectors, tag characters: seen by models, not by people. Joiners inside words
# of scripts that need them would be lost too; English and Korean have none.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")

_PARAGRAPH_END = re.compile(r"\n[ \t]*\n|\n(?=#{1,6}\s)|\Z")
_SENTENCE_START = re.compile(r"(?:^|[.!?。！？][\"'”’)\]]*\s+|\n)", re.MULTILINE)


def visible(text: str) -> str:
    """`text` without characters that no reader sees: zero-width, direction marks, tags, controls."""
    return _CONTROL.sub(" ", _INVISIBLE.sub("", text))


@lru_cache(maxsize=_CACHED)
def instruction_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Where `text` speaks to the assistant: (start, end), each from the start of the sentence to the end of its
    paragraph, since what follows such a sentence belongs to it. In order, without overlaps."""
    seen, places = _seen(text)
    spans: list[tuple[int, int]] = []
    for match in sorted(instructions(seen), key=lambda match: match.start()):
        if spans and places[match.start()] < spans[-1][1]:
            continue
        first = match.start() + (len(match.group()) - len(match.group().lstrip()))
        begins = [start.end() for start in _SENTENCE_START.finditer(seen, 0, first) if start.end() <= first]
        end = _PARAGRAPH_END.search(seen, match.end())
        stop = end.start() if end is not None else len(seen)
        spans.append((places[begins[-1] if begins else 0], places[stop]))
    return tuple(spans)


def speaks_to_assistant(text: str, start: int, end: int) -> bool:
    """Whether text[start:end] lies in, or reaches into, an instruction to the assistant."""
    return any(start < stop and begin < end for begin, stop in instruction_spans(text))


def for_model(text: str) -> str:
    """`text` as a model may see it: visible characters only, instructions left out, and no tags of our own in it."""
    return escape(plain_for_model(text))


def plain_for_model(text: str) -> str:
    """The same, not escaped yet."""
    kept: list[str] = []
    at = 0
    for start, end in instruction_spans(text):
        kept += [text[at:start], WITHHELD]
        at = end
    return visible("".join([*kept, text[at:]]))


def _seen(text: str) -> tuple[str, list[int]]:
    """The text as a reader sees it, with letters of other scripts and widths folded to the plain ones that they look
    like, and the place of each character in `text` (one more for the end)."""
    if text.isascii():
        return text, list(range(len(text) + 1))
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        if _INVISIBLE.match(sign):
            continue
        for folded in _LOOKALIKES.get(sign) or unicodedata.normalize("NFKC", sign):
            signs.append(folded)
            places.append(place)
    return "".join(signs), [*places, len(text)]


_LOOKALIKES = dict(zip("асеіорухАВЕНІКМОРСТХѕԁ", "aceiopyxABEHIKMOPCTXsd", strict=True))
