"""Workbooks: each sheet under its name as a heading, each table as lines that name their columns.

openpyxl and xlrd directly, not through unstructured: partition_xlsx returns a table's words in one run, so that a
number no longer knows its column, and loads pandas and the rest (3.4 s, 390 MB).
"""

import datetime
import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from ingest.parsers.metadata import listed
from ingest.parsers.source import Source
from ingest.parsers.tables import is_number, table_text
from ingest.types import Block, BlockKind, Parsed, ParseFailed

_MERGE_MAX_BYTES = 20 * 2**20  # of sheet XML, up to which merged cells are worth the memory of a full load
_HEAD_ROWS = 4  # rows, at most, that name the columns of a table


def parse_xlsx(source: Source) -> Parsed:
    """Parse an Excel workbook (also with macros, which are not read)."""
    import warnings

    import openpyxl

    with zipfile.ZipFile(source.path) as archive:
        size = sum(info.file_size for info in archive.infolist() if "worksheets/" in info.filename)
    full = size <= _MERGE_MAX_BYTES
    # As an open file: openpyxl refuses a path by its extension, and stored files have none.
    with source.path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(file, read_only=not full, data_only=True, keep_links=False)
        properties = book.properties
        blocks: list[Block] = []
        for sheet in book.worksheets:
            merged = _merged(sheet) if full else {}
            rows = (
                [_cell_text(merged.get((r, c), cell)) for c, cell in enumerate(row, start=1)]
                for r, row in enumerate(sheet.iter_rows(values_only=True), start=1)
            )
            blocks += _sheet_blocks(sheet.title, rows)
    return Parsed(
        tuple(blocks),
        title=properties.title or None,
        parser="openpyxl",
        tags=listed(properties.keywords),
        category=properties.category or None,
    )


def parse_xls(source: Source) -> Parsed:
    """Parse an Excel 97-2003 workbook."""
    import xlrd

    try:
        book = xlrd.open_workbook(str(source.path), on_demand=True, logfile=io.StringIO())
    except xlrd.XLRDError as error:
        if "encrypted" in str(error).lower() or "password" in str(error).lower():
            raise ParseFailed(
                "password_protected",
                "The workbook is protected by a password. Remove the password and upload it again.",
            ) from error
        raise ParseFailed("malformed", f"The workbook is damaged: {error}.") from error
    blocks: list[Block] = []
    for sheet in book.sheets():
        rows = ([_xls_text(cell, book.datemode) for cell in sheet.row(number)] for number in range(sheet.nrows))
        blocks += _sheet_blocks(sheet.name, rows)
    return Parsed(tuple(blocks), parser="xlrd")


def _sheet_blocks(name: str, rows: Iterable[list[str]]) -> Iterator[Block]:
    """A sheet's heading and its tables; rows that hold one value each are lines of text."""
    named = False
    for table in _tables(rows):
        if not named:
            yield Block(BlockKind.HEADING, name, level=1)
            named = True
        if all(len({cell for cell in row if cell}) <= 1 for row in table):
            lines = [next(cell for cell in row if cell) for row in table]
            yield Block(BlockKind.PARAGRAPH, "\n".join(dict.fromkeys(lines)))
        else:
            yield Block(BlockKind.TABLE, table_text(table))


def _tables(rows: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    """The tables of a sheet, which empty rows part, unless what stands before the gap is only the head of a table."""
    table: list[list[str]] = []
    gap = False
    for row in rows:
        if not any(row):
            gap = bool(table)
            continue
        if gap and not _is_head_of(table, row):
            yield table
            table = []
        gap = False
        table.append(row)
    if table:
        yield table


def _is_head_of(table: list[list[str]], row: list[str]) -> bool:
    """Whether a few rows of names stand above a row of the same columns that has numbers."""
    if len(table) > _HEAD_ROWS or any(is_number(cell) for above in table for cell in above):
        return False
    columns = {index for index, cell in enumerate(row) if cell}
    head = {index for index, cell in enumerate(table[-1]) if cell}
    return len(head) > 2 and len(columns & head) * 2 >= len(head) and any(is_number(cell) for cell in row)


def _merged(sheet: Any) -> dict[tuple[int, int], Any]:
    """Values of the cells that a merge hides: down the rows always, across columns only in what may be a header."""
    values: dict[tuple[int, int], Any] = {}
    for area in sheet.merged_cells.ranges:
        if area.size["rows"] * area.size["columns"] > 10_000:
            continue
        value = sheet.cell(area.min_row, area.min_col).value
        across = area.max_col if area.min_row == area.max_row and area.min_row <= 10 else area.min_col
        for row in range(area.min_row, area.max_row + 1):
            for column in range(area.min_col, across + 1):
                values[row, column] = value
    return values


def _cell_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value).strip()


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.10g}"


def _xls_text(cell: Any, datemode: int) -> str:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            return _cell_text(xlrd.xldate_as_datetime(cell.value, datemode))
        except (ValueError, OverflowError):
            return _number(float(cell.value))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "yes" if cell.value else "no"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return ""
    return _cell_text(cell.value)
