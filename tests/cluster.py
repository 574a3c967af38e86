"""Server mode as it runs at a customer's: PostgreSQL, Redis, a Chroma server, and the processes of the product, each of
which can be stopped and started again."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from nexus.owner import open_database, owner_key
from tests.services import free_port, wait_for_port, wait_for_postgresql

ROOT = Path(__file__).resolve().parents[1]


def until(condition: Callable[[], Any], seconds: float = 60, pause: float = 0.1) -> Any:
    """Wait until something is true; gives it. What cannot be reached now may be in a moment."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if found := condition():
                return found
            problem: object = "not so"
        except (httpx.TransportError, AssertionError) as error:
            problem = error
        assert time.monotonic() < deadline, f"after {seconds:.0f} s: {problem}"
        time.sleep(pause)


class Service:
    """A program that can be stopped and started again, with the same data and on the same port."""

    def __init__(self, command: list[str], log: Path, port: int | None = None, **options: Any) -> None:
        self._command, self._log, self._port, self._options = command, log, port, options
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; with a port, wait until it listens there."""
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(self._command, stdout=output, stderr=output, **self._options)
        if self._port is not None:
            wait_for_port(self._port, self.process)

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 60) -> int:
        """Stop it; gives how it ended."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(seconds)

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def niceness(self) -> int:
        assert self.process is not None
        return os.getpriority(os.PRIO_PROCESS, self.process.pid)

    def log(self) -> str:
        """What it has said so far."""
        return self._log.read_text(errors="replace")


