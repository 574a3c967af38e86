"""An httpx transport that calls an ASGI app in this process and streams its answer.

`httpx.ASGITransport` collects the whole response before it returns, so a stream of events would arrive in one
piece at its end. This one hands every body chunk on as it is sent, and tells the app when the reader has gone.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import httpx

from ui_gradio.visitor import Visitor

ASGIApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]


class _Exchange:
    """One request on its way through the app: runs the app in a task and queues what it sends."""

    def __init__(self, app: ASGIApp, scope: dict[str, Any], body: bytes) -> None:
        self._body: bytes | None = body
        self._sent: asyncio.Queue[MutableMapping[str, Any] | None] = asyncio.Queue(maxsize=64)
        self._gone = asyncio.Event()
        self._task = asyncio.create_task(self._run(app, scope))

    async def _run(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._send)
        finally:
            if not self._gone.is_set():
                await self._sent.put(None)

    async def _receive(self) -> MutableMapping[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if not self._gone.is_set():
            await self._sent.put(message)

    async def start(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Wait for the status line and the headers.

        Raises:
            httpx.RemoteProtocolError: the app ended without an answer.
        """
        message = await self._sent.get()
        if message is None:
            await self._task  # raises what the app raised
            raise httpx.RemoteProtocolError("The app ended without an answer.")
        return message["status"], list(message.get("headers", []))

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece, until the app has sent its last one."""
        while (message := await self._sent.get()) is not None:
            if message["type"] != "http.response.body":
                continue
            if chunk := message.get("body", b""):
                yield chunk
            if not message.get("more_body", False):
                return
        await self._task

    async def close(self) -> None:
        """Tell the app that nobody reads any more, and end its task."""
        self._gone.set()
        if not self._task.done():
            # An app that is still sending finds the queue drained; one that waits hears the disconnect.
            while not self._sent.empty():
                self._sent.get_nowait()
            _done, pending = await asyncio.wait({self._task}, timeout=0.2)
            for task in pending:
                task.cancel()
            await asyncio.wait({self._task}, timeout=5)
        if self._task.done() and not self._task.cancelled():
            self._task.exception()  # taken, so that asyncio does not report it as forgotten


class _Body(httpx.AsyncByteStream):
    def __init__(self, exchange: _Exchange) -> None:
        self._exchange = exchange

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._exchange.chunks():
            yield chunk

    async def aclose(self) -> None:
        await self._exchange.close()


class StreamingASGITransport(httpx.AsyncBaseTransport):
    """Sends httpx requests to `app` without a socket. The app sees the request's visitor (in its extensions) as the
    peer, at the address that they came to; `client` is the peer when there is none."""

    def __init__(self, app: ASGIApp, *, client: tuple[str, int] = ("127.0.0.1", 0)) -> None:
        self._app = app
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Run one request; the response's body is streamed."""
        body = await request.aread()
        visitor: Visitor = request.extensions.get("visitor") or Visitor()
        if visitor.host:
            request.headers["host"] = visitor.host
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": visitor.scheme or request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.split(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "server": (request.url.host, request.url.port or 80),
            "client": (visitor.address, 0) if visitor.address else self._client,
            "state": {},
            # The visitor's own request has passed the check for other sites' pages; this one needs none.
            "extensions": {"nexus.in_process": {}},
        }
        exchange = _Exchange(self._app, scope, body)
        try:
            status, headers = await exchange.start()
        except BaseException:
            await exchange.close()
            raise
        return httpx.Response(status, headers=headers, stream=_Body(exchange))
