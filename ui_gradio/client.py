"""The web app's only way to the product: its HTTP API, called as the person whose cookie came with the request."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

COOKIE = "nexus_session"
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


class Api:
    """Calls the API at `base_url` through `transport` (None: over the network) with a caller's cookie and language."""

    def __init__(self, *, transport: httpx.AsyncBaseTransport | None, base_url: str) -> None:
        self._http = httpx.AsyncClient(transport=transport, base_url=base_url, timeout=TIMEOUT, follow_redirects=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(
        self,
        cookie: str | None,
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
        given = {name: value for name, value in (params or {}).items() if value not in (None, "")}
        try:
            response = await self._http.request(
                method, PREFIX + path, params=given, json=body, headers=_headers(cookie)
            )
        except httpx.HTTPError as error:
            raise Problem(_unreachable(error)) from error
        if response.is_error:
            raise Problem(_problem(response))
        return response.json() if response.content else None

    @asynccontextmanager
    async def events(self, cookie: str | None, path: str, body: Any) -> AsyncIterator[AsyncIterator[ServerEvent]]:
        """POST and read the answer as server-sent events. Leaving the block ends the stream at the API too.

        Raises:
            Problem: the API answered with an error, or could not be reached.
        """
        headers = {**_headers(cookie), "Accept": "text/event-stream"}
        try:
            async with self._http.stream("POST", PREFIX + path, json=body, headers=headers) as response:
                if response.is_error:
                    await response.aread()
                    raise Problem(_problem(response))
                yield _parse(response)
        except httpx.HTTPError as error:
            raise Problem(_unreachable(error)) from error


def _headers(cookie: str | None) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}


def _unreachable(error: Exception) -> dict[str, Any]:
    return {"status": 503, "code": "unreachable", "title": "The server did not answer", "detail": str(error)}


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        document = response.json()
    except ValueError:
        document = None
    if not isinstance(document, dict) or "title" not in document:
        document = {"title": f"The server answered {response.status_code}", "detail": ""}
    return {"code": f"http_{response.status_code}", **document, "status": response.status_code}


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
