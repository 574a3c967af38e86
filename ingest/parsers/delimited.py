"""CSV and TSV: the delimiter and the header are found from the content; every record becomes a line of text.

Direct, not through unstructured: partition_csv loads pandas (0.3 s, 50 MB), turns empty cells into "nan"-like text for
mixed columns and returns one run of words in which no value knows its column.
"""

import csv
import io

from ingest.parsers.encoding import decode
from ingest.parsers.source import Source
from ingest.parsers.tables import is_number, table_text
from ingest.types import Block, BlockKind, Parsed

_DELIMITERS = ",;\t|"
_SAMPLE_LINES = 50


def parse(source: Source) -> Parsed:
    """Parse a delimited file."""
    text = decode(source.read()).replace("\x00", "")
    prefer = "\t" if source.name.lower().endswith((".tsv", ".tab")) else ","
    rows = read_rows(text, prefer)
    return Parsed((Block(BlockKind.TABLE, table_text(rows, header_rows=_header_rows(rows))),), parser="delimited")


def read_rows(text: str, prefer: str = ",") -> list[list[str]]:
    """The records of delimited text, with the delimiter that splits its lines most evenly."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    delimiter = _delimiter(text, prefer)
    csv.field_size_limit(2**24)
    return [row for row in csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True) if any(row)]


def _header_rows(rows: list[list[str]]) -> int | None:
    """1 where the first record names the columns, as it does in nearly every such file; None to have it found out."""
    if len(rows) < 2 or len(rows[0]) < 2 or len(rows[0]) != max(len(row) for row in rows):
        return None
    names = [name.strip() for name in rows[0]]
    unique = len(set(names)) == len(names)
    return 1 if unique and all(names) and not any(is_number(name) or len(name) > 80 for name in names) else None


def _delimiter(text: str, prefer: str) -> str:
    sample = "\n".join(text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES])
    best, best_score = prefer, 0.0
    for delimiter in sorted(_DELIMITERS, key=lambda candidate: candidate != prefer):
        widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if any(row)]
        if not widths or max(widths) < 2:
            continue
        usual = max(set(widths), key=widths.count)
        even = widths.count(usual) / len(widths)
        score = even * (1.1 if delimiter == prefer else 1) if usual > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best
