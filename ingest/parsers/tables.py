"""Tables as text that can be searched, answered from and cited: one line for each row.

A row reads "Header: value; Header: value", so that a row quoted alone still says what its numbers are. Where a table
has no header that can be told, its rows read "label: value" (two columns) or "a; b; c".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.parsers.cleaning import one_line

Row = Sequence[str]

_NUMBER = re.compile(r"^[\s(\-+~<>≥≤]*[$€£₩¥]?\s*\d[\d,.\s:/\-]*\s*(%|[a-zA-Z]{1,3}|원|명|건|개)?[\s)]*$")
_HEADER_CHARS = 80
_HEADER_MAX = 4  # rows


@dataclass(frozen=True, slots=True)
class Layout:
    """What the rows of a table are: its caption lines, the column names (may be empty), and the body."""

    captions: tuple[str, ...]
    header: tuple[str, ...]
    body: tuple[tuple[str, ...], ...]


def table_text(rows: Sequence[Row], *, caption: str = "", header_rows: int | None = None) -> str:
    """The table as lines; `header_rows` says how many leading rows are the header (None: find out). "" when empty."""
    layout = lay_out(rows, header_rows)
    captions = [line for line in (one_line(caption), *layout.captions) if line]
    lines = list(row_lines(layout))
    if not lines and layout.header:
        lines = ["; ".join(name for name in layout.header if name)]
    return "\n".join([*dict.fromkeys(captions), *lines])


def row_lines(layout: Layout) -> Iterator[str]:
    """One line for each body row."""
    header = layout.header
    for row in layout.body:
        if header:
            cells = [
                f"{header[column]}: {value}" if column < len(header) and header[column] else value
                for column, value in enumerate(row)
                if value and not (column < len(header) and value == header[column] and len(set(row)) > 1)
            ]
            yield "; ".join(cells)
        else:
            cells = list(dict.fromkeys(value for value in row if value)) if len(row) > 2 else [v for v in row if v]
            pair = len(row) == 2 and len(cells) == 2
            yield f"{cells[0].rstrip(':')}: {cells[1]}" if pair else "; ".join(cells)


def lay_out(rows: Sequence[Row], header_rows: int | None = None) -> Layout:
    """Tell captions, header and body apart; empty rows and columns are dropped."""
    grid = _compact([[one_line(str(cell)) for cell in row] for row in rows])
    captions: list[str] = []
    if header_rows is None:
        while len(grid) > 2 and len(grid[0]) > 2 and len({cell for cell in grid[0] if cell}) == 1:
            captions.append(next(cell for cell in grid.pop(0) if cell))
        grid = _compact(grid)
        header_rows = _header_rows(grid)
    header_rows = min(header_rows, len(grid))
    header = _join_headers(grid[:header_rows])
    body = tuple(tuple(row) for row in grid[header_rows:] if any(row))
    return Layout(tuple(captions), header, body)


def is_number(cell: str) -> bool:
    """Whether a cell is a quantity, a date or the like rather than a name."""
    return bool(_NUMBER.match(cell))


def _compact(grid: list[list[str]]) -> list[list[str]]:
    grid = [row for row in grid if any(row)]
    width = max((len(row) for row in grid), default=0)
    grid = [row + [""] * (width - len(row)) for row in grid]
    kept = [column for column in range(width) if any(row[column] for row in grid)]
    return [[row[column] for column in kept] for row in grid]


def _header_rows(grid: list[list[str]]) -> int:
    """How many leading rows name the columns."""
    if len(grid) < 2:
        return 0
    first, body = grid[0], grid[1:]
    groups = not all(first[1:]) or len(set(first)) < len(first)  # names that stand above several columns
    names = next((index for index, row in enumerate(grid) if any(is_number(cell) for cell in row)), len(grid))
    if groups and 2 <= names <= _HEADER_MAX and names < len(grid) and _names_columns(grid[names - 1]):
        return names
    if not _names_columns(first) or any(is_number(cell) for cell in first):
        return 0
    typed = any(
        sum(is_number(row[column]) for row in body if row[column]) * 2 >= sum(1 for row in body if row[column]) > 0
        for column in range(len(first))
    )
    if len(first) == 2 and not typed:
        return 0  # "label: value" reads right whether the first row is a header or not
    filled = [cell for cell in first if cell]
    return 1 if typed or len(set(filled)) == len(filled) else 0


def _names_columns(row: list[str]) -> bool:
    """Whether a row is filled, but for the corner, with texts short enough for names."""
    filled = [cell for cell in row if cell]
    return len(filled) >= max(2, (len(row) - 1) * 0.6) and all(len(cell) <= _HEADER_CHARS for cell in filled)


def _join_headers(rows: list[list[str]]) -> tuple[str, ...]:
    """One name for each column; a group's name above several columns belongs to all of them."""
    if not rows:
        return ()
    spread: list[list[str]] = []
    for row in rows[:-1]:
        groups = [cell for cell in row[1:] if cell]
        if len(groups) == 1 and len(row) > 3:  # "January-June 2023" above the whole table: told once, in the corner
            spread.append([f"{row[0]} {groups[0]}".strip(), *[""] * (len(row) - 1)])
            continue
        filled: list[str] = []
        for cell in row:
            filled.append(cell or (filled[-1] if len(filled) > 1 else ""))
        spread.append(filled)
    columns = zip(*spread, rows[-1], strict=True)
    return tuple(" ".join(dict.fromkeys(cell.rstrip(": ") for cell in column if cell)) for column in columns)
