"""The lines of a PDF page: text, place and letter size, from pdfium's characters.

Coordinates are PDF points with the origin at the bottom left of the page.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

_BOLD = 600  # font weights from here are bold
_CELL_GAP = 1.6  # letter heights of empty space inside a line that part two cells


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. `cells` are its parts where wide gaps divide it; `size` is the letter height in points."""

    text: str
    cells: tuple[str, ...]
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool
    hyphenated: bool


def page_lines(page: PdfPage) -> list[Line]:
    """The page's lines in the order of its text layer."""
    textpage = page.get_textpage()
    try:
        lines = []
        for start, end in _line_spans(textpage):
            line = _line(textpage, start, end)
            if line is not None:
                lines.append(line)
        return lines
    finally:
        textpage.close()


def _line_spans(textpage: PdfTextPage) -> list[tuple[int, int]]:
    import pypdfium2.raw as pdfium

    count = textpage.count_chars()
    spans, start = [], 0
    for index in range(count):
        if pdfium.FPDFText_GetUnicode(textpage, index) in (10, 13):
            if index > start:
                spans.append((start, index))
            start = index + 1
    if count > start:
        spans.append((start, count))
    return spans


def _line(textpage: PdfTextPage, start: int, end: int) -> Line | None:
    import pypdfium2.raw as pdfium

    rect = pdfium.FS_RECTF()
    chars: list[tuple[str, float, float]] = []
    tops: list[float] = []
    bottoms: list[float] = []
    bold = 0
    hyphenated = False
    for index in range(start, end):
        code = pdfium.FPDFText_GetUnicode(textpage, index)
        if code in (0x02, 0xFFFE, 0xAD):  # how pdfium marks a hyphen at a line's end
            hyphenated = index >= end - 1
            continue
        char = chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else ""
        if not char or not pdfium.FPDFText_GetLooseCharBox(textpage, index, ctypes.byref(rect)):
            continue
        chars.append((char, rect.left, rect.right))
        if not char.isspace():
            tops.append(rect.top)
            bottoms.append(rect.bottom)
            if len(tops) <= 12:
                bold += pdfium.FPDFText_GetFontWeight(textpage, index) >= _BOLD
    if not tops:
        return None
    heights = sorted(top - bottom for top, bottom in zip(tops, bottoms, strict=True))
    size = heights[len(heights) // 2]
    cells = _cells(chars, size)
    text = " ".join(cells)
    if not text:
        return None
    return Line(
        text=text,
        cells=cells,
        left=min(left for char, left, _ in chars if not char.isspace()),
        right=max(right for char, _, right in chars if not char.isspace()),
        top=max(tops),
        bottom=min(bottoms),
        size=round(size * 2) / 2,
        bold=bold >= min(len(tops), 12) * 0.8,
        hyphenated=hyphenated,
    )


def _cells(chars: list[tuple[str, float, float]], size: float) -> tuple[str, ...]:
    cells: list[str] = []
    current: list[str] = []
    edge: float | None = None
    for char, left, right in chars:
        if char.isspace():
            current.append(" ")
            continue
        if edge is not None and left - edge > size * _CELL_GAP:
            cells.append("".join(current))
            current = []
        current.append(char)
        edge = right
    cells.append("".join(current))
    return tuple(text for cell in cells if (text := " ".join(cell.split())))