class Cluster:
    """The servers and processes of one installation. `api`, `worker` and `beat` start one more of their kind."""

    def __init__(self, folder: Path, model_cache: Path, stack: ExitStack, **changes: Any) -> None:
        self._folder, self._stack, self._count = folder, stack, 0
        (folder / "logs").mkdir(parents=True)
        self.postgresql = self._postgresql()
        redis_port, chroma_port = free_port(), free_port()
        if shutil.which("redis-server") is None:
            pytest.skip("redis-server is not installed")
        self.redis = self._service(
            "redis", ["redis-server", "--port", str(redis_port), "--save", "", "--dir", str(folder)], redis_port
        )
        chroma = [str(Path(sys.executable).with_name("chroma")), "run", "--path", str(folder / "chroma")]
        self.chroma = self._service("chroma", [*chroma, "--port", str(chroma_port)], chroma_port)
        self.settings = Settings(
            data_dir=changes.pop("data_dir", folder / "data"),
            database_url=f"postgresql+psycopg://nexus@127.0.0.1:{self._pg_port}/postgres",
            redis_url=f"redis://127.0.0.1:{redis_port}/0",
            chroma_url=f"http://127.0.0.1:{chroma_port}",
            models_cache=model_cache,
            rate_limit_requests="1000000/minute",
            **changes,
        )
        self.environment = {
            **os.environ,
            "NEXUS_DATA_DIR": str(self.settings.data_dir),
            "NEXUS_DATABASE_URL": str(self.settings.database_url),
            "NEXUS_REDIS_URL": str(self.settings.redis_url),
            "NEXUS_CHROMA_URL": str(self.settings.chroma_url),
            "NEXUS_MODELS_CACHE": str(model_cache.resolve()),
            "NEXUS_RATE_LIMIT_REQUESTS": self.settings.rate_limit_requests,
        } | {f"NEXUS_{name.upper()}": str(value) for name, value in changes.items()}
        wait_for_postgresql(str(self.settings.database_url))
        self.database: Database = open_database(self.settings)
        stack.callback(self.database.dispose)
        self.token = owner_key(self.database, timedelta(hours=4), "tests")

    def api(self, *options: str) -> "Api":
        """One more API process, which is ready."""
        port = free_port()
        service = self._nexus("api", "--port", str(port), "--no-web", *options)
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {self.token}"}, timeout=60
        )
        self._stack.callback(client.close)
        api = Api(service, client)
        until(lambda: self._alive(service) and client.get("/health/ready").is_success, 120)
        return api

    def worker(self, *options: str) -> Service:
        """One more worker."""
        return self._nexus("worker", *options)

    def beat(self) -> Service:
        """One more beat."""
        return self._nexus("beat")

    def run(self, *arguments: str, timeout: float = 300) -> "subprocess.CompletedProcess[str]":
        """A command, to its end."""
        command = [sys.executable, "-m", "nexus", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    def _alive(self, service: Service) -> bool:
        assert service.runs, service.log()[-3000:]
        return True

    def _nexus(self, *arguments: str) -> Service:
        self._count += 1
        command = [sys.executable, "-m", "nexus", *arguments]
        return self._service(f"{arguments[0]}-{self._count}", command, cwd=ROOT, env=self.environment)

    def _service(self, name: str, command: list[str], port: int | None = None, **options: Any) -> Service:
        service = Service(command, self._folder / "logs" / f"{name}.log", port, **options)
        service.start()
        self._stack.callback(self._end, service)
        return service

    def _end(self, service: Service) -> None:
        if service.runs:
            with contextlib.suppress(subprocess.TimeoutExpired):
                service.stop(seconds=15)
                return
            service.stop(signal.SIGKILL)

    def _postgresql(self) -> Service:
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not installed:
            pytest.skip("PostgreSQL is not installed")
        initdb = installed[-1]
        # It refuses to run as root.
        account = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        run_as = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups"] if os.geteuid() == 0 else []
        folder = Path(tempfile.mkdtemp(prefix="nexus-pg-"))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        shutil.chown(folder, account)
        data = str(folder / "data")
        made = [*run_as, str(initdb), "-D", data, "-A", "trust", "-U", "nexus", "--no-sync", "-E", "UTF8"]
        subprocess.run(made, check=True, capture_output=True, cwd=folder)
        self._pg_port = free_port()
        command = [*run_as, str(initdb.with_name("postgres")), "-D", data, "-p", str(self._pg_port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-k", str(folder), "-c", "fsync=off"]
        return self._service("postgresql", command, self._pg_port, cwd=folder)


class Api:
    """An API process and a client that is signed in as the owner."""

    def __init__(self, service: Service, client: httpx.Client) -> None:
        self.service, self.client, self.url = service, client, str(client.base_url)

    def get(self, path: str, **options: Any) -> Any:
        """The JSON at a path of the API."""
        return self._checked(self.client.get(f"/api/v1{path}", **options))

    def post(self, path: str, body: Any = None) -> Any:
        """What the API answers to a body."""
        return self._checked(self.client.post(f"/api/v1{path}", json=body))

    def space(self, name: str) -> str:
        """A new space."""
        return str(self.post("/spaces", {"name": name})["id"])

    def put(self, space_id: str, path: str, text: str) -> str:
        """A document with this text, new or changed; gives its id."""
        file = {"file": (path.rpartition("/")[2], text.encode(), "text/markdown")}
        response = self.client.post("/api/v1/documents/upload", data={"space_id": space_id, "path": path}, files=file)
        return str(self._checked(response)["document"]["id"])

    def found(self, query: str, mode: str = "hybrid", **more: Any) -> list[str]:
        """The titles that a search finds, best first."""
        hits = self.post("/search", {"query": query, "mode": mode, "k": 20, **more})["hits"]
        return [hit["source"]["title"] for hit in hits]

    def idle(self, seconds: float = 180) -> None:
        """Wait until nothing waits to be indexed."""
        until(lambda: self.get("/index/status")["queue"]["waiting"] == 0, seconds, 0.3)

    @staticmethod
    def _checked(response: httpx.Response) -> Any:
        assert response.is_success, f"{response.status_code} {response.text[:500]}"
        return json.loads(response.content) if response.content else None


@contextlib.contextmanager
def cluster(folder: Path, model_cache: Path, **changes: Any) -> Iterator[Cluster]:
    """An installation, gone at the end; `changes` are settings of all its processes."""
    with ExitStack() as stack:
        yield Cluster(folder, model_cache, stack, **changes)
