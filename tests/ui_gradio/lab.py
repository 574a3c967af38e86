"""A server with a small API that the tests steer, and the real web app before it, on a loopback port."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from ui_gradio.app import WebApp, mount

COOKIE = "let-me-in"


@dataclass
class Assistant:
    """How the API answers a question: word by word, with a pause between them, and perhaps a failure."""

    words: str = "Sixteen weeks. [1]"
    pause: float = 0.0
    fails: bool = False
    ends_early: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)


def problem(status: int, code: str, title: str, detail: str = "") -> JSONResponse:
    document = {"type": "urn:test", "title": title, "status": status, "code": code, "detail": detail}
    return JSONResponse(document, status, media_type="application/problem+json")


def small_api(assistant: Assistant) -> FastAPI:
    """The parts of the API's contract that the tests here need."""
    app = FastAPI()

    @app.middleware("http")
    async def only_the_signed_in(request: Request, call_next: Any) -> Response:
        inside = request.cookies.get("nexus_session") == COOKIE
        open_to_all = request.url.path == "/api/v1/auth/methods"
        if request.url.path.startswith("/api/") and not inside and not open_to_all:
            return problem(401, "unauthenticated", "Sign in first")
        return await call_next(request)  # type: ignore[no-any-return]

    @app.get("/api/v1/users/me")
    def me() -> dict[str, str]:
        return {"id": "u1", "name": "Ada", "role": "member"}

    @app.get("/api/v1/auth/methods")
    def methods() -> dict[str, Any]:
        return {"registration": "open", "password": True, "providers": [], "mail": True}

    @app.get("/api/v1/{things}")
    @app.get("/api/v1/assistant/{things}")
    def nothing(things: str) -> dict[str, Any]:
        return {"items": [], "next_cursor": None}

    @app.get("/api/v1/documents/{document_id}")
    def document(document_id: str) -> JSONResponse:
        return problem(404, "not_found", "Not found", f"There is no document {document_id}.")

    @app.post("/api/v1/search")
    def broken_search() -> JSONResponse:
        return problem(500, "internal_error", "Something went wrong on the server", "Its log tells more.")

    @app.post("/api/v1/assistant/chat")
    async def chat(body: dict[str, Any]) -> Response:
        assistant.asked.append(body)
        if assistant.fails:
            return problem(503, "unavailable", "Not available right now", "The language model cannot be reached.")
        return StreamingResponse(_stream(assistant), media_type="text/event-stream")

    return app


async def _stream(assistant: Assistant) -> AsyncIterator[str]:
    def event(name: str, data: Any) -> str:
        return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"

    try:
        yield event("conversation", {"conversation_id": "c1"})
        yield event("step", {"label": "Searching", "state": "running", "detail": ""})
        yield event("step", {"label": "Searching", "state": "done", "detail": "3 passages"})
        for word in assistant.words.split():
            yield event("delta", {"text": word + " "})
            await asyncio.sleep(assistant.pause)
        if not assistant.ends_early:
            yield event("answer", answer(assistant.words))
    except (asyncio.CancelledError, GeneratorExit):
        assistant.hung_up.set()
        raise


def answer(text: str) -> dict[str, Any]:
    """A whole answer, as the API gives it."""
    fields = {"conversation_id": "c1", "message_id": "m1", "model": "extractive", "citations": [], "nearest": []}
    return {"answer": text, "confidence": "low", "abstained": False, **fields}


@dataclass(frozen=True)
class Lab:
    """The running server: its address, what steers its assistant, and a signed-in client."""

    url: str
    assistant: Assistant
    web: WebApp
    client: httpx.Client


@contextmanager
def serving_lab() -> Iterator[Lab]:
    """The server, with its web app ready; Gradio takes seconds to build."""
    assistant = Assistant()
    app = small_api(assistant)
    web = mount(app)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        with httpx.Client(base_url=url, cookies={"nexus_session": COOKIE}, timeout=30) as client:
            deadline = time.monotonic() + 120
            while not web.ready:
                assert web.failure is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield Lab(url, assistant, web, client)
        server.should_exit = True
        thread.join(20)
    assert not web.ready


def reset(lab: Lab) -> None:
    """Make the assistant as it was at first."""
    for name, value in vars(Assistant()).items():
        setattr(lab.assistant, name, value)
