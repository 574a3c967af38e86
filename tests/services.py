"""Real servers for tests, on free loopback ports."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Return once the port takes connections; fail when the process has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on port {port} after {seconds} s")


@contextlib.contextmanager
def running(command: list[str], port: int | None = None, **options: Any) -> Iterator[None]:
    """A process that is there meanwhile; with `port`, from when it listens there."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **(quiet | options))
    try:
        if port is not None:
            wait_for_port(port, process)
        yield
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis server; gives its URL. Skips where none is installed."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    with running(["redis-server", "--port", str(port), "--save", "", "--dir", str(folder)], port):
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def chroma(folder: Path) -> Iterator[str]:
    """A Chroma server; gives its URL."""
    port = free_port()
    program = str(Path(sys.executable).with_name("chroma"))
    with running([program, "run", "--path", str(folder), "--port", str(port)], port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def prometheus(folder: Path, config: Path) -> Iterator[str]:
    """A Prometheus server with a configuration; gives its URL. Skips where none is installed."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    port = free_port()
    address, storage = f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={folder / 'prometheus'}"
    with running(["prometheus", f"--config.file={config}", address, storage], port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server with an empty database; gives its SQLAlchemy URL. Skips where none is installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(installed[-1]) if installed else shutil.which("initdb")
    if initdb is None:
        pytest.skip("PostgreSQL is not installed")
    # It refuses to run as root.
    account = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    run_as = ["runuser", "-u", account, "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="nexus-pg-"))
    shutil.chown(folder, account)
    port = free_port()
    try:
        subprocess.run(
            [*run_as, initdb, "-D", folder / "data", "-A", "trust", "-U", "nexus", "--no-sync", "-E", "UTF8"],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        server = subprocess.Popen(
            [
                *(*run_as, Path(initdb).with_name("postgres"), "-D", folder / "data", "-p", str(port)),
                *("-c", "listen_addresses=127.0.0.1", "-k", folder, "-c", "fsync=off"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            wait_for_port(port, server)
            yield f"postgresql+psycopg://nexus@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
