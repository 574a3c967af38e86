"""Parsing in child processes, so that a hostile or broken file costs itself and nothing else.

A child is started when the first file comes, reused for the next, and replaced after a crash, a limit, many files or
much memory; idle ones are ended. It is a fresh interpreter (never a fork of this process, which holds threads, ONNX
Runtime and Chroma), has no credentials in its environment, a session of its own, limits on memory and file size, and
dies with this process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import queue
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from core_api.infra.errors import Unavailable
from ingest.parsers.limits import Limits
from ingest.types import Block, BlockKind, Parsed, ParseFailed

if TYPE_CHECKING:
    from core_api.infra.settings import Settings

_log = logging.getLogger(__name__)

_PARSE = "ingest.parsers:parse"
_MAX_FILES = 500  # parsed by one child before it is replaced
_MAX_IDLE_RESIDENT = 500 * 2**20  # bytes that a child may keep between files
_IDLE_SECONDS = 30.0
_GRACE_SECONDS = 2.0  # beyond the time limit, for a parser that stops by itself to say so
_BYTES_PER_CHAR = 4  # UTF-8, with room for JSON around the text
_HEADER = struct.Struct(">I")


class _ChildEnded(Exception):
    """The child closed its end of the pipe."""


class _TimedOut(Exception):
    """The child did not answer in time."""


class _Oversized(Exception):
    """The child's answer is larger than any allowed text."""


class Sandbox:
    """A pool of parser children; thread-safe. Up to `settings.ingest_threads` files are parsed at once.

    `parser` names the function that runs in the child, `module:function` with the signature of `ingest.parsers.parse`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        parser: str = _PARSE,
        idle_seconds: float = _IDLE_SECONDS,
        max_files: int = _MAX_FILES,
    ) -> None:
        self._limits = Limits.from_settings(settings)
        self._parser = parser
        self._idle_seconds = idle_seconds
        self._max_files = max_files
        self._slots = threading.BoundedSemaphore(settings.ingest_threads)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()
        self._closed = False
        self._keeper: _Keeper | None = None

    def parse(self, path: Path, filename: str, media_type: str | None = None) -> Parsed:
        """Parse a file. Raises `ParseFailed` when it cannot be read, `Unavailable` when the sandbox is closed."""
        with self._slots:
            for _ in range(2):  # a child may have died while it was idle; that is not this file's fault
                child = self._take()
                keep = False
                try:
                    request = {"path": str(path.resolve()), "filename": filename, "media_type": media_type}
                    try:
                        answer = child.ask(request, self._limits)
                    except BrokenPipeError:
                        continue
                    keep = answer["resident_bytes"] < _MAX_IDLE_RESIDENT and answer.get("reason") != "out_of_memory"
                    return _parsed(answer, self._limits)
                except _ChildEnded:
                    if self._closed:
                        raise Unavailable("The server is stopping; the file is read after the next start.") from None
                    raise child.failure(self._limits) from None
                except _TimedOut:
                    raise ParseFailed(
                        "timeout",
                        f"Reading the file took longer than {self._limits.timeout_seconds:.0f} s. "
                        "Split it, or raise NEXUS_PARSE_TIMEOUT_SECONDS.",
                    ) from None
                except _Oversized:
                    raise ParseFailed(
                        "too_large",
                        f"The file holds more than {self._limits.output_chars:,} characters of text. "
                        "Split it, or raise NEXUS_PARSE_OUTPUT_CHARS.",
                    ) from None
                finally:
                    self._give_back(child, keep)
        raise Unavailable("The parser process cannot be started. The server's log says why.")

    def close(self) -> None:
        """Kill the children; files being parsed fail with `Unavailable`."""
        with self._lock:
            self._closed = True
            children = [*self._idle, *self._busy]
            self._idle.clear()
            keeper, self._keeper = self._keeper, None
        for child in children:
            child.kill()
        if keeper is not None:
            keeper.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> _Child:
        with self._lock:
            if self._closed:
                raise Unavailable("The server is stopping.")
            if self._idle:
                child = self._idle.pop()
                self._busy.add(child)
                return child
            if self._keeper is None:
                self._keeper = _Keeper(self._reap, interval=max(self._idle_seconds / 4, 0.05))
            keeper = self._keeper
        child = keeper.run(lambda: _Child(self._parser, self._limits))
        with self._lock:
            self._busy.add(child)
            closed = self._closed
        if closed:
            child.kill()
        return child

    def _give_back(self, child: _Child, keep: bool) -> None:
        with self._lock:
            self._busy.discard(child)
            if keep and child.files < self._max_files and not self._closed:
                child.idle_since = time.monotonic()
                self._idle.append(child)
                return
        child.kill()

    def _reap(self) -> None:
        """End children that have had nothing to do for a while."""
        with self._lock:
            oldest = time.monotonic() - self._idle_seconds
            tired = [child for child in self._idle if child.idle_since < oldest]
            self._idle = [child for child in self._idle if child.idle_since >= oldest]
        for child in tired:
            child.kill()


class _Keeper:
    """The one thread that starts children, since the kernel's death signal is sent when the *starting thread* ends;
    between starts it calls `tidy`."""

    def __init__(self, tidy: Callable[[], None], interval: float) -> None:
        self._tidy = tidy
        self._interval = interval
        self._work: queue.Queue[tuple[Callable[[], _Child], queue.Queue[_Child | BaseException]] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._loop, name="parser-keeper", daemon=True)
        self._thread.start()

    def run(self, start: Callable[[], _Child]) -> _Child:
        """Start a child on the keeper's thread."""
        answer: queue.Queue[_Child | BaseException] = queue.Queue()
        self._work.put((start, answer))
        child = answer.get()
        if isinstance(child, BaseException):
            raise child
        return child

    def stop(self) -> None:
        """End the thread."""
        self._work.put(None)
        self._thread.join(timeout=5)

    def _loop(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=self._interval)
            except queue.Empty:
                self._tidy()
                continue
            if work is None:
                return
            start, answer = work
            try:
                answer.put(start())
            except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
                answer.put(error)


