"""The web app's only way to the product: its HTTP API, called as the person whose cookie came with the request."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from ui_gradio.visitor import Visitor, session_cookie

PREFIX = "/api/v1"
# An answer may take as long as its model does; everything else is a matter of milliseconds.
TIMEOUT = httpx.Timeout(30.0, read=None)


class Problem(Exception):
    """The API refused or failed. `document` is its RFC 9457 problem document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        super().__init__(str(document.get("detail") or document.get("title") or "The request failed."))
        self.document = dict(document)


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One server-sent event: its name and its decoded JSON data."""

    name: str
    data: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: decoded JSON (None when empty), and the cookies that it sets."""

    status: int
    data: Any
    set_cookies: tuple[str, ...]


class Api:
    """Calls the API at `base_url` through `transport` (None: over the network) as a visitor."""

    def __init__(self, *, transport: httpx.AsyncBaseTransport | None, base_url: str) -> None:
        # All visitors share this client: it must keep no cookie that an answer sets, or the next one would be them.
        nobodys = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self._http = httpx.AsyncClient(
            transport=transport, base_url=base_url, timeout=TIMEOUT, follow_redirects=False, cookies=nobodys
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(
        self,
        visitor: Visitor,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Any:
        """One request below `/api/v1`; gives the decoded JSON, None for an empty answer.

        Raises:
            Problem: the API answered with an error, or could not be reached.
        """
        return (await self.exchange(visitor, method, path, params=params, body=body)).data

    async def exchange(
        self,
        visitor: Visitor,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Answer:
        """Like `call`, with the whole answer."""
        given = {name: value for name, value in (params or {}).items() if value not in (None, "")}
        try:
            response = await self._http.request(
                method,
                PREFIX + path,
                params=given,
                json=body,
                headers=_headers(visitor),
                extensions={"visitor": visitor},
            )
        except httpx.HTTPError as error:
            raise Problem(_unreachable(error)) from error
        if response.is_error:
            raise Problem(_problem(response))
        data = response.json() if response.content else None
        return Answer(response.status_code, data, tuple(response.headers.get_list("set-cookie")))

    @asynccontextmanager
    async def events(self, visitor: Visitor, path: str, body: Any) -> AsyncIterator[AsyncIterator[ServerEvent]]:
        """POST and read the answer as server-sent events. Leaving the block ends the stream at the API too.

        Raises:
            Problem: the API answered with an error, or could not be reached.
        """
        headers = {**_headers(visitor), "Accept": "text/event-stream"}
        request: dict[str, Any] = {"json": body, "headers": headers, "extensions": {"visitor": visitor}}
        try:
            async with self._http.stream("POST", PREFIX + path, **request) as response:
                if response.is_error:
                    await response.aread()
                    raise Problem(_problem(response))
                yield _parse(response)
        except httpx.HTTPError as error:
            raise Problem(_unreachable(error)) from error


def _headers(visitor: Visitor) -> dict[str, str]:
    headers = {
        "User-Agent": visitor.user_agent,
        "Accept-Language": visitor.languages,
        "Cookie": f"{session_cookie(visitor.scheme)}={visitor.cookie}" if visitor.cookie else "",
    }
    return {name: value for name, value in headers.items() if value}


def _unreachable(error: Exception) -> dict[str, Any]:
    return {"status": 503, "code": "unreachable", "title": "The server did not answer", "detail": str(error)}


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or "title" not in document:
        document = {"title": f"The server answered {response.status_code}", "detail": ""}
    document = {"code": f"http_{response.status_code}", **document, "status": response.status_code}
    if (wait := response.headers.get("retry-after", "")).isdecimal():
        document["retry_after"] = int(wait)
    return document


async def _parse(response: httpx.Response) -> AsyncIterator[ServerEvent]:
    """Server-sent events as the HTML standard defines them (section 9.2.6), their data decoded as JSON."""
    name, data = "", list[str]()
    async for line in _lines(response):
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            continue
        if data:
            yield ServerEvent(name or "message", json.loads("\n".join(data)))
        name, data = "", []


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    """Lines that end in CR LF or LF. (`aiter_lines` also cuts at U+2028 and others, which may stand inside JSON.)"""
    rest = ""
    async for text in response.aiter_text():
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            yield line.removesuffix("\r")
    if rest:
        yield rest
