"""The extracted text of a version: the one text in which every span of the product counts characters."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.labels import usable
from ingest.types import Block, BlockKind, Parsed, ParseFailed

# Characters that no database or browser takes: NUL and the other control characters, and lone surrogates.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LINE_END = re.compile("\r\n?|\u2028|\u2029")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+\n")


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A block by its place in the text: `text[start:end]`. `level` (1..6) counts for headings; pages start at 1."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    page: int | None = None


@dataclass(frozen=True, slots=True)
class ExtractedText:
    """The text of a version and its blocks, in reading order and without overlap."""

    text: str
    blocks: tuple[TextBlock, ...]
    parser: str = ""
    title: str | None = None
    notes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    category: str | None = None

    def blocks_json(self) -> list[dict[str, Any]]:
        """The blocks as they are stored with the version (VersionText.blocks)."""
        return [
            {"kind": block.kind.value, "start": block.start, "end": block.end, "level": block.level, "page": block.page}
            for block in self.blocks
        ]


def join(parsed: Parsed, max_chars: int) -> ExtractedText:
    """Join a file's blocks into one text.

    Paragraphs are a blank line apart; items of one list, and lines of one piece of code, follow each other. Raises
    ParseFailed: `no_text` when no block has a visible character, `too_large` past `max_chars` characters.
    """
    parts: list[str] = []
    blocks: list[TextBlock] = []
    length = 0
    for block in parsed.blocks:
        text = _clean(block)
        if not text:
            continue
        if blocks:
            separator = "\n" if blocks[-1].kind is block.kind is BlockKind.LIST_ITEM else "\n\n"
            parts.append(separator)
            length += len(separator)
        if length + len(text) > max_chars:
            raise ParseFailed(
                "too_large",
                f"The file holds more than {max_chars:,} characters of text, which is the most that is indexed of one "
                "file. Split it, or raise NEXUS_PARSE_OUTPUT_CHARS.",
            )
        level = min(max(block.level, 1), 6) if block.kind is BlockKind.HEADING else 0
        blocks.append(TextBlock(block.kind, length, length + len(text), level, block.page))
        parts.append(text)
        length += len(text)
    if not blocks:
        raise ParseFailed("no_text", "The file holds no text that could be read.")
    title = _UNSTORABLE.sub("", parsed.title).strip() if parsed.title else None
    labels = usable(parsed)
    notes = (*parsed.notes, *labels.notes)
    return ExtractedText(
        "".join(parts), tuple(blocks), parsed.parser, title or None, notes, labels.tags, labels.category
    )


def restore(text: str, blocks: Iterable[Mapping[str, Any]], parser: str) -> ExtractedText:
    """The extracted text again, from what is stored with the version."""
    return ExtractedText(
        text,
        tuple(
            TextBlock(BlockKind(block["kind"]), block["start"], block["end"], block["level"], block["page"])
            for block in blocks
        ),
        parser,
    )


def _clean(block: Block) -> str:
    text = _LINE_END.sub("\n", block.text)
    text = _UNSTORABLE.sub("", text)
    if block.kind is BlockKind.HEADING:
        return " ".join(text.split())
    text = _BLANK_LINES.sub("\n\n", text).strip("\n")
    return text.rstrip() if block.kind is BlockKind.CODE else text.strip()
