"""The lines of a PDF page: text, place and letter size, from pdfium's characters.

Coordinates are PDF points with the origin at the bottom left of the page.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

_BOLD = 600  # font weights from here are bold
_BOLD_SAMPLE = 6  # letters at either end of a line whose weight is looked at
_CELL_GAP = 1.6  # letter heights of empty space inside a line that part two cells
_SAME_LINE = 0.5  # share of the lower fragment's height that overlaps when two fragments are on one line
_WORD_GAP = 0.18  # letter heights of empty space between fragments that part two words


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. `cells` are its parts where wide gaps divide it; `size` is the letter height in points.

    `bold` says that all of it is bold, `bold_start` that its beginning is.
    """

    text: str
    cells: tuple[str, ...]
    left: float
    right: float
    top: float
    bottom: float
    size: float
    bold: bool
    bold_start: bool
    hyphenated: bool


@dataclass(slots=True)
class _Char:
    text: str
    left: float
    right: float
    bottom: float
    top: float
    index: int

    @property
    def blank(self) -> bool:
        return self.text.isspace()


@dataclass(slots=True)
class _Fragment:
    """What pdfium takes for a line: a superscript or a table cell may stand in a fragment of its own."""

    chars: list[_Char]
    hyphenated: bool

    def __post_init__(self) -> None:
        ink = [char for char in self.chars if not char.blank]
        self.left = min(char.left for char in ink)
        self.right = max(char.right for char in ink)
        self.top = max(char.top for char in ink)
        self.bottom = min(char.bottom for char in ink)

    left: float = field(init=False)
    right: float = field(init=False)
    top: float = field(init=False)
    bottom: float = field(init=False)

    def continues(self, other: _Fragment) -> bool:
        """Whether this fragment stands right of `other` on the same line."""
        height = min(self.top - self.bottom, other.top - other.bottom)
        overlap = min(self.top, other.top) - max(self.bottom, other.bottom)
        return overlap > height * _SAME_LINE and self.left > other.right - height * 0.3 and not other.hyphenated

    def append(self, other: _Fragment) -> None:
        """Take in the fragment that continues this one."""
        gap = other.left - self.right
        if gap > (self.top - self.bottom) * _WORD_GAP:
            last = self.chars[-1]
            self.chars.append(_Char(" ", last.right, other.left, last.bottom, last.top, last.index))
        self.chars += other.chars
        self.hyphenated = other.hyphenated
        self.__post_init__()


def page_lines(page: PdfPage) -> list[Line]:
    """The page's lines in the order of its text layer."""
    textpage = page.get_textpage()
    try:
        fragments: list[_Fragment] = []
        for fragment in _fragments(textpage):
            if fragments and fragment.continues(fragments[-1]):
                fragments[-1].append(fragment)
            else:
                fragments.append(fragment)
        return [_line(textpage, fragment) for fragment in fragments]
    finally:
        textpage.close()


def _fragments(textpage: PdfTextPage) -> Iterator[_Fragment]:
    import pypdfium2.raw as pdfium

    rect = pdfium.FS_RECTF()
    pointer = ctypes.byref(rect)
    chars: list[_Char] = []
    hyphenated = False
    for index in range(textpage.count_chars()):
        code = pdfium.FPDFText_GetUnicode(textpage, index)
        if code in (10, 13):
            if any(not char.blank for char in chars):
                yield _Fragment(chars, hyphenated)
            chars, hyphenated = [], False
        elif code in (0x02, 0xAD, 0xFFFE):  # how pdfium marks a hyphen at a line's end
            hyphenated = True
        elif (code < 0xD800 or 0xE000 <= code < 0x110000) and pdfium.FPDFText_GetLooseCharBox(textpage, index, pointer):
            hyphenated = False
            chars.append(_Char(chr(code), rect.left, rect.right, rect.bottom, rect.top, index))
    if any(not char.blank for char in chars):
        yield _Fragment(chars, hyphenated)


def _line(textpage: PdfTextPage, fragment: _Fragment) -> Line:

    ink = [char for char in fragment.chars if not char.blank]
    heights = sorted(char.top - char.bottom for char in ink)
    size = heights[len(heights) // 2]
    start, end = (
        [_is_bold(textpage, char.index) for char in sample] for sample in (ink[:_BOLD_SAMPLE], ink[-_BOLD_SAMPLE:])
    )
    cells = _cells(fragment.chars, size)
    return Line(
        text=" ".join(cells),
        cells=cells,
        left=fragment.left,
        right=fragment.right,
        top=fragment.top,
        bottom=fragment.bottom,
        size=round(size * 2) / 2,
        bold=all(start) and all(end),
        bold_start=all(start),
        hyphenated=fragment.hyphenated,
    )


def _is_bold(textpage: PdfTextPage, index: int) -> bool:
    """By the font's weight, or by its name where the font does not tell its weight."""
    import pypdfium2.raw as pdfium

    if pdfium.FPDFText_GetFontWeight(textpage, index) >= _BOLD:
        return True
    name = ctypes.create_string_buffer(128)
    pdfium.FPDFText_GetFontInfo(textpage, index, name, len(name), None)
    return b"bold" in name.value.lower()


def _cells(chars: list[_Char], size: float) -> tuple[str, ...]:
    cells: list[str] = []
    current: list[str] = []
    edge: float | None = None
    for char in chars:
        if char.blank:
            current.append(" ")
            continue
        if edge is not None and char.left - edge > size * _CELL_GAP:
            cells.append("".join(current))
            current = []
        current.append(char.text)
        edge = char.right
    cells.append("".join(current))
    return tuple(text for cell in cells if (text := " ".join(cell.split())))
