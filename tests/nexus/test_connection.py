"""How commands talk to a server."""

import asyncio
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx

from nexus.connection import Patient
from tests.services import http_server


def test_a_command_waits_when_the_server_says_so() -> None:
    bodies: list[bytes] = []

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(429 if len(bodies) == 1 else 201)
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    async def run(url: str) -> int:
        async with httpx.AsyncClient(base_url=url, transport=Patient()) as client:
            return (await client.post("/", files={"file": ("a.txt", b"words")})).status_code

    with http_server(Busy) as url:
        assert asyncio.run(run(url)) == 201
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert b"words" in bodies[1]
