"""Real servers for tests, on free loopback ports."""

import contextlib
import functools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr


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
def http_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """An HTTP server on a thread; gives its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    # Its end waits for the next look at whether it has come: by default half a second.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis server; gives its URL. Skips where none is installed."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--databases", "4096", "--dir", str(folder)]
    with running(command, port):
        yield f"redis://127.0.0.1:{port}/0"


@contextlib.contextmanager
def chroma(folder: Path) -> Iterator[str]:
    """A Chroma server; gives its URL."""
    port = free_port()
    program = str(Path(sys.executable).with_name("chroma"))
    with running([program, "run", "--path", str(folder), "--port", str(port)], port):
        yield f"http://127.0.0.1:{port}"


class ObjectStorage:
    """An S3 server (moto's), which can be stopped and started again with what it holds, as a real one would be."""

    def __init__(self, port: int, **environment: str) -> None:
        self._port = port
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._held: dict[str, dict[str, bytes]] = {}
        self.endpoint = f"http://127.0.0.1:{port}"

    def start(self) -> None:
        """Serve, if it does not."""
        if self._process is not None:
            return
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)]
        environment = {**os.environ, **self._environment}
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        wait_for_port(self._port, self._process)
        for bucket, objects in self._held.items():
            self.client.create_bucket(Bucket=bucket)
            for key, content in objects.items():
                self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def stop(self) -> None:
        """Answer nobody."""
        if self._process is not None:
            self._held = {bucket["Name"]: self.objects(bucket["Name"]) for bucket in self._buckets()}
            self.kill()

    def kill(self) -> None:
        """End the process, and what it holds."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Take connections meanwhile, and say nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def make_bucket(self) -> str:
        """A new bucket's name."""
        name = f"files-{uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=name)
        return name

    def objects(self, bucket: str) -> dict[str, bytes]:
        """What a bucket holds."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {key: self.client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def settings(self, bucket: str) -> dict[str, Any]:
        """The settings that keep files in a bucket, under a prefix."""
        return {
            "storage_url": f"s3://{bucket}/company/files",
            "storage_endpoint_url": self.endpoint,
            "storage_access_key": SecretStr("key"),
            "storage_secret_key": SecretStr("secret"),
        }

    @functools.cached_property
    def client(self) -> Any:
        """For looking at it past the product."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )

    def _buckets(self) -> list[dict[str, Any]]:
        buckets: list[dict[str, Any]] = self.client.list_buckets()["Buckets"]
        return buckets


@contextlib.contextmanager
def cut_after(endpoint: str, size: int) -> Iterator[str]:
    """Another way to a server, which ends for good once so many bytes went over it; gives its URL."""
    there = ("127.0.0.1", int(endpoint.rpartition(":")[2]))
    left = size
    ways: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def carry(source: socket.socket, target: socket.socket) -> None:
            nonlocal left
            with contextlib.suppress(OSError):
                while data := source.recv(2**16):
                    left -= len(data)
                    if left < 0:
                        cut()
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)

        def cut() -> None:
            for way in (listener, *ways):
                with contextlib.suppress(OSError):
                    way.shutdown(socket.SHUT_RDWR)

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    far = socket.create_connection(there)
                    ways.extend((near, far))
                    for source, target in ((near, far), (far, near)):
                        threading.Thread(target=carry, args=(source, target), daemon=True).start()

        taking = threading.Thread(target=take, daemon=True)
        taking.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        cut()
        taking.join(20)
        for way in ways:
            way.close()


@contextlib.contextmanager
def object_storage(**environment: str) -> Iterator[ObjectStorage]:
    """An S3 server."""
    server = ObjectStorage(free_port(), **environment)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextlib.contextmanager
def prometheus(folder: Path, config: Path) -> Iterator[str]:
    """A Prometheus server with a configuration; gives its URL. Skips where none is installed."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    port = free_port()
    address, storage = f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={folder / 'prometheus'}"
    with running(["prometheus", f"--config.file={config}", address, storage], port):
        yield f"http://127.0.0.1:{port}"


# Nothing outlives the session, so nothing need be safe.
_CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0")


def wait_for_postgresql(url: str, seconds: float = 60) -> None:
    """Return once a server that listens takes connections: it first recovers, or makes itself ready."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            psycopg.connect(url.replace("+psycopg", "")).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, f"{url} takes no connections after {seconds} s"
            time.sleep(0.05)
        else:
            return


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
                *("-c", "listen_addresses=127.0.0.1", "-k", folder),
                *(argument for setting in _CARELESS for argument in ("-c", setting)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            wait_for_port(port, server)
            url = f"postgresql+psycopg://nexus@127.0.0.1:{port}/postgres"
            wait_for_postgresql(url)
            yield url
        finally:
            server.terminate()
            server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
