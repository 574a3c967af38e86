"""The one seam to unstructured: importing it safely, and turning its elements into blocks.

unstructured classifies text with the spaCy model en_core_web_sm, which it downloads and installs on first use. A server
must not install packages while it parses a stranger's file, and guesses from word classes are worth little beside the
structure that the formats themselves hold. `load` therefore hands it a blank English pipeline with a sentencizer (every
text ends as plain text unless its markup says heading, item, table or code), and switches its telemetry and its usage
notice off before it is imported. The import costs 1.7 s and about 190 MB, so only the formats that need it do it.
"""

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ingest.parsers.tables import table_text
from ingest.types import Block, BlockKind

if TYPE_CHECKING:
    from unstructured.documents.elements import Element

_ORDERED = ("1234567890(", "abcdefghijklmnopqrstuvwxyz")
_SKIPPED = {"PageBreak", "Header", "Footer", "PageNumber", "Image", "CheckBox"}


@lru_cache(maxsize=1)
def load() -> None:
    """Import unstructured with the blank pipeline in place; call before importing any of its partitioners."""
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ["SCARF_NO_ANALYTICS"] = "true"
    os.environ["UNSTRUCTURED_DISABLE_NOTICE"] = "1"
    import spacy
    from unstructured.nlp import tokenize

    def blank_pipeline() -> Any:
        pipeline = spacy.blank("en")
        pipeline.add_pipe("sentencizer")
        return pipeline

    tokenize._load_spacy_model = blank_pipeline


def blocks_of(elements: Iterable["Element"], *, pages: bool = False, heading_shift: int = 1) -> Iterator[Block]:
    """Blocks of unstructured's elements. `pages`: take their page numbers. Depth 0 becomes level `heading_shift`."""
    for element in elements:
        kind = type(element).__name__
        text = element.text or ""
        page = element.metadata.page_number if pages else None
        if kind in _SKIPPED or not text.strip():
            continue
        if kind == "Title":
            yield Block(
                BlockKind.HEADING, text, level=(element.metadata.category_depth or 0) + heading_shift, page=page
            )
        elif kind == "Table":
            html = element.metadata.text_as_html
            yield Block(BlockKind.TABLE, html_table_text(html) if html else text, page=page)
        elif kind == "ListItem":
            yield Block(BlockKind.LIST_ITEM, list_item_text(text), page=page)
        elif kind == "CodeSnippet":
            yield Block(BlockKind.CODE, text, page=page)
        else:
            yield Block(BlockKind.PARAGRAPH, text, page=page)


def list_item_text(text: str) -> str:
    """A list item with a mark in front, as every parser here writes them: "- x", or the number that it has."""
    text = text.strip()
    label = text.split(maxsplit=1)[0] if text else ""
    numbered = len(label) <= 6 and label[:-1].strip("(").replace(".", "").isalnum() and label[-1:] in ".)"
    if numbered or label in ("-", "*"):
        return text
    return "- " + text.lstrip("•‣◦·▪ ")


def html_table_text(html: str) -> str:
    """The text of the first table in `html`."""
    from lxml import html as lxml_html

    table = lxml_html.fragment_fromstring(html, create_parent="div").find(".//table")
    return "" if table is None else element_table_text(table)


def element_table_text(table: Any) -> str:
    """The text of an lxml table element; spanned rows repeat their value, so that each line is whole."""
    caption = " ".join("".join(node.itertext()) for node in table.findall("caption"))
    rows, header_rows = grid_of(table)
    return table_text(rows, caption=caption, header_rows=header_rows or None)


def grid_of(table: Any) -> tuple[list[list[str]], int]:
    """The cells of a table with spans spread out, and how many leading rows are marked as header (0: not marked)."""
    rows: list[list[str]] = []
    carried: dict[int, tuple[int, str]] = {}  # column -> rows still to fill, value
    header_rows, counting = 0, True
    for tr in table.iterfind(".//tr"):
        cells = [cell for cell in tr if cell.tag in ("td", "th")]
        parent = tr.getparent()
        is_header = bool(cells) and (parent.tag == "thead" or all(cell.tag == "th" for cell in cells))
        counting = counting and is_header
        header_rows += counting
        row: list[str] = []
        for cell in cells:
            _fill_carried(row, carried)
            text = " ".join(part for piece in cell.itertext() if (part := piece.strip()))
            wide, tall = _span(cell, "colspan"), _span(cell, "rowspan")
            for offset in range(wide):
                value = text if offset == 0 or is_header else ""
                if tall > 1:
                    carried[len(row)] = (tall - 1, value)
                row.append(value)
        _fill_carried(row, carried)
        rows.append(row)
    return rows, header_rows if header_rows < len(rows) else 0


def _fill_carried(row: list[str], carried: dict[int, tuple[int, str]]) -> None:
    while len(row) in carried:
        left, value = carried[len(row)]
        if left > 1:
            carried[len(row)] = (left - 1, value)
        else:
            del carried[len(row)]
        row.append(value)


def _span(cell: Any, name: str) -> int:
    value = (cell.get(name) or "1").strip()
    return min(max(int(value), 1), 100) if value.isdigit() else 1
