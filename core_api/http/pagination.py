"""Cursor pagination: every list is `{items, next_cursor}`, newest first unless it says otherwise."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from core_api.infra.errors import Invalid

T = TypeVar("T")

_LARGEST = 2**31 - 1

Limit = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before.")]


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


def page_rows(
    session: Session,
    statement: Select[Any],
    keys: Sequence[InstrumentedAttribute[Any]],
    cursor: str | None,
    limit: int,
    *,
    ascending: bool = False,
) -> tuple[list[Any], str | None]:
    """Rows of `statement` ordered by `keys`, descending by default, after `cursor`, and the cursor of the next page.

    The keys together are unique. They are among the columns of the statement, or are columns of its first entity.
    """
    if cursor is not None:
        here, there = tuple_(*keys), tuple_(*_decode(cursor, [key.type.python_type for key in keys]))
        statement = statement.where(here > there if ascending else here < there)
    order = [key.asc() if ascending else key.desc() for key in keys]
    rows = list(session.execute(statement.order_by(*order).limit(limit + 1)))
    if len(rows) <= limit:
        return rows, None
    rows = rows[:limit]
    last = rows[-1] if hasattr(rows[-1], keys[0].key) else rows[-1][0]
    return rows, _encode([getattr(last, key.key) for key in keys])


def _encode(values: Sequence[Any]) -> str:
    plain = [_plain(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode()


def _decode(cursor: str, types: Sequence[type[Any]]) -> list[Any]:
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        values = [_of_plain(value) if isinstance(value, dict) else value for value in plain]
        return [_of_type(value, type_) for value, type_ in zip(values, types, strict=True)]
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
        raise Invalid(
            "`cursor` is not one that this server gave out. Start again without it.", field="cursor"
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    return {"d": value.isoformat()} if isinstance(value, date) else value


def _of_plain(value: dict[str, Any]) -> Any:
    return date.fromisoformat(value["d"]) if "d" in value else datetime.fromisoformat(value["t"])


def _of_type(value: Any, type_: type[Any]) -> Any:
    if type(value) is not type_:
        raise ValueError("wrong shape")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("a time without its zone")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError("a number that no database has")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("a character that no text has")
    return value
