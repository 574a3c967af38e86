"""The data directory: made, checked, locked by one process at a time, and where its server can be reached."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from core_api.infra.errors import NexusError


class DataDirUnusable(NexusError):
    """The data directory cannot be made or written to."""

    status, code, title = 507, "data_dir_unusable", "The data directory cannot be used"


class DataDirLocked(NexusError):
    """Another process works on the data directory."""

    status, code, title = 503, "data_dir_locked", "The data directory is in use"


class RestoreUnfinished(NexusError):
    """A restore into the data directory began and did not come to its end."""

    status, code, title = 503, "restore_unfinished", "A restore was not finished"


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where the server of a data directory answers."""

    url: str
    pid: int


class DataDir:
    """A data directory. Whoever opens its indexes holds its lock: embedded Chroma allows one process only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / "lock", timeout=0)
        self._server_file = path / "server.json"
        self.restoring_file = path / "restoring"
        """There from the beginning of a restore to its end."""

    def prepare(self, *, to_restore: bool = False) -> None:
        """Make the directory. Raises DataDirUnusable, and unless it is `to_restore` RestoreUnfinished, with what to
        do."""
        if not to_restore:
            self.require_restored()
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            probe = self.path / ".probe"
            probe.write_bytes(b"x")
            probe.unlink()
        except OSError as error:
            raise DataDirUnusable(
                f"{self.path} cannot be written: {error.strerror}. "
                "Choose another place with --data-dir or NEXUS_DATA_DIR."
            ) from error

    def require_restored(self) -> None:
        """Raise RestoreUnfinished where a restore has begun and not ended."""
        if self.restoring_file.exists():
            raise RestoreUnfinished(
                f"A restore into {self.path} was not finished, so there is nothing in it that can be used. Run the "
                "same `nexus restore` (or `nexus migrate-to-server`) again: it begins anew."
            )

    def lock(self) -> None:
        """Take the lock until `unlock` or the end of the process. Raises DataDirLocked when another has it."""
        try:
            self._lock.acquire()
        except Timeout:
            server = self.running_server()
            who = f"a server at {server.url} (process {server.pid})" if server else "another nexus command"
            raise DataDirLocked(
                f"{self.path} is in use by {who}. Stop it or wait for its end, or use another --data-dir."
            ) from None

    def unlock(self) -> None:
        """Give the lock back, and forget the server."""
        if self._lock.is_locked:
            self._server_file.unlink(missing_ok=True)
            self._lock.release()

    def announce(self, url: str) -> None:
        """Tell other commands where this process serves; only the holder of the lock does."""
        temporary = self._server_file.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(RunningServer(url, os.getpid()))))
        temporary.replace(self._server_file)

    def running_server(self) -> RunningServer | None:
        """The server that was announced and whose process is still there."""
        try:
            server = RunningServer(**json.loads(self._server_file.read_text()))
            os.kill(server.pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return None
        except PermissionError:  # it runs as somebody else
            return server
        return server
