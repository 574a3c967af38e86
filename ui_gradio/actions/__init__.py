"""What the browser may ask of the web app: one function for each thing a page does.

They run as Gradio server functions. A server function is a way in like any other, so each passes the caller's own
cookie to the API, which decides; none of them knows more than its caller. A function gives `{"data": ...}`, or
`{"problem": ...}` with the API's problem document.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from ui_gradio.client import COOKIE, Api, Problem


class Caller(Protocol):
    """What an action needs of a request (both `gradio.Request` and Starlette's are one)."""

    @property
    def cookies(self) -> Mapping[str, str]: ...


Payload = dict[str, Any]
Action = Callable[[Api, str | None, Payload], Awaitable[Any]]
Handler = Callable[[Payload, Any], Awaitable[dict[str, Any]]]


def session_cookie(request: Caller) -> str | None:
    """The caller's session, to be passed on."""
    return request.cookies.get(COOKIE)


def handlers(api: Api, request_type: type) -> list[Handler]:
    """All actions, bound to `api`, in the form that Gradio calls; `request_type` is the annotation by which Gradio
    knows where to put the request."""
    return [_handler(api, action, request_type) for action in ACTIONS]


def _handler(api: Api, action: Action, request_type: type) -> Handler:
    async def handler(payload: Payload, request: Any) -> dict[str, Any]:
        try:
            return {"data": await action(api, session_cookie(request), payload or {})}
        except Problem as problem:
            return {"problem": problem.document}

    handler.__name__ = action.__name__
    handler.__doc__ = action.__doc__
    handler.__annotations__ = {"payload": dict, "request": request_type}
    return handler


def _segment(payload: Payload, name: str) -> str:
    """A path segment made from untrusted input."""
    value = str(payload.get(name) or "")
    if not value or value in {".", ".."}:
        raise Problem({"status": 422, "code": "invalid", "title": "The request is not valid", "detail": f"{name}?"})
    return quote(value, safe="")


async def me(api: Api, cookie: str | None, payload: Payload) -> Any:
    """Who is signed in."""
    return await api.call(cookie, "GET", "/users/me")


async def spaces(api: Api, cookie: str | None, payload: Payload) -> Any:
    """The spaces that the caller may read."""
    return await api.call(cookie, "GET", "/spaces", params={"limit": 100, "cursor": payload.get("cursor")})


async def create_space(api: Api, cookie: str | None, payload: Payload) -> Any:
    """Make a space of the caller's own."""
    return await api.call(cookie, "POST", "/spaces", body={"name": payload.get("name", ""), "kind": "team"})


async def documents(api: Api, cookie: str | None, payload: Payload) -> Any:
    """A page of the document list."""
    params = {name: payload.get(name) for name in ("space_id", "q", "cursor", "limit")}
    return await api.call(cookie, "GET", "/documents", params=params)


async def document(api: Api, cookie: str | None, payload: Payload) -> Any:
    """One document's metadata."""
    return await api.call(cookie, "GET", f"/documents/{_segment(payload, 'id')}")


async def document_text(api: Api, cookie: str | None, payload: Payload) -> Any:
    """A stretch of a document's extracted text, with its blocks and outline."""
    params = {name: payload.get(name) for name in ("version", "start", "end")}
    return await api.call(cookie, "GET", f"/documents/{_segment(payload, 'id')}/text", params=params)


async def delete_document(api: Api, cookie: str | None, payload: Payload) -> Any:
    """Delete a document."""
    return await api.call(cookie, "DELETE", f"/documents/{_segment(payload, 'id')}")


async def search(api: Api, cookie: str | None, payload: Payload) -> Any:
    """Search the caller's spaces."""
    fields = ("query", "k", "mode", "filters", "per_source")
    return await api.call(
        cookie, "POST", "/search", body={name: payload[name] for name in fields if payload.get(name) is not None}
    )


async def conversations(api: Api, cookie: str | None, payload: Payload) -> Any:
    """The caller's conversations, newest first."""
    return await api.call(cookie, "GET", "/assistant/conversations", params={"cursor": payload.get("cursor")})


async def conversation(api: Api, cookie: str | None, payload: Payload) -> Any:
    """One conversation with its messages."""
    return await api.call(cookie, "GET", f"/assistant/conversations/{_segment(payload, 'id')}")


async def delete_conversation(api: Api, cookie: str | None, payload: Payload) -> Any:
    """Delete a conversation."""
    return await api.call(cookie, "DELETE", f"/assistant/conversations/{_segment(payload, 'id')}")


async def index_status(api: Api, cookie: str | None, payload: Payload) -> Any:
    """How far the index is, and what failed."""
    return await api.call(cookie, "GET", "/index/status")


async def index_reconcile(api: Api, cookie: str | None, payload: Payload) -> Any:
    """Compare the indexes with the database and repair them (admin)."""
    return await api.call(cookie, "POST", "/index/reconcile")


async def index_retry(api: Api, cookie: str | None, payload: Payload) -> Any:
    """Try failed sources again (admin): one, or all when none is named."""
    fields = ("source_kind", "source_id")
    return await api.call(
        cookie, "POST", "/index/retry", body={name: payload[name] for name in fields if payload.get(name)}
    )


ACTIONS: tuple[Action, ...] = (
    me,
    spaces,
    create_space,
    documents,
    document,
    document_text,
    delete_document,
    search,
    conversations,
    conversation,
    delete_conversation,
    index_status,
    index_reconcile,
    index_retry,
)
