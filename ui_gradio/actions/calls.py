"""How an action becomes one call of the API."""

import re
from collections.abc import Collection
from typing import Any, Protocol
from urllib.parse import quote

from ui_gradio.client import Api, Problem
from ui_gradio.visitor import Visitor

Payload = dict[str, Any]

_BLANK = re.compile(r"\{(\w+)\}")


class Action(Protocol):
    """One thing that a page does."""

    __name__: str

    async def __call__(self, api: Api, visitor: Visitor, payload: Payload) -> Any: ...


def action(
    name: str, method: str, path: str, *, query: Collection[str] = (), body: Collection[str] | None = None
) -> Action:
    """An action that sends the named members of its payload on: those in the braces of `path` as segments of it,
    `query` as parameters, `body` (those that are there) as JSON."""

    async def call(api: Api, visitor: Visitor, payload: Payload) -> Any:
        filled = _BLANK.sub(lambda blank: segment(payload, blank[1]), path)
        params = {field: payload.get(field) for field in query}
        json = None if body is None else {field: payload[field] for field in body if field in payload}
        return await api.call(visitor, method, filled, params=params, body=json)

    call.__name__ = name
    call.__doc__ = f"{method} {path}"
    return call


def segment(payload: Payload, name: str) -> str:
    """A path segment made from untrusted input."""
    value = str(payload.get(name) or "")
    if not value or value in {".", ".."}:
        raise Problem({"status": 422, "code": "invalid", "title": "The request is not valid", "detail": f"{name}?"})
    return quote(value, safe="")
