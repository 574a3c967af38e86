"""How commands talk to a server."""

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from nexus.connection import Patient


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

    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    async def run() -> int:
        url = f"http://127.0.0.1:{server.server_port}"
        async with httpx.AsyncClient(base_url=url, transport=Patient()) as client:
            return (await client.post("/", files={"file": ("a.txt", b"words")})).status_code

    try:
        assert asyncio.run(run()) == 201
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert b"words" in bodies[1]
