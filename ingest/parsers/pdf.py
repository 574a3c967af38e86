"""PDF through pypdfium2: lines with their place and size on the page, joined into headings, paragraphs and table rows.

unstructured's PDF path needs over 1 GB of models; what a PDF's text layer holds, pdfium gives in milliseconds. Pages
without a text layer are read by tesseract where it is installed.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ingest.parsers import ocr, programs
from ingest.parsers.cleaning import one_line
from ingest.parsers.pdf_layout import Line, page_lines
from ingest.parsers.source import Source
from ingest.types import Block, BlockKind, Parsed, ParseFailed

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_MIN_CHARS = 8  # visible characters below which a page counts as having no text layer
_MAX_PAGES = 5000
_REPEATED_PAGES = 4  # pages from which running heads are looked for
_HEADING_CHARS = 160
_HEADING_LEVELS = 4
_LIST = re.compile(r"^(?:[-•‣◦·▪*–]|\(?\d{1,2}[.)]|\(?[a-zA-Z][.)])\s+\S")
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
    _drop_running_heads(pages)
    sizes = _heading_sizes([line for lines in pages for line in lines])
    blocks: list[Block] = []
    for index, lines in enumerate(pages):
        blocks += read[index] if read.get(index) else _page_blocks(lines, index + 1, sizes)
    return Parsed(tuple(_joined_across_pages(blocks)), title=_title(document), parser="pdfium", notes=tuple(notes))


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


def _drop_running_heads(pages: list[list[Line]]) -> None:
    """Remove lines that stand first or last on most pages (page numbers count as equal)."""
    filled = [lines for lines in pages if len(lines) > 2]
    if len(filled) < _REPEATED_PAGES:
        return
    counts: Counter[str] = Counter()
    for lines in filled:
        counts.update({_running_key(line) for line in _edges(lines)})
    repeated = {key for key, number in counts.items() if number >= max(_REPEATED_PAGES - 1, len(filled) * 0.5)}
    for lines in filled:
        for line in _edges(lines):
            if _running_key(line) in repeated:
                lines.remove(line)


def _edges(lines: list[Line]) -> list[Line]:
    return list(dict.fromkeys([*lines[:2], *lines[-2:]]))


def _running_key(line: Line) -> str:
    return re.sub(r"\d+", "#", one_line(line.text))


def _heading_sizes(lines: list[Line]) -> dict[float, int]:
    """The letter sizes that are headings, with their level: those clearly above the size of most of the text."""
    weights: Counter[float] = Counter()
    for line in lines:
        weights[line.size] += len(line.text)
    if not weights:
        return {}
    body = weights.most_common(1)[0][0]
    total = sum(weights.values())
    larger = sorted(
        (
            size
            for size, weight in weights.items()
            if size >= body * 1.12 and size > body + 0.7 and weight < total * 0.35
        ),
        reverse=True,
    )
    groups: list[float] = []
    levels: dict[float, int] = {}
    for size in larger:
        if not groups or groups[-1] - size > 0.6:
            groups.append(size)
        levels[size] = min(len(groups), _HEADING_LEVELS)
    return levels


def _page_blocks(lines: list[Line], page: int, sizes: dict[float, int]) -> Iterator[Block]:
    run: list[Line] = []
    kind: BlockKind = BlockKind.PARAGRAPH
    level = 0
    for line in lines:
        line_kind, line_level = _kind(line, run[-1] if run else None, kind, sizes)
        if run and not _continues(run, line, kind, line_kind, level, line_level):
            yield _block(run, kind, level, page)
            run = []
        if not run:
            kind, level = line_kind, line_level
        run.append(line)
    if run:
        yield _block(run, kind, level, page)


def _kind(line: Line, before: Line | None, run: BlockKind, sizes: dict[float, int]) -> tuple[BlockKind, int]:
    if len(line.cells) > 2 or (len(line.cells) == 2 and run is BlockKind.TABLE):
        return BlockKind.TABLE, 0
    wordy = any(char.isalpha() for char in line.text)
    if wordy and len(line.text) <= _HEADING_CHARS:
        if line.size in sizes:
            return BlockKind.HEADING, sizes[line.size]
        alone = before is None or before.bottom - line.top > line.size * 0.4 or before.bold
        if (
            line.bold
            and alone
            and len(line.text) <= 80
            and not line.text.endswith((".", ",", ";"))
            and not _LIST.match(line.text)
        ):
            return BlockKind.HEADING, min(max(sizes.values(), default=0) + 1, _HEADING_LEVELS + 1)
    if _LIST.match(line.text):
        return BlockKind.LIST_ITEM, 0
    return BlockKind.PARAGRAPH, 0


def _continues(run: list[Line], line: Line, kind: BlockKind, line_kind: BlockKind, level: int, line_level: int) -> bool:
    before = run[-1]
    gap = before.bottom - line.top
    near = -line.size < gap < line.size * 0.75
    if kind is BlockKind.HEADING:
        return line_kind is kind and level == line_level and near and sum(len(x.text) for x in run) < _HEADING_CHARS
    if kind is BlockKind.TABLE:
        return line_kind is kind and gap < line.size * 3
    if line_kind is not BlockKind.PARAGRAPH or not near:
        return False
    if kind is BlockKind.LIST_ITEM:
        return line.left > run[0].left - 1
    if abs(line.size - before.size) > 1.5:
        return False
    typical = run[0].top - run[1].top if len(run) > 1 else None
    return typical is None or (before.top - line.top) < typical * 1.35


def _block(run: list[Line], kind: BlockKind, level: int, page: int) -> Block:
    if kind is BlockKind.TABLE:
        return Block(kind, "\n".join("; ".join(line.cells) for line in run), page=page)
    text = _join(run)
    return Block(kind, _marked(text) if kind is BlockKind.LIST_ITEM else text, level=level, page=page)


def _marked(text: str) -> str:
    return "- " + text[1:].lstrip() if text[0] in "•‣◦·▪*–-" else text


def _join(run: list[Line]) -> str:
    """Lines as running text: hyphens of line ends removed; ends of short lines (addresses, forms) kept."""
    text = run[0].text
    right = max(line.right for line in run)
    for before, line in itertools.pairwise(run):
        width = max(right - before.left, 1)
        if before.hyphenated or (text.endswith("-") and line.text[:1].islower() and text[-2:-1].isalpha()):
            text = text.rstrip("-\u00ad") + line.text
        elif (right - before.right) > width * 0.35 and not line.text[:1].islower():
            text += "\n" + line.text
        else:
            text += " " + line.text
    return text


def _joined_across_pages(blocks: list[Block]) -> Iterator[Block]:
    """A paragraph cut by a page break is one paragraph, on the page where it begins."""
    held: Block | None = None
    for block in blocks:
        if (
            held is not None
            and held.page is not None
            and block.page == held.page + 1
            and held.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
            and block.kind is BlockKind.PARAGRAPH
            and held.text[-1:] not in '.!?:;)"”。'
            and block.text[:1].islower()
        ):
            joined = held.text.removesuffix("-") if held.text.endswith("-") else held.text + " "
            held = Block(held.kind, joined + block.text, page=held.page)
            continue
        if held is not None:
            yield held
        held = block
    if held is not None:
        yield held


def _title(document: PdfDocument) -> str | None:
    import pypdfium2

    try:
        metadata: dict[str, Any] = document.get_metadata_dict()
    except (pypdfium2.PdfiumError, UnicodeDecodeError):
        return None
    title = one_line(str(metadata.get("Title") or ""))
    by_program = re.match(r"^(microsoft (word|powerpoint|excel)|untitled|제목 없음|\(?anonymous)", title, re.I)
    is_file = re.search(r"\.(docx?|pptx?|xlsx?|pdf|hwp|dvi|qxd|indd|tmp)$", title, re.I)
    return title if len(title) > 2 and not by_program and not is_file else None
