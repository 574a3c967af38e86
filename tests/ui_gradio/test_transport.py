"""Calling the API in this process, as a stream."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse

from ui_gradio.transport import StreamingASGITransport


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=StreamingASGITransport(app), base_url="http://nexus.test")


def test_a_body_is_handed_on_while_it_is_still_being_made() -> None:
    app = FastAPI()
    go_on = asyncio.Event()

    @app.get("/")
    def stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"first"
            await go_on.wait()
            yield b"second"

        return StreamingResponse(chunks())

    async def read() -> list[bytes]:
        seen = []
        async with client(app) as http, http.stream("GET", "/") as response:
            async for chunk in response.aiter_raw():
                seen.append(chunk)
                go_on.set()  # the second chunk is not made before the first one has arrived
        return seen

    assert asyncio.run(asyncio.wait_for(read(), 10)) == [b"first", b"second"]


def test_the_request_arrives_whole() -> None:
    app = FastAPI()

    @app.post("/echo/{name}")
    async def echo(name: str, request: Request) -> dict[str, object]:
        return {
            "name": name,
            "query": dict(request.query_params),
            "cookie": request.cookies,
            "body": (await request.body()).decode(),
        }

    async def send() -> dict[str, object]:
        async with client(app) as http:
            headers = {"Cookie": "a=b"}
            answer = await http.post("/echo/김", params={"q": "x y"}, content=b"hello", headers=headers)
            return dict(answer.json())

    assert asyncio.run(send()) == {"name": "김", "query": {"q": "x y"}, "cookie": {"a": "b"}, "body": "hello"}


def test_leaving_the_stream_ends_the_work_behind_it() -> None:
    app = FastAPI()
    ended = asyncio.Event()

    @app.get("/")
    def stream() -> StreamingResponse:
        async def chunks() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"more"
                    await asyncio.sleep(0.01)
            finally:
                ended.set()

        return StreamingResponse(chunks())

    async def leave() -> None:
        async with client(app) as http, http.stream("GET", "/") as response:
            await anext(response.aiter_raw())
        await asyncio.wait_for(ended.wait(), 5)

    asyncio.run(leave())
    assert ended.is_set()


def test_an_app_that_never_answers_is_an_error() -> None:
    async def silent(scope: object, receive: object, send: object) -> None:
        return

    async def broken(scope: object, receive: object, send: object) -> None:
        raise ZeroDivisionError

    async def get(app: object) -> None:
        async with httpx.AsyncClient(transport=StreamingASGITransport(app)) as http:  # type: ignore[arg-type]
            await http.get("http://nexus.test/")

    with pytest.raises(httpx.RemoteProtocolError):
        asyncio.run(get(silent))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(get(broken))
