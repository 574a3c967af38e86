"""The product in a process of its own, on loopback."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from core_api.infra.settings import Settings


class ServerFailed(RuntimeError):
    """The server did not come up."""


@contextmanager
def serving(settings: Settings, timeout: float = 120) -> Iterator[str]:
    """`nexus serve` on the data directory and database of these settings; gives its address."""
    environment = os.environ | {
        "NEXUS_DATA_DIR": str(settings.data_dir),
        "NEXUS_MODELS_CACHE": str(settings.models_dir.resolve()),
        "NEXUS_HOST": "127.0.0.1",
        "NEXUS_PORT": "0",
        # All requests come from one address.
        "NEXUS_RATE_LIMIT_REQUESTS": "1000000/second",
    }
    if settings.database_url is not None:
        environment["NEXUS_DATABASE_URL"] = settings.database_url
    announced = settings.data_dir / "server.json"
    announced.unlink(missing_ok=True)  # of a server before, on the same data
    log = settings.data_dir / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "nexus", "serve"], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + timeout
    try:
        url = _wait(announced, process, log, deadline)
        _wait_until_idle(process.pid, deadline)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def server_pid(data_dir: Path) -> int:
    """The process of the server of a data directory."""
    return int(json.loads((data_dir / "server.json").read_text(encoding="utf-8"))["pid"])


def process_tree_mb(pid: int) -> float:
    """The resident memory of a process and of all its children (Linux)."""
    waiting, total = [str(pid)], 0
    while waiting:
        one = waiting.pop()
        try:
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                waiting += children.read_text(encoding="utf-8").split()
            total += int(Path(f"/proc/{one}/statm").read_text(encoding="utf-8").split()[1])
        except OSError:
            continue  # it has just ended
    return total * os.sysconf("SC_PAGE_SIZE") / 2**20


def server_cpu_seconds(data_dir: Path) -> float:
    """The processor time that the server of a data directory has used so far, without its children (Linux)."""
    return _cpu_seconds(server_pid(data_dir))


def _wait(announced: Path, process: "subprocess.Popen[bytes]", log: Path, deadline: float) -> str:
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailed(f"the server ended with status {process.returncode}:\n{log.read_text()[-3000:]}")
        if announced.is_file():
            url: str = json.loads(announced.read_text())["url"]
            try:
                if httpx.get(f"{url}/health/ready").is_success:
                    return url
            except httpx.TransportError:
                pass  # it is not listening yet
        time.sleep(0.2)
    raise ServerFailed(f"the server was not ready in time:\n{log.read_text()[-3000:]}")


def _wait_until_idle(pid: int, deadline: float) -> None:
    """Wait until the server has loaded what it loads after it is ready: the web app and the assistant."""
    quiet, before = 0, _cpu_seconds(pid)
    while quiet < 3 and time.monotonic() < deadline:
        time.sleep(1)
        now = _cpu_seconds(pid)
        quiet, before = (quiet + 1 if now - before < 0.1 else 0), now


def _cpu_seconds(pid: int) -> float:
    """What a process has used so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
