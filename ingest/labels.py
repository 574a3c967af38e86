"""Tags and the category that a file names itself: what of them a document may have.

A file is a stranger's: this is asked where the parser's answer has come in, by the same bounds that people's tags have.
"""

import re
from typing import NamedTuple

from core_api.models.documents import MAX_LABEL_CHARS, MAX_TAGS
from ingest.types import Parsed

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufffe\uffff]+")


class Labels(NamedTuple):
    """What a document may have of a file's labels, and what to say of the others."""

    tags: tuple[str, ...]
    category: str | None
    notes: tuple[str, ...]


def usable(parsed: Parsed) -> Labels:
    """The file's tags, each once and in their order, and its category; without those that are too long or too many."""
    named = [name for tag in parsed.tags if (name := _line(tag))]
    tags = list(dict.fromkeys(name for name in named if len(name) <= MAX_LABEL_CHARS))
    notes = []
    if long := sum(len(name) > MAX_LABEL_CHARS for name in named):
        notes.append(f"{long} of its tags were left out: they have more than {MAX_LABEL_CHARS} characters.")
    if len(tags) > MAX_TAGS:
        notes.append(f"Only the first {MAX_TAGS} of its tags were taken.")
    category = _line(parsed.category or "")
    if len(category) > MAX_LABEL_CHARS:
        category = ""
        notes.append(f"Its category was left out: it has more than {MAX_LABEL_CHARS} characters.")
    return Labels(tuple(tags[:MAX_TAGS]), category or None, tuple(notes))


def _line(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())