class _Child:
    """One parser process, its pipes and its directory."""

    def __init__(self, parser: str, limits: Limits) -> None:
        self.files = 0
        self.idle_since = time.monotonic()
        self._lock = threading.Lock()
        self._killed = False
        self.directory = Path(tempfile.mkdtemp(prefix="nexus-sandbox-"))
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
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry and Path(entry).exists()),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            "HOME": str(self.directory),
            "TMPDIR": str(self.directory),
            # one file, one core: the second core belongs to the other child and to the embedding
            "OMP_NUM_THREADS": "1",
            "OMP_THREAD_LIMIT": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def ask(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """Send a request and wait for its answer. Raises `BrokenPipeError` when the child was dead already,
        `_ChildEnded` when it dies over the file, `_TimedOut`, `_Oversized`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        body = json.dumps(request).encode()
        if self.process.poll() is not None:
            raise BrokenPipeError
        self.process.stdin.write(_HEADER.pack(len(body)) + body)
        self.files += 1
        deadline = time.monotonic() + limits.timeout_seconds + _GRACE_SECONDS
        descriptor = self.process.stdout.fileno()
        size = _HEADER.unpack(_read(descriptor, _HEADER.size, deadline))[0]
        if size > limits.output_chars * _BYTES_PER_CHAR + 2**24:
            raise _Oversized
        answer: dict[str, Any] = json.loads(_read(descriptor, size, deadline))
        return answer

    def failure(self, limits: Limits) -> ParseFailed:
        """Why the child ended in the middle of a file, for a person; the log gets what it last printed."""
        status = self.process.wait(timeout=5)
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - 4000))
        said = self._errors.read().decode("utf-8", "replace")
        _log.warning("parser process ended with %s: %s", status, said[-2000:])
        if status == -signal.SIGKILL or "MemoryError" in said or "bad_alloc" in said:
            from ingest.sandbox_child import out_of_memory

            return ParseFailed("out_of_memory", out_of_memory(limits))
        return ParseFailed(
            "malformed", "The file made the parser crash, so it is damaged or built to do so. Save it anew and retry."
        )

    def kill(self) -> None:
        """End the process with everything that it started, and remove its directory."""
        with self._lock:
            if self._killed:
                return
            self._killed = True
        _kill_session(self.process.pid)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self.process.wait()
        self._errors.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def _read(descriptor: int, size: int, deadline: float) -> bytes:
    """Exactly `size` bytes before `deadline`."""
    data = bytearray()
    while len(data) < size:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise _TimedOut
        piece = os.read(descriptor, min(size - len(data), 2**20))
        if not piece:
            raise _ChildEnded
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


def _parsed(answer: dict[str, Any], limits: Limits) -> Parsed:
    if "reason" in answer:
        raise ParseFailed(str(answer["reason"]), str(answer["detail"]))
    blocks = tuple(
        Block(BlockKind(kind), str(text), int(level), None if page is None else int(page))
        for kind, text, level, page in answer["blocks"]
    )
    if sum(len(block.text) for block in blocks) > limits.output_chars:
        raise _Oversized
    title = answer["title"]
    notes = tuple(str(note) for note in answer["notes"])
    return Parsed(blocks, title=None if title is None else str(title), parser=str(answer["parser"]), notes=notes)
