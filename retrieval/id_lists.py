"""A condition on a list of ids that is one bound parameter, so that a statement is made once and kept.

SQLAlchemy's own IN writes a place for every id into the statement, each time: of hundreds it takes longer than the
database takes to find them.
"""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement, func

IDS = "ids"
"""The parameter's name."""


class _Listed(FunctionElement[str]):
    inherit_cache = True
    type = String()


def one_of(column: ColumnElement[str] | Any, name: str = IDS) -> ColumnElement[bool]:
    """That `column` is one of the ids that the parameter `name` is given when the statement is run (`bound`)."""
    found: ColumnElement[bool] = column.bool_op("IN")(_Listed(bindparam(name, type_=String())))
    return found


def bound(ids: Iterable[str], name: str = IDS) -> dict[str, str]:
    """The parameter that `one_of` asks for."""
    return {name: json.dumps(list(ids))}


def together(column: ColumnElement[str] | Any, dialect: str) -> ColumnElement[str | None]:
    """All values of a column as one JSON list (NULL or empty where there are none). SQLite's driver lets go of Python's
    lock for every row that it reads: hundreds of rows are hundreds of chances for another thread to take it."""
    return func.json_agg(column) if dialect == "postgresql" else func.json_group_array(column)


def values_of(found: Any) -> list[str]:
    """The list that `together` has given; PostgreSQL's driver has read it already."""
    if found is None:
        return []
    values: list[str] = json.loads(found) if isinstance(found, str) else found
    return values


@compiles(_Listed)
def _sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    ids = compiler.process(element.clauses, **kw)
    return f"(SELECT value FROM json_each({ids}))"  # noqa: S608 - the place of a bound parameter


@compiles(_Listed, "postgresql")
def _postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"(SELECT json_array_elements_text(CAST({compiler.process(element.clauses, **kw)} AS json)))"
