"""From the lines of PDF pages to headings, paragraphs, list items and table rows.

Headings are lines whose letters are clearly larger than most of the text's, or short bold lines that stand alone. Lines
that wide gaps divide into three cells and more are rows of a table.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ingest.parsers.cleaning import one_line
from ingest.parsers.pdf_layout import Line
from ingest.parsers.tables import table_text
from ingest.types import Block, BlockKind

_REPEATED_PAGES = 4  # pages from which running heads are looked for
_HEADING_CHARS = 200
_HEADING_LINES = 3
_HEADING_LEVELS = 4
_BULLETS = "•●○■□▪▫◦‣►▶➢➤✓✔·*–-"
_LIST = re.compile(rf"^(?:[{_BULLETS}]|\(?\d{{1,2}}[.)]|\(?[a-z][.)]|[①-⑳])\s+\S")
_NUMBERED = re.compile(r"^\d{1,2}(?:\.\d{1,2})+[:.)]?\s")
_MARK = re.compile(rf"^(?:[{_BULLETS}]|\(?\d{{1,2}}[.)]|\(?[a-z][.)])$")


def drop_running_heads(pages: list[list[Line]]) -> None:
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


def heading_sizes(lines: Sequence[Line]) -> dict[float, int]:
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


def page_blocks(lines: Sequence[Line], page: int, sizes: dict[float, int]) -> Iterator[Block]:
    """The blocks of one page; `sizes` as from `heading_sizes`."""
    run: list[Line] = []
    kind: BlockKind = BlockKind.PARAGRAPH
    level = 0
    for line, after in itertools.zip_longest(lines, lines[1:]):
        line_kind, line_level = _kind(line, run, after, kind, sizes)
        if run and not _continues(run, line, kind, line_kind, level, line_level):
            yield _block(run, kind, level, page)
            run = []
        if not run:
            kind, level = line_kind, line_level
        run.append(line)
    if run:
        yield _block(run, kind, level, page)


def rejoined(blocks: Sequence[Block]) -> Iterator[Block]:
    """A paragraph cut by the end of a column or page is one paragraph, on the page where it begins."""
    held: Block | None = None
    for block in blocks:
        if held is not None and _is_cut(held, block):
            joined = held.text.removesuffix("-") if held.text.endswith("-") else held.text + " "
            held = Block(held.kind, joined + block.text, page=held.page)
            continue
        if held is not None:
            yield held
        held = block
    if held is not None:
        yield held


def _is_cut(before: Block, block: Block) -> bool:
    return (
        before.page is not None
        and block.page in (before.page, before.page + 1)
        and before.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
        and block.kind is BlockKind.PARAGRAPH
        and before.text[-1:] not in '.!?:;)"”。'
        and block.text[:1].islower()
    )


def _edges(lines: list[Line]) -> list[Line]:
    return list(dict.fromkeys([*lines[:2], *lines[-2:]]))


def _running_key(line: Line) -> str:
    return re.sub(r"\d+", "#", one_line(line.text))


def _kind(
    line: Line, run: list[Line], after: Line | None, run_kind: BlockKind, sizes: dict[float, int]
) -> tuple[BlockKind, int]:
    cells = len(line.cells) - bool(_MARK.match(line.cells[0]))
    if cells > 2 or (cells == 2 and run and run_kind is BlockKind.TABLE):
        return BlockKind.TABLE, 0
    bullet = line.text[0] in _BULLETS and _LIST.match(line.text)
    if not bullet and len(line.text) <= _HEADING_CHARS and sum(char.isalpha() for char in line.text) >= 2:
        if line.size in sizes:
            return BlockKind.HEADING, sizes[line.size]
        if _is_bold_heading(line, run, after):
            return BlockKind.HEADING, min(max(sizes.values(), default=0) + 1, _HEADING_LEVELS + 1)
    return (BlockKind.LIST_ITEM if _LIST.match(line.text) else BlockKind.PARAGRAPH), 0


def _is_bold_heading(line: Line, run: list[Line], after: Line | None) -> bool:
    """A short bold line of its own; not the bold beginning of a paragraph, nor a wrapped part of one."""
    if not line.bold or len(line.text) > 100 or line.text.endswith((".", ",", ";")):
        return False
    if run and not run[-1].bold and 0 <= run[-1].bottom - line.top < line.size * 0.3:
        return False
    close = after is not None and -line.size < line.bottom - after.top < line.size * 0.75
    return not (close and after is not None and after.bold_start and not after.bold)


def _continues(run: list[Line], line: Line, kind: BlockKind, line_kind: BlockKind, level: int, line_level: int) -> bool:
    before = run[-1]
    gap = before.bottom - line.top
    near = -line.size < gap < line.size * 0.75
    if kind is BlockKind.HEADING:
        return line_kind is kind and level == line_level and near
    if kind is BlockKind.TABLE:
        return line_kind is kind and -line.size < gap < line.size * 3
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
        even = len({len(line.cells) for line in run}) == 1
        text = table_text([line.cells for line in run]) if even else "\n".join("; ".join(line.cells) for line in run)
        return Block(kind, text, page=page)
    text = _join(run)
    if kind is BlockKind.HEADING:
        sentence = len(text) > 80 and text.endswith((".", "다"))
        if sentence or len(text) > _HEADING_CHARS or len(run) > _HEADING_LINES:
            return Block(BlockKind.PARAGRAPH, text, page=page)
        return Block(kind, text, level=level, page=page)
    if kind is BlockKind.LIST_ITEM and text[0] in _BULLETS:
        text = "- " + text[1:].lstrip()
    return Block(kind, text, page=page)


def _join(run: list[Line]) -> str:
    """Lines as running text: hyphens of line ends removed; ends of short lines (addresses, forms) kept."""
    text = run[0].text
    right = max(line.right for line in run)
    for before, line in itertools.pairwise(run):
        width = max(right - before.left, 1)
        if before.hyphenated or (text.endswith("-") and line.text[:1].islower() and text[-2:-1].isalpha()):
            text = text.rstrip("-\u00ad") + line.text
        elif _NUMBERED.match(line.text) or ((right - before.right) > width * 0.35 and not line.text[:1].islower()):
            text += "\n" + line.text
        else:
            text += " " + line.text
    return text
