"""Markdown (CommonMark with tables), its YAML front matter, and the Liquid tags that site generators leave in it.

Direct over markdown-it-py's token stream, not through unstructured (Markdown -> HTML -> partition_html): 3 to 6 ms for
a page of 6.5 KB against 20 and more, no start-up cost, and ordered lists, code fences and table headers keep their
structure. HTML inside Markdown goes through the HTML parser.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import ClassVar

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.parsers.encoding import decode
from ingest.parsers.metadata import listed
from ingest.parsers.source import Source
from ingest.parsers.tables import table_text
from ingest.types import Block, BlockKind, Parsed

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_TITLE = re.compile(r"^(?:title|Title)[ \t]*:[ \t]*(.+?)[ \t]*$", re.M)
_LIQUID_TARGET = re.compile(r"(\]\()[^()\s]*\s*\{[{%][^\n]*?[%}]\}[^()\n]*\)")
_LIQUID_COMMENT = re.compile(r"\{%-?\s*comment\s*-?%\}.*?\{%-?\s*endcomment\s*-?%\}", re.S)
_LIQUID_TAG = re.compile(r"\{%-?.*?-?%\}", re.S)
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_PATH = re.compile(r"^[\w\-./#:?=&%~]*[/.][\w\-./#:?=&%~]*$")
_INLINE_BREAK = re.compile(r"<br\s*/?>", re.I)


def parse(source: Source) -> Parsed:
    """Parse a Markdown file; its title is the front matter's, or else its first level-1 heading."""
    text = decode(source.read()).replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    title, category = None, None
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    front = _FRONT_MATTER.match(text)
    if front:
        title = _front_matter_title(front.group(1))
        tags, category, notes = _front_matter_labels(front.group(1))
        text = text[front.end() :]
    blocks = tuple(markdown_blocks(text))
    if front and not any(block.text.strip() for block in blocks):
        blocks = tuple(_front_matter_blocks(front.group(1), title))
    if title is None:
        title = next((block.text for block in blocks if block.kind is BlockKind.HEADING and block.level == 1), None)
    return Parsed(blocks, title=title, parser="markdown", notes=notes, tags=tags, category=category)


def markdown_blocks(text: str) -> Iterator[Block]:
    """The blocks of Markdown text without front matter."""
    text = _LIQUID_COMMENT.sub("", text)
    text = _LIQUID_TARGET.sub(r"\1#)", text)
    yield from _Walker(_markdown().parse(text)).blocks()


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _front_matter_title(front: str) -> str | None:
    match = _TITLE.search(front)
    if not match:
        return None
    value = _yaml(match.group(1))
    if value is None or isinstance(value, dict | list):
        return match.group(1)  # "title: Travel: before you go" is no YAML scalar, and clear all the same
    return str(value).strip() or None


def _front_matter_labels(front: str) -> tuple[tuple[str, ...], str | None, tuple[str, ...]]:
    """The tags (`tags`, `keywords`) and the category (`category`, else the first of `categories`) that it names, each
    field read by its own lines, since others may be no YAML; and notes on what was no label."""
    notes: list[str] = []

    def values(name: str) -> tuple[str, ...]:
        match = re.search(rf"^{name}[ \t]*:([^\n]*(?:\n(?:[ \t]|-[ \t]|$)[^\n]*)*)", front, re.M | re.I)
        if match is None:
            return ()
        read = _yaml(f"field:{match.group(1)}", as_written=True)
        value = read.get("field") if isinstance(read, dict) else None
        items = value if isinstance(value, list) else listed(value) if isinstance(value, str) else [value]
        words = tuple(item for item in items if isinstance(item, str))
        if len(words) < len(items):
            notes.append(f"Of `{name}` in the front matter, what is no word or no YAML was left out.")
        return words

    tags = values("tags") + values("keywords")
    categories = values("category") or values("categories")
    return tags, next(iter(categories), None), tuple(notes)


def _front_matter_blocks(front: str, title: str | None) -> Iterator[Block]:
    """What a page without a body says: its title, and its fields, such as where it redirects to."""
    from ingest.parsers.structured import value_blocks

    if title:
        yield Block(BlockKind.HEADING, title, level=1)
    fields = _yaml(front)
    if isinstance(fields, dict):
        yield from value_blocks({key: value for key, value in fields.items() if key != "title"}, "", 2)


