"""One parser process as its parent sees it: started without secrets, asked through pipes, killed with its programs."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ingest.parsers.limits import Limits
from ingest.types import ParseFailed

_log = logging.getLogger(__name__)

_GRACE_SECONDS = 2.0  # beyond the time limit, for a parser that stops by itself to say so
_BYTES_PER_CHAR = 4  # UTF-8, with room for JSON around the text
_START_SECONDS = 60.0  # for a fresh interpreter on a machine under load
_LOG_TAIL = 2000  # bytes of what a crashed parser printed
_DIRECTORY = "nexus-sandbox-"  # followed by the owner's process id
_HEADER = struct.Struct(">I")


class EndedBefore(Exception):
    """The child had ended before it was given the file."""


class ChildEnded(Exception):
    """The child ended over the file."""


class TimedOut(Exception):
    """The child did not answer in time."""


class Oversized(Exception):
    """The child's answer is larger than any allowed text."""


class ParserProcess:
    """One parser process, its pipes and its directory."""

    def __init__(self, parser: str, limits: Limits) -> None:
        self.files = 0
        self.idle_since = time.monotonic()
        self.directory = Path(tempfile.mkdtemp(prefix=f"{_DIRECTORY}{os.getpid()}-"))
        self._errors = (self.directory / "stderr.log").open("w+b")
        arguments = [str(os.getpid()), parser, json.dumps(dataclasses.asdict(limits))]
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", "ingest.sandbox_child", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=self.directory,
            env=self._environment(),
            start_new_session=True,
            bufsize=0,
        )

    def _environment(self) -> dict[str, str]:
        """All that a parser may know of its surroundings; nothing of ours is inherited."""
        return {
            "PATH": os.pathsep.join(os.get_exec_path()),
            "PYTHONPATH": os.pathsep.join(str(Path(entry or ".").resolve()) for entry in sys.path),
            "LANG": "C.UTF-8",
            "HOME": str(self.directory),
            "TMPDIR": str(self.directory),
            # one file, one core: the second core belongs to the other child and to the embedding
            "OMP_NUM_THREADS": "1",
            "OMP_THREAD_LIMIT": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def ask(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """Send a request and wait for its answer. Raises `EndedBefore`, `ChildEnded`, `TimedOut`, `Oversized`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        body = json.dumps(request).encode()
        try:
            if self.files == 0:  # the first frame says that the child has started
                _read_frame(descriptor, 2**16, time.monotonic() + _START_SECONDS)
            self._errors.seek(0)
            self._errors.truncate()
            self.process.stdin.write(_HEADER.pack(len(body)) + body)
        except (BrokenPipeError, ChildEnded, TimedOut) as error:
            _log.error("the parser process did not start or is gone: %s", self._said())
            raise EndedBefore from error
        self.files += 1
        deadline = time.monotonic() + limits.timeout_seconds + _GRACE_SECONDS
        return _read_frame(descriptor, limits.output_chars * _BYTES_PER_CHAR + 2**24, deadline)

    def failure(self, limits: Limits) -> ParseFailed:
        """Why the child ended in the middle of a file, for a person; the log gets what it last printed."""
        try:
            status: int | None = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # it closed the pipe and lives on
            status = None
        said = self._said()
        _log.warning("parser process ended with %s: %s", status, said)
        if status == -signal.SIGKILL or "MemoryError" in said or "bad_alloc" in said:
            from ingest.sandbox_child import out_of_memory

            return ParseFailed("out_of_memory", out_of_memory(limits))
        return ParseFailed(
            "malformed", "The file made the parser crash, so it is damaged or built to do so. Save it anew and retry."
        )

    def kill(self) -> None:
        """End the process with everything that it started."""
        if self.process.poll() is None:
            _kill_session(self.process.pid)

    def discard(self) -> None:
        """End the process, close its pipes and remove its directory. Only the thread that holds it may do this."""
        _kill_session(self.process.pid)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self.process.wait()
        self._errors.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _said(self) -> str:
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - _LOG_TAIL))
        return self._errors.read().decode("utf-8", "replace")


def sweep() -> None:
    """Remove the directories of servers that were killed before they could."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_DIRECTORY}*-*"):
        owner = directory.name.removeprefix(_DIRECTORY).split("-")[0]
        if owner.isdigit():
            try:
                os.kill(int(owner), 0)
            except ProcessLookupError:
                shutil.rmtree(directory, ignore_errors=True)
            except PermissionError:  # alive, and another user's
                continue


def _read_frame(descriptor: int, largest: int, deadline: float) -> dict[str, Any]:
    size = _HEADER.unpack(_read(descriptor, _HEADER.size, deadline))[0]
    if size > largest:
        raise Oversized
    message: dict[str, Any] = json.loads(_read(descriptor, size, deadline))
    return message


def _read(descriptor: int, size: int, deadline: float) -> bytes:
    """Exactly `size` bytes before `deadline`."""
    poll = select.poll()  # select() itself refuses descriptors from 1024
    poll.register(descriptor, select.POLLIN | select.POLLHUP)
    data = bytearray()
    while len(data) < size:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimedOut
        piece = os.read(descriptor, min(size - len(data), 2**20))
        if not piece:
            raise ChildEnded
        data += piece
    return bytes(data)


def _kill_session(leader: int) -> None:
    """Kill every process of a child's session: external programs have process groups of their own in it."""
    groups = {leader}
    with contextlib.suppress(OSError):
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    # after the name in parentheses: state, parent, group, session
                    fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                    if int(fields[3]) == leader:
                        groups.add(int(fields[2]))
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
