"""`nexus serve` as a process of its own, and the commands beside it."""

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.nexus.conftest import Ran

Nexus = Callable[..., Ran]


@contextlib.contextmanager
def serving(*arguments: str, **options: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port; gives the process and the sign-in link that it printed."""
    command = [sys.executable, "-m", "nexus", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"http://\S+/sign-in\?token=\S+", line):
                break
        else:
            raise AssertionError(f"the server ended with {process.wait()} and printed no link")
        yield process, found.group()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


@dataclass
class Server:
    """A running server that is ready: its data directory, the link that it printed, and a client."""

    data_dir: Path
    link: str
    client: httpx.Client


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Server]:
    """One for all tests that leave it as it is."""
    data_dir = tmp_path_factory.mktemp("server") / "data"
    environment = {**os.environ, "NEXUS_DATA_DIR": str(data_dir), "NEXUS_MODELS_CACHE": str(model_cache)}
    with (
        serving(env=environment) as (_, link),
        httpx.Client(base_url=link.split("/sign-in")[0], timeout=60) as client,
    ):
        deadline = time.monotonic() + 120
        while client.get("/health/ready").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield Server(data_dir, link, client)


@pytest.fixture
def server(running_server: Server, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The running server; commands work on its data directory."""
    monkeypatch.setenv("NEXUS_DATA_DIR", str(running_server.data_dir))
    running_server.client.cookies.clear()
    return running_server


def test_the_printed_link_signs_in_once_and_commands_use_the_server(
    server: Server, nexus: Nexus, tmp_path: Path
) -> None:
    client, link = server.client, server.link
    assert client.get("/", headers={"Accept": "text/html"}).headers["location"].startswith("/sign-in")
    signed_in = client.get(link)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")
    assert client.get("/api/v1/users/me").json()["role"] == "admin"
    assert client.get("/sign-in", params={"next": "//evil.example"}).headers["location"] == "/"
    client.cookies.clear()
    assert client.get(link).status_code == 401
    assert client.get("/sign-in").status_code == 200

    (tmp_path / "note.txt").write_text("The printer on the third floor is called Gutenberg.")
    assert nexus("import", str(tmp_path / "note.txt"), "--space", "Notes").code == 0
    assert "Gutenberg" in nexus("search", "printer third floor", "--json").json()["hits"][0]["text"]

    another = nexus("token").out.strip()
    assert client.post("/sign-in", data={"token": another, "next": "/search"}).headers["location"] == "/search"
    token = nexus("token", "--bearer").out.strip()
    client.cookies.clear()
    assert client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200

    second = subprocess.run([sys.executable, "-m", "nexus", "serve", "--port", "0"], capture_output=True, text=True)
    assert second.returncode == 1
    assert "in use by a server at" in second.stderr


def test_a_gigabyte_upload_is_refused_at_once(server: Server, nexus: Nexus) -> None:
    client = server.client
    token = nexus("token", "--bearer").out.strip()
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1024):
            sent += 2**20
            yield b"x" * 2**20

    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Length": str(2**30),
    }
    try:
        response = client.post("/api/v1/documents/upload", headers=headers, content=body())
        assert (response.status_code, response.json()["code"]) == (413, "too_large")
    except (httpx.WriteError, httpx.ReadError):
        pass  # the server closed the connection while the client was still writing
    assert sent < 2**29
    assert client.get("/health/live").status_code == 200


def test_a_connection_stays_open_for_who_comes_back_a_while_later(server: Server) -> None:
    url = httpx.URL(server.link)
    connection = http.client.HTTPConnection(url.host, url.port, timeout=60)
    try:
        for pause in (6.0, 0.0):
            connection.request("GET", "/health/live")
            assert connection.getresponse().read()
            time.sleep(pause)  # longer than uvicorn waits unless told to
    finally:
        connection.close()


def test_a_port_in_use_is_told(server: Server, tmp_path: Path) -> None:
    port = server.link.split(":")[2].split("/")[0]
    result = subprocess.run(
        [sys.executable, "-m", "nexus", "serve", "--port", port, "--data-dir", str(tmp_path / "other")],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "--port" in result.stderr


def test_a_server_that_was_killed_leaves_a_data_directory_that_can_be_used(nexus: Nexus, data_dir: Path) -> None:
    with serving() as (process, _):
        process.kill()
        process.wait()
    assert nexus("index", "status", "--json").json()["chunks"] == 0
