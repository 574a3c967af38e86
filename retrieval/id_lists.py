"""A condition on a list of ids that is one bound parameter, so that a statement is made once and kept.

SQLAlchemy's own IN writes a place for every id into the statement, each time: of hundreds it takes longer than the
database takes to find them.
"""

import json
from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import ARRAY, ColumnElement, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

IDS = "ids"
"""The parameter's name."""


class _Ids(TypeDecorator[list[str]]):
    """An array for PostgreSQL, whose planner sees how long it is; JSON for SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        return value if dialect.name == "postgresql" else json.dumps(value)


class _OneOf(FunctionElement[Any]):
    inherit_cache = True
    type = NullType()  # SQLite's dialect would write a Boolean as `… = 1`, and read the whole table


def one_of(column: ColumnElement[str] | Any, name: str = IDS) -> ColumnElement[bool]:
    """That `column` is one of the ids that the parameter `name` is given when the statement is run (`bound`)."""
    return cast("ColumnElement[bool]", _OneOf(column, bindparam(name, type_=_Ids())))


def bound(ids: Iterable[str], name: str = IDS) -> dict[str, list[str]]:
    """The parameter that `one_of` asks for."""
    return {name: list(ids)}


@compiles(_OneOf)
def _sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column, ids = (compiler.process(part, **kw) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608 - the place of a bound parameter


@compiles(_OneOf, "postgresql")
def _postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    column, ids = (compiler.process(part, **kw) for part in element.clauses)
    return f"{column} = ANY ({ids})"
