"""PDF through pypdfium2: lines with their place and size on the page, joined into headings, paragraphs and table rows.

unstructured's PDF path needs over 1 GB of models; what a PDF's text layer holds, pdfium gives in milliseconds. Pages
without a text layer are read by tesseract where it is installed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingest.parsers import ocr, programs
from ingest.parsers.cleaning import one_line
from ingest.parsers.metadata import listed
from ingest.parsers.pdf_blocks import drop_running_heads, heading_sizes, page_blocks, rejoined
from ingest.parsers.pdf_layout import Line, page_lines
from ingest.parsers.source import Source
from ingest.types import Block, Parsed, ParseFailed

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_MIN_CHARS = 8  # visible characters below which a page counts as having no text layer
_MAX_PAGES = 5000
_OCR_SCALE = 200 / 72


def parse(source: Source) -> Parsed:
    """Parse a PDF file; blocks carry their page."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(source.path)
    except pypdfium2.PdfiumError as error:
        raise _unopened(error) from error
    try:
        return _parse(document, source)
    finally:
        document.close()


def _unopened(error: Exception) -> ParseFailed:
    if "password" in str(error).lower():
        return ParseFailed(
            "password_protected", "The PDF is protected by a password. Save it without one and upload it again."
        )
    return ParseFailed(
        "malformed",
        "The PDF is damaged: its structure cannot be read. Open it in a PDF viewer, print it to a new PDF and retry.",
    )


def _parse(document: PdfDocument, source: Source) -> Parsed:
    count = len(document)
    if count == 0:
        raise ParseFailed("empty", "The PDF has no pages.")
    pages: list[list[Line]] = []
    read: dict[int, list[Block]] = {}
    notes: list[str] = []
    scanned: list[int] = []
    for index in range(min(count, _MAX_PAGES)):
        lines, needs_reading = _page(document, index)
        pages.append(lines)
        if needs_reading:
            scanned.append(index)
    if count > _MAX_PAGES:
        notes.append(f"Pages after {_MAX_PAGES} were not read.")
    if scanned:
        read, note = _read_scanned(document, scanned, source)
        notes += note
    if not any(pages) and not any(read.values()):
        raise _no_text(scanned, source, notes)
    drop_running_heads(pages)
    sizes = heading_sizes([line for lines in pages for line in lines])
    blocks: list[Block] = []
    for index, lines in enumerate(pages):
        blocks += read[index] if read.get(index) else page_blocks(lines, index + 1, sizes)
    properties = _properties(document)
    return Parsed(
        tuple(rejoined(blocks)),
        title=_title(properties),
        parser="pdfium",
        notes=tuple(notes),
        tags=listed(properties.get("Keywords")),
    )


def _page(document: PdfDocument, index: int) -> tuple[list[Line], bool]:
    """A page's lines, and whether there is a picture on it that would have to be read instead."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    try:
        page: PdfPage = document[index]
    except pypdfium2.PdfiumError:  # one broken page in a good file
        return [], False
    try:
        lines = page_lines(page)
        visible = sum(1 for line in lines for char in line.text if char.isalnum())
        if visible >= _MIN_CHARS:
            return lines, False
        drawn = next(
            iter(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH], max_depth=3)), None
        )
        return lines, drawn is not None
    finally:
        page.close()


def _read_scanned(
    document: PdfDocument, indexes: list[int], source: Source
) -> tuple[dict[int, list[Block]], list[str]]:
    if not source.limits.ocr or not ocr.available():
        why = "tesseract is not installed" if source.limits.ocr else "text recognition is switched off"
        return {}, [f"{len(indexes)} scanned pages were not read: {why}."]
    read: dict[int, list[Block]] = {}
    for done, index in enumerate(indexes):
        if not ocr.may_read(source):
            left = len(indexes) - done
            return read, [
                f"{left} scanned pages were not read: the limit of text recognition was reached. Split the file."
            ]
        page = document[index]
        try:
            side = max(page.get_width(), page.get_height())
            image = page.render(scale=min(_OCR_SCALE, 5000 / max(side, 1))).to_pil()
        finally:
            page.close()
        read[index] = ocr.read_image(source, image, page=index + 1)
    return read, []


def _no_text(scanned: list[int], source: Source, notes: list[str]) -> ParseFailed:
    if not scanned:
        return ParseFailed("no_text", "The PDF's pages are blank: they hold neither text nor pictures.")
    if source.limits.ocr and not ocr.available():
        return programs.needs("tesseract", "Scanned PDF", "tesseract-ocr tesseract-ocr-kor")
    if not source.limits.ocr:
        return ParseFailed("no_text", "The PDF is scanned and text recognition is switched off (NEXUS_OCR).")
    return ParseFailed(
        "no_text", f"The PDF has no text layer, and no text was recognised in its pictures. {' '.join(notes)}"
    )


def _properties(document: PdfDocument) -> dict[str, str]:
    import pypdfium2

    try:
        properties: dict[str, str] = document.get_metadata_dict()
    except (pypdfium2.PdfiumError, UnicodeDecodeError):
        return {}
    return properties


def _title(properties: dict[str, str]) -> str | None:
    title = one_line(properties.get("Title") or "")
    by_program = re.match(r"^(microsoft (word|powerpoint|excel)|untitled|제목 없음|\(?anonymous)", title, re.I)
    is_file = re.search(r"\.(docx?|pptx?|xlsx?|pdf|hwp|dvi|qxd|indd|tmp)$", title, re.I)
    return title if len(title) > 2 and not by_program and not is_file else None
