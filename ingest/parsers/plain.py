"""Plain text: paragraphs at blank lines, list items by their marks, headings only where the layout says so.

Direct, not through unstructured: partition_text would import spaCy and the rest (1.7 s, 190 MB in the child) to return
the same paragraphs, with headings guessed from word classes that its blank pipeline does not know.
"""

import itertools
import re
from collections.abc import Iterator

from ingest.parsers.encoding import decode
from ingest.parsers.source import Source
from ingest.types import Block, BlockKind, Parsed

_ITEM = re.compile(r"^\s*(?:[-*•‣◦·▪–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+\S")
_UNDERLINE = re.compile(r"^\s*(={3,}|-{3,}|~{3,})\s*$")
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_WRAP_MIN = 50


def parse(source: Source) -> Parsed:
    """Parse a text file of any encoding."""
    return Parsed(tuple(text_blocks(decode(source.read()))), parser="plain")


def parse_code(source: Source) -> Parsed:
    """Parse a program or a configuration file: kept as it is, in pieces at blank lines."""
    text = decode(source.read()).replace("\r\n", "\n").replace("\r", "\n")
    pieces = (piece for piece in _BLANK.split(text) if piece.strip())
    return Parsed(tuple(Block(BlockKind.CODE, piece) for piece in pieces), parser="plain")


def text_blocks(text: str) -> Iterator[Block]:
    """The blocks of a plain text (also an e-mail's body)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    for paragraph in _BLANK.split(text):
        lines = [line.rstrip() for line in paragraph.split("\n") if line.strip()]
        if not lines:
            continue
        if len(lines) >= 2 and _UNDERLINE.match(lines[1]) and len(lines[0].strip()) <= 120:
            yield Block(BlockKind.HEADING, lines[0].strip(), level=1 if "=" in lines[1] else 2)
            lines = lines[2:]
        elif len(lines) == 1 and _is_capitals_heading(lines[0]):
            yield Block(BlockKind.HEADING, lines[0].strip(), level=2)
            continue
        yield from _paragraph(lines)


def unwrap(lines: list[str]) -> str:
    """Lines that a program wrapped at a fixed width become one; deliberate line ends stay."""
    if len(lines) < 2:
        return "\n".join(lines)
    widest = max(len(line) for line in lines)
    parts = [lines[0].strip()]
    for before, line in itertools.pairwise(lines):
        full = widest >= _WRAP_MIN and len(before) + len(line.split(maxsplit=1)[0]) + 1 >= widest * 0.9
        parts.append(" " if full else "\n")
        parts.append(line.strip())
    return "".join(parts)


def _paragraph(lines: list[str]) -> Iterator[Block]:
    run: list[str] = []
    item = False
    for line in lines:
        if _ITEM.match(line):
            if run:
                yield Block(BlockKind.LIST_ITEM if item else BlockKind.PARAGRAPH, unwrap(run))
            run, item = [line], True
        else:
            run.append(line)
    if run:
        yield Block(BlockKind.LIST_ITEM if item else BlockKind.PARAGRAPH, unwrap(run))


def _is_capitals_heading(line: str) -> bool:
    letters = [char for char in line if char.isalpha()]
    return (
        len(letters) >= 4
        and len(line.strip()) <= 80
        and all(char.isupper() for char in letters)
        and not line.rstrip().endswith((".", ";", ","))
    )