def _yaml(text: str, *, as_written: bool = False) -> object:
    """A YAML value; None when it is none, or is broken. `as_written`: `2024`, `1.10` and `no` are texts."""
    import yaml

    try:
        value: object = yaml.load(text, yaml.BaseLoader if as_written else yaml.SafeLoader)  # noqa: S506 - makes no objects
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return value


class _Walker:
    """One pass over the tokens; keeps the list and table it is in."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._lists: list[int | None] = []  # the next number of each open list, None for bullets
        self._marker = ""  # of a list item whose first text has not come yet

    def blocks(self) -> Iterator[Block]:
        position = 0
        while position < len(self._tokens):
            token = self._tokens[position]
            handler = self._HANDLERS.get(token.type)
            if token.type == "table_open":
                end = self._matching(position, "table_close")
                yield Block(BlockKind.TABLE, _table(self._tokens[position:end]))
                position = end
            elif token.type == "heading_open":
                yield Block(
                    BlockKind.HEADING, _inline(self._tokens[position + 1]), level=int(token.tag.removeprefix("h"))
                )
                position += 2
            elif handler is not None:
                yield from handler(self, token)
            position += 1

    def _matching(self, start: int, kind: str) -> int:
        return next(index for index in range(start, len(self._tokens)) if self._tokens[index].type == kind)

    def _open_list(self, token: Token) -> Iterator[Block]:
        start = token.attrGet("start")
        self._lists.append(None if token.type == "bullet_list_open" else int(start if start is not None else 1))
        yield from ()

    def _close_list(self, token: Token) -> Iterator[Block]:
        self._lists.pop()
        yield from ()

    def _open_item(self, token: Token) -> Iterator[Block]:
        number = self._lists[-1]
        self._marker = "- " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1] = number + 1
        yield from ()

    def _close_item(self, token: Token) -> Iterator[Block]:
        self._marker = ""
        yield from ()

    def _text(self, token: Token) -> Iterator[Block]:
        text = _inline(token).strip()
        if not text:
            return
        if self._marker:
            yield Block(BlockKind.LIST_ITEM, self._marker + text)
            self._marker = ""
        else:
            yield Block(BlockKind.PARAGRAPH, text)

    def _code(self, token: Token) -> Iterator[Block]:
        yield Block(BlockKind.CODE, token.content)

    def _html(self, token: Token) -> Iterator[Block]:
        yield from html_fragment(token.content)

    _HANDLERS: ClassVar[dict[str, Callable[["_Walker", Token], Iterator[Block]]]] = {
        "bullet_list_open": _open_list,
        "ordered_list_open": _open_list,
        "bullet_list_close": _close_list,
        "ordered_list_close": _close_list,
        "list_item_open": _open_item,
        "list_item_close": _close_item,
        "inline": _text,
        "fence": _code,
        "code_block": _code,
        "html_block": _html,
    }


def html_fragment(content: str) -> Iterator[Block]:
    """Blocks of HTML that stands in Markdown; lone tags (`<div>`, `</details>`) give none."""
    content = _without_liquid(content)
    if not re.sub(r"<!--.*?-->|<[^>]*>", "", content, flags=re.S).strip():
        return
    from ingest.parsers.html import html_blocks

    yield from html_blocks(content)


def _table(tokens: list[Token]) -> str:
    rows: list[list[str]] = []
    header_rows = 0
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_inline(token))
        elif token.type == "thead_close":
            header_rows = len(rows) if any(cell for row in rows for cell in row) else 0
    return table_text(rows, header_rows=header_rows)


def _inline(token: Token) -> str:
    parts: list[str] = []
    for child in token.children or []:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type == "softbreak":
            parts.append(" ")
        elif child.type == "hardbreak" or (child.type == "html_inline" and _INLINE_BREAK.match(child.content)):
            parts.append("\n")
        elif child.type == "image":
            parts.append(child.content)
    return _without_liquid("".join(parts))


def _without_liquid(text: str) -> str:
    return _LIQUID_TAG.sub(_liquid_words, text) if "{%" in text else text


def _liquid_words(match: re.Match[str]) -> str:
    """What a Liquid tag shows its reader: its quoted words (a channel's name), but no paths."""
    words = [first or second for first, second in _QUOTED.findall(match.group(0))]
    shown = [word for word in words if not _PATH.match(word)]
    return shown[-1] if shown and not match.group(0).lstrip("{%- ").startswith(("include", "image", "alert")) else ""
