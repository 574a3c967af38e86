"""A language model's endpoint on this machine: OpenAI's chat completions over HTTP, in chunks, answers by script."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.services import http_server

# What the endpoint says of every reply that it has finished.
USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}


@dataclass
class Says:
    """A reply in words, streamed piece by piece; `pause` seconds between the pieces."""

    text: str
    pause: float = 0.0


@dataclass
class Calls:
    """A reply that calls the search tool once for each query."""

    queries: list[str]


@dataclass
class Uses:
    """A reply that calls any tool, with arguments as they are, be they JSON or not."""

    tool: str
    arguments: str = "{}"


@dataclass
class Fails:
    """A reply with an HTTP error, after `pause` seconds."""

    status: int
    message: str = "no"
    pause: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Breaks:
    """A reply that begins with words and ends with `bytes_`, without the end that the protocol asks for. `pause`
    seconds are between the words and that."""

    text: str = ""
    bytes_: bytes = b""
    pause: float = 0.0


Reply = Says | Calls | Uses | Fails | Breaks
Script = Callable[[list[dict[str, Any]]], Reply]


@dataclass
class Endpoint:
    """The running server: what it was sent, and what it answers next (`script` gets the messages)."""

    url: str = ""
    script: Script = field(default=lambda messages: Says("NOT_FOUND"))
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    cut_off: threading.Event = field(default_factory=threading.Event)


@contextmanager
def llm_endpoint() -> Iterator[Endpoint]:
    """The server, on a free port of the loopback interface."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            endpoint.requests.append(body)
            endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
            assert self.path == "/v1/chat/completions", self.path
            assert body["stream"] is True
            reply = endpoint.script(body["messages"])
            if isinstance(reply, Fails):
                time.sleep(reply.pause)
                with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked may have given up
                    self._send_error(reply)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            try:
                if isinstance(reply, Breaks):
                    if reply.text:
                        self._chunk(body["model"], {"role": "assistant", "content": reply.text}, None)
                    time.sleep(reply.pause)
                    self.wfile.write(reply.bytes_)
                    return
                for delta, finish in _deltas(reply):
                    self._chunk(body["model"], delta, finish)
                    if isinstance(reply, Says):
                        time.sleep(reply.pause)
                if body.get("stream_options", {}).get("include_usage"):
                    self._send({"choices": [], "usage": USAGE, "model": body["model"]})
                self.wfile.write(b"data: [DONE]\n\n")
            except (BrokenPipeError, ConnectionResetError):
                endpoint.cut_off.set()

        def _send_error(self, reply: Fails) -> None:
            content = json.dumps({"error": {"message": reply.message, "type": "x", "code": None}}).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _chunk(self, model: str, delta: dict[str, Any], finish: str | None) -> None:
            self._send({"model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

        def _send(self, members: dict[str, Any]) -> None:
            chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, **members}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()

    with http_server(Handler) as url:
        endpoint.url = f"{url}/v1"
        yield endpoint


def _deltas(reply: Says | Calls | Uses) -> Iterator[tuple[dict[str, Any], str | None]]:
    yield {"role": "assistant", "content": ""}, None
    if isinstance(reply, Says):
        for start in range(0, len(reply.text), 7):  # across words and markers, as tokens come
            yield {"content": reply.text[start : start + 7]}, None
        yield {}, "stop"
        return
    if isinstance(reply, Uses):
        wanted = [(reply.tool, reply.arguments)]
    else:
        wanted = [("search", json.dumps({"query": query}, ensure_ascii=False)) for query in reply.queries]
    for index, (name, arguments) in enumerate(wanted):
        call = {"index": index, "id": f"call_{index}_{len(arguments)}", "type": "function"}
        yield {"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]}, None
        for start in range(0, len(arguments), 9):
            piece = {"index": index, "function": {"arguments": arguments[start : start + 9]}}
            yield {"tool_calls": [piece]}, None
    yield {}, "tool_calls"
