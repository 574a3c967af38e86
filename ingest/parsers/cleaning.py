"""Text as it may be stored: no control characters, one kind of line end, composed Unicode, no empty blocks."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ingest.types import Block, BlockKind

_TABLE: dict[int, str | None] = dict.fromkeys([*range(32), *range(127, 160)])
_TABLE |= dict.fromkeys((173, 8203, 8206, 8207, 8288, 65279, 65534, 65535))
_TABLE |= dict.fromkeys(range(55296, 57344))  # lone surrogates cannot be stored as UTF-8
_TABLE |= {ord("\t"): "\t", ord("\n"): "\n", 0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n"}
_TABLE |= dict.fromkeys((160, 8199, 8239), " ")
_TABLE |= dict.fromkeys(range(0xFDD0, 0xFDF0))  # noncharacters, which parsers here use as marks
_LINE_ENDS = re.compile(r"\r\n?")
_TRAILING = re.compile(r"[ \t]+(?=\n|$)")
_BLANK_RUN = re.compile(r"\n{3,}")
_SPACES = re.compile(r"(?<=\S)[ \t]{2,}")
_WHITESPACE = re.compile(r"\s+")


def clean(text: str) -> str:
    """`text` without control and invisible characters, with `\\n` line ends, in NFC."""
    text = _LINE_ENDS.sub("\n", text).translate(_TABLE)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """`text` with every run of white space as one space."""
    return _WHITESPACE.sub(" ", clean(text)).strip()


def tidy(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks with clean text; those without any are left out."""
    for block in blocks:
        if block.kind is BlockKind.HEADING:
            text = one_line(block.text)
        else:
            text = _BLANK_RUN.sub("\n\n", _TRAILING.sub("", clean(block.text)))
            text = text.strip("\n").rstrip() if block.kind is BlockKind.CODE else _SPACES.sub(" ", text).strip()
        if text:
            level = min(max(block.level, 1), 6) if block.kind is BlockKind.HEADING else 0
            yield replace(block, text=text, level=level)
