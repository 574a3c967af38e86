"""Parsing in child processes, so that a hostile or broken file costs itself and nothing else.

A child is started when the first file comes, reused for the next, and replaced after a crash, a limit, many files or
much memory; idle ones are ended. It is a fresh interpreter (never a fork of this process, which holds threads, ONNX
Runtime and Chroma), has no credentials in its environment, a session of its own, limits on memory and file size, and
dies with this process.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from core_api.infra.errors import Unavailable
from ingest.parsers.limits import Limits
from ingest.sandbox_process import ChildEnded, EndedBefore, Oversized, ParserProcess, TimedOut, sweep
from ingest.types import Block, BlockKind, Parsed, ParseFailed

if TYPE_CHECKING:
    from core_api.infra.settings import Settings

_PARSE = "ingest.parsers:parse"
_MAX_FILES = 500  # parsed by one child before it is replaced
_MAX_IDLE_RESIDENT = 500 * 2**20  # bytes that a child may keep between files
_IDLE_SECONDS = 30.0


class Sandbox:
    """A pool of parser children; thread-safe. Up to `settings.ingest_threads` files are parsed at once, and one
    more, so that the relay's thread for edits never waits for a big file of an import.

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
        self._slots = threading.BoundedSemaphore(settings.ingest_threads + 1)
        self._lock = threading.Lock()
        self._idle: list[ParserProcess] = []
        self._busy: set[ParserProcess] = set()
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
                    except EndedBefore:
                        continue
                    keep = answer["resident_bytes"] < _MAX_IDLE_RESIDENT and answer.get("reason") != "out_of_memory"
                    return _parsed(answer, self._limits)
                except ChildEnded:
                    if self._closed:
                        raise Unavailable("The server is stopping; the file is read after the next start.") from None
                    raise child.failure(self._limits) from None
                except (KeyError, TypeError, ValueError, RecursionError) as error:  # no answer that our code sends
                    raise ParseFailed("malformed", "The file made the parser answer nonsense. Save it anew.") from error
                except TimedOut:
                    raise ParseFailed(
                        "timeout",
                        f"Reading the file took longer than {self._limits.timeout_seconds:.0f} s. "
                        "Split it, or raise NEXUS_PARSE_TIMEOUT_SECONDS.",
                    ) from None
                except Oversized:
                    raise ParseFailed(
                        "too_large",
                        f"The file holds more than {self._limits.output_chars:,} characters of text. "
                        "Split it, or raise NEXUS_PARSE_OUTPUT_CHARS.",
                    ) from None
                finally:
                    self._give_back(child, keep)
        raise Unavailable("The parser process ends before it reads a file. The server's log says why.")

    def close(self) -> None:
        """Kill the children; files being parsed fail with `Unavailable`."""
        with self._lock:
            self._closed = True
            idle, busy = [*self._idle], [*self._busy]
            self._idle.clear()
            keeper, self._keeper = self._keeper, None
        for child in idle:
            child.discard()
        for child in busy:  # their threads wait on their pipes, see them end, and discard them
            child.kill()
        if keeper is not None:
            keeper.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> ParserProcess:
        with self._lock:
            if self._closed:
                raise Unavailable("The server is stopping.")
            if self._idle:
                child = self._idle.pop()
                self._busy.add(child)
                return child
            if self._keeper is None:
                sweep()
                self._keeper = _Keeper(self._reap, interval=max(self._idle_seconds / 4, 0.05))
            keeper = self._keeper
        child = keeper.run(lambda: ParserProcess(self._parser, self._limits))
        with self._lock:
            self._busy.add(child)
            closed = self._closed
        if closed:
            child.kill()
        return child

    def _give_back(self, child: ParserProcess, keep: bool) -> None:
        with self._lock:
            self._busy.discard(child)
            if keep and child.files < self._max_files and not self._closed:
                child.idle_since = time.monotonic()
                self._idle.append(child)
                return
        child.discard()

    def _reap(self) -> None:
        """End children that have had nothing to do for a while."""
        with self._lock:
            oldest = time.monotonic() - self._idle_seconds
            tired = [child for child in self._idle if child.idle_since < oldest]
            self._idle = [child for child in self._idle if child.idle_since >= oldest]
        for child in tired:
            child.discard()


_Answer = queue.Queue[ParserProcess | BaseException]
_Start = tuple[Callable[[], ParserProcess], _Answer]


class _Keeper:
    """The one thread that starts children, since the kernel's death signal is sent when the *starting thread* ends;
    between starts it calls `tidy`."""

    def __init__(self, tidy: Callable[[], None], interval: float) -> None:
        self._tidy = tidy
        self._interval = interval
        self._work: queue.Queue[
            tuple[Callable[[], ParserProcess], queue.Queue[ParserProcess | BaseException]] | None
        ] = queue.Queue()
        self._thread = threading.Thread(target=self._loop, name="parser-keeper", daemon=True)
        self._thread.start()

    def run(self, start: Callable[[], ParserProcess]) -> ParserProcess:
        """Start a child on the keeper's thread."""
        answer: _Answer = queue.Queue()
        self._work.put((start, answer))
        child: ParserProcess | BaseException | None = None
        while child is None:
            try:
                child = answer.get(timeout=0.5)
            except queue.Empty:
                if not self._thread.is_alive():
                    raise Unavailable("The server is stopping.") from None
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


def _parsed(answer: dict[str, Any], limits: Limits) -> Parsed:
    if "reason" in answer:
        raise ParseFailed(str(answer["reason"]), str(answer["detail"]))
    blocks = tuple(
        Block(BlockKind(kind), str(text), int(level), None if page is None else int(page))
        for kind, text, level, page in answer["blocks"]
    )
    if sum(len(block.text) for block in blocks) > limits.output_chars:
        raise Oversized
    title, category = answer["title"], answer["category"]
    return Parsed(
        blocks,
        title=None if title is None else str(title),
        parser=str(answer["parser"]),
        notes=tuple(map(str, answer["notes"])),
        tags=tuple(map(str, answer["tags"])),
        category=None if category is None else str(category),
    )
