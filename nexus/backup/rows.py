"""Rows in JSON, the same from every database, and back.

Tables are taken as the database has them, not as the models say: a backup of an older version has older tables.
"""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, MetaData, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from core_api.infra.errors import Invalid
from nexus.backup.contents import Rows

_FETCHED = 50
"""Rows that are fetched at a time: one may hold the text of a whole book."""
_BATCH_ROWS, _BATCH_BYTES = 1_000, 4 * 2**20


def tables_of(connection: Connection, names: Sequence[str]) -> list[Table]:
    """These tables as the database has them, in an order in which no table comes before one that it refers to."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name in names, resolve_fks=False)
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON) and column.nullable:
                column.type = JSON(none_as_null=True)
    return found.sorted_tables


def count(connection: Connection, table: Table) -> int:
    """How many rows a table has."""
    return connection.scalar(select(func.count()).select_from(table)) or 0


def read_rows(connection: Connection, table: Table) -> Iterator[Rows]:
    """All rows of a table, in batches."""
    lines: list[bytes] = []
    size = 0
    for row in connection.execute(select(table), execution_options={"yield_per": _FETCHED}).mappings():
        lines.append(_encode(row))
        size += len(lines[-1])
        if len(lines) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield Rows(table.name, lines)
            lines, size = [], 0
    if lines:
        yield Rows(table.name, lines)


def write_rows(connection: Connection, table: Table, lines: Sequence[bytes]) -> None:
    """Insert rows. Raises Invalid where the database does not take them."""
    read = {column.name: _reader(column) for column in table.columns}
    try:
        rows = [{name: read[name](value) for name, value in json.loads(_text(line)).items()} for line in lines]
        connection.execute(insert(table), rows)
    except KeyError as error:
        raise Invalid(f"The backup has a column {table.name}.{error.args[0]} that its schema does not have.") from error
    except DBAPIError as error:
        # Without the statement and its values, which are content.
        raise Invalid(f"The database does not take the rows of {table.name}: {error.orig}") from error


def set_sequences(connection: Connection, tables: Sequence[Table]) -> None:
    """Let PostgreSQL number new rows after those that came with numbers of their own. SQLite does by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        key = list(table.primary_key.columns)
        if len(key) != 1 or key[0].type.python_type is not int:
            continue
        sequence = connection.scalar(
            text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": key[0].name}
        )
        if sequence is not None:
            last = connection.scalar(select(func.max(key[0]))) or 0
            connection.execute(text("SELECT setval(:name, :next, false)"), {"name": sequence, "next": last + 1})


def analyze(connection: Connection, tables: Sequence[Table]) -> None:
    """Let PostgreSQL know its rows at once: it would look at them within a minute or so, and until then a search takes
    seconds, where there are many. How SQLite finds rows does not depend on it."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(map(connection.dialect.identifier_preparer.format_table, tables))
        connection.execute(text(f"ANALYZE {names}"))


def _encode(row: Any) -> bytes:
    said = {name: _portable(value) for name, value in row.items()}
    # Half a character pair may stand in a JSON column; nothing but this reads it back.
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogatepass")


def _portable(value: Any) -> Any:
    match value:
        case datetime():
            in_utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            return in_utc.isoformat(timespec="microseconds")
        case date():
            return value.isoformat()
        case bytes() | memoryview():
            return base64.b64encode(value).decode()
        case _:
            return value


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    """What makes a column's value of what `_portable` made of it."""
    if isinstance(column.type, JSON):
        return lambda value: value
    made: dict[type, Callable[[Any], Any]] = {
        datetime: datetime.fromisoformat,
        date: date.fromisoformat,
        bytes: base64.b64decode,
    }
    make = made.get(column.type.python_type)
    return (lambda value: value) if make is None else (lambda value: None if value is None else make(value))
