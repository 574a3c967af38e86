"""Tags and a category that a file names itself, as its parser finds them; ingest.labels judges them."""

import re
from dataclasses import replace

from ingest.types import Parsed

# What is beyond that many, or that long, is nobody's tag: it does not leave the parser's process.
_MOST, _MOST_CHARS = 500, 500
_SEMICOLONS, _COMMAS = re.compile("[;；]"), re.compile("[,，、]")


def listed(text: str | None) -> tuple[str, ...]:
    """`leave, holidays`, or `Smith, Ada; leave`: what semicolons part, where there are any, else what commas part."""
    parts = (_SEMICOLONS if _SEMICOLONS.search(text or "") else _COMMAS).split(text or "")
    return tuple(part.strip() for part in parts if part.strip())


def bounded(parsed: Parsed) -> Parsed:
    """The same with no more of its labels than anybody would read."""
    tags = tuple(tag[:_MOST_CHARS] for tag in parsed.tags[:_MOST])
    return replace(parsed, tags=tags, category=parsed.category and parsed.category[:_MOST_CHARS])
