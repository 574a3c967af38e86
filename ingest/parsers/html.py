"""HTML through unstructured, after what it would lose has been written into the tree.

`partition_html` drops forms, details and figures with all they hold, row and column spans, line breaks and the numbers
of ordered lists, and runs everything inside a layout table (most HTML e-mail) together into one table; so these are
renamed, spread out and made text, and tables that only place things on the page are unwrapped first.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from ingest.parsers.cleaning import one_line
from ingest.parsers.encoding import declared_in_markup, decode
from ingest.parsers.metadata import listed
from ingest.parsers.source import Source
from ingest.types import Block, BlockKind, Parsed

_BREAK = "\ufdd0"  # a code point that no text holds
_REMOVED = (
    *("script", "style", "template", "noscript", "iframe", "object", "svg", "head", "title", "nav", "button", "select"),
    *("textarea", "datalist", "canvas", "audio", "video", "noembed", "noframes"),
)
_KEPT = {  # partition_html drops these with all they hold, which may be the whole page
    **dict.fromkeys(("form", "details", "summary", "figure", "figcaption", "dialog"), "div"),
    "label": "span",
}
_STRUCTURE = ("table", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "pre", "blockquote", "hr")


def parse(source: Source) -> Parsed:
    """Parse an HTML page; its title is the `<title>`."""
    data = source.read()
    return parse_text(decode(data, declared_in_markup(data)))


def parse_text(text: str) -> Parsed:
    """Parse HTML that is already decoded."""
    tree = _tree(text)
    if tree is None:
        return Parsed((), parser="html")
    title = next(tree.iter("title"), None)
    name = one_line("".join(title.itertext())) if title is not None else ""
    tags, category = _labels(tree)
    return Parsed(tuple(_blocks(tree)), title=name or None, parser="html", tags=tags, category=category)


def _labels(tree: Any) -> tuple[tuple[str, ...], str | None]:
    """Tags and the category that `<meta>` elements name: `keywords`, and those of Open Graph's articles."""
    tags: list[str] = []
    category = None
    for meta in tree.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").strip().lower()
        content = (meta.get("content") or "").strip()
        if name == "keywords":
            tags += listed(content)
        elif name == "article:tag":
            tags.append(content)
        elif name == "article:section":
            category = category or content or None
    return tuple(tags), category


def html_blocks(text: str) -> Iterator[Block]:
    """The blocks of an HTML fragment."""
    tree = _tree(text)
    if tree is not None:
        yield from _blocks(tree)


def _tree(text: str) -> Any | None:
    from lxml import etree
    from lxml import html as lxml_html

    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return lxml_html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:  # nothing but comments or white space
        return None


def _blocks(tree: Any) -> Iterator[Block]:
    from lxml import html as lxml_html

    from ingest.parsers import elements

    for element in [*tree.iter(*_REMOVED)]:
        element.drop_tree()
    for element in tree.iter(*_KEPT):
        element.tag = _KEPT[element.tag]
    for table in reversed([*tree.iter("table")]):
        if _is_layout(table):
            _unwrap_table(table)
        else:
            _spread_spans(table)
    _number_items(tree)
    _mark_breaks(tree)
    elements.load()
    from unstructured.partition.html import partition_html

    pieces = [line for piece in tree.itertext() if (line := piece.replace(_BREAK, " ").strip())]
    try:
        found = partition_html(text=lxml_html.tostring(tree, encoding="unicode"), languages=[""])
    except RecursionError:
        found = []
    blocks = [*_with_breaks(elements.blocks_of(found))]
    # Below some 250 nested elements partition_html sees nothing: then the text without its structure.
    if sum(len(block.text) for block in blocks) * 2 < sum(len(piece) for piece in pieces):
        blocks = [Block(BlockKind.PARAGRAPH, "\n".join(pieces))]
    yield from blocks


def _is_layout(table: Any) -> bool:
    """Whether a table places things on the page rather than relating values."""
    if table.get("role") in ("presentation", "none"):
        return True
    if _own(table, "th", "caption"):
        return False
    if any(True for _ in table.iterdescendants(*_STRUCTURE)):
        return True
    return max((sum(1 for cell in tr if cell.tag in ("td", "th")) for tr in table.iter("tr")), default=0) <= 1


def _own(table: Any, *tags: str) -> list[Any]:
    """The parts of a table that do not belong to a table inside it."""
    return [part for part in table.iterdescendants(*tags) if next(part.iterancestors("table"), None) is table]


def _unwrap_table(table: Any) -> None:
    for element in [*_own(table, "caption", "thead", "tbody", "tfoot", "tr", "td", "th"), table]:
        element.tag = "div"
        for name in ("colspan", "rowspan"):
            element.attrib.pop(name, None)


def _spread_spans(table: Any) -> None:
    """Rewrite a data table so that every row holds all its cells."""
    from lxml import html as lxml_html

    from ingest.parsers.elements import grid_of

    if table.find(".//*[@rowspan]") is None and table.find(".//*[@colspan]") is None:
        return
    rows, header_rows = grid_of(table)
    for child in [*table]:
        if child.tag != "caption":
            table.remove(child)
    for index, row in enumerate(rows):
        tr = lxml_html.Element("tr")
        for text in row:
            cell = lxml_html.Element("th" if index < header_rows else "td")
            cell.text = text
            tr.append(cell)
        table.append(tr)


def _number_items(tree: Any) -> None:
    """Write the numbers of ordered lists into their items."""
    for ordered in tree.iter("ol"):
        start = ordered.get("start", "1")
        number = int(start) if start.lstrip("-").isdigit() else 1
        for item in ordered.iterchildren("li"):
            value = item.get("value", "")
            number = int(value) if value.isdigit() else number
            target = item
            while (
                not (target.text or "").strip() and len(target) and target[0].tag in ("p", "div", "span", "b", "strong")
            ):
                target = target[0]
            target.text = f"{number}. {(target.text or '').lstrip()}"
            number += 1


def _mark_breaks(tree: Any) -> None:
    """Write line breaks into the text as marks, since partition_html makes them spaces; two in a row end a paragraph,
    as in pages and e-mails that have no `<p>`."""
    for br in reversed([*tree.iter("br")]):
        br.tail = _BREAK + (br.tail or "")
        br.drop_tag()


def _with_breaks(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        if _BREAK not in block.text:
            yield block
        elif block.kind in (BlockKind.HEADING, BlockKind.TABLE):
            yield replace(block, text=block.text.replace(_BREAK, " "))
        elif block.kind is BlockKind.CODE:
            yield replace(block, text=block.text.replace(_BREAK, "\n"))
        else:
            for number, text in enumerate(re.split(rf"\s*{_BREAK}\s*(?:{_BREAK}\s*)+", block.text)):
                kind = block.kind if number == 0 else BlockKind.PARAGRAPH
                yield replace(block, kind=kind, text=re.sub(rf"\s*{_BREAK}\s*", "\n", text))
