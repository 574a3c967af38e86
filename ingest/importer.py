"""The client side of an import: uploads files to the API and follows them until they are indexed.

It knows the API only, over an httpx.AsyncClient that is signed in; whether that is a server far away or the same
process makes no difference.
"""

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ingest.api_client import Refused, request_json
from ingest.entries import (
    Entry,
    Problem,
    Selection,
    Unreadable,
    expand,
    file_entries,
    longer_paths,
    roots,
    without_doubles,
)
from ingest.parsers.limits import Limits

_API = "/api/v1"
_WINDOW = 16
_QUICK, _SLOW = 0.1, 1.0


@dataclass(frozen=True, slots=True)
class Found:
    """How much there is to do: files, and their size in bytes."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file is on the server; `outcome`: created, updated or unchanged."""

    path: str
    document_id: str
    outcome: str
    size: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """A document can be found; `chunks` is how many passages of it were indexed for that, 0 where it was indexed
    before and nothing has changed. Every file of an import ends with one `Indexed` or one `Failed`."""

    path: str
    document_id: str
    chunks: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A file was not imported or its document not indexed; `code` is stable, `message` says why and what to do.
    `document_id` is None when it did not come as far as the server."""

    path: str
    code: str
    message: str
    document_id: str | None = None


@dataclass(frozen=True, slots=True)
class Removed:
    """A watched file is gone, and its document with it."""

    path: str
    document_id: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an import: what became of the files, and how long it took in seconds."""

    created: int
    updated: int
    unchanged: int
    indexed: int
    failed: int
    chunks: int
    seconds: float


Event = Found | Uploaded | Indexed | Failed | Removed | Finished


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import: which files, how large archives may be, how many uploads at a time."""

    selection: Selection = field(default_factory=Selection)
    limits: Limits = field(default_factory=Limits)
    concurrency: int = 4


async def import_sources(
    client: httpx.AsyncClient, sources: Sequence[str], space_id: str, options: ImportOptions | None = None
) -> AsyncIterator[Event]:
    """Import folders, globs, files and zip archives into a space. Yields what happens as it happens: `Found` first,
    `Finished` last. A file that fails stops no other one."""
    options = options or ImportOptions()
    items: list[Entry | Problem] = []
    known: dict[str, int] = {}
    for source in sources:
        # Looking through a big folder takes a while; the caller's loop goes on meanwhile.
        named = await asyncio.to_thread(_expand, source, options)
        items += await _as_known(client, named, space_id, known)
    async for event in _import(client, list(without_doubles(items)), space_id, options):
        yield event


async def watch(
    client: httpx.AsyncClient, sources: Sequence[str], space_id: str, options: ImportOptions | None = None
) -> AsyncIterator[Event]:
    """Go on importing every change of what was imported: edits, new files, deletions. Ends when it is cancelled."""
    from watchfiles import Change, awatch

    options = options or ImportOptions()
    watched = roots(sources)
    if not watched:
        return
    async for changes in awatch(*(path for path, _ in watched), debounce=400, step=50, recursive=True):
        items: list[Entry | Problem] = []
        # Within one round the last state counts: editors write by deleting and renaming.
        for path in sorted({Path(name) for _, name in changes}):
            base = _base_of(path, watched)
            if base is None or not options.selection.takes(path.relative_to(base).as_posix()):
                continue
            if path.is_file():
                items += file_entries(path, base, options.limits, options.selection)
            elif any(change is Change.deleted and Path(name) == path for change, name in changes):
                relative = f"{base.name}/{path.relative_to(base).as_posix()}"
                async for event in _remove(client, [*longer_paths(path.as_posix(), relative), relative], space_id):
                    yield event
        if items:
            items = await _as_known(client, items, space_id, {})
            async for event in _import(client, items, space_id, options):
                yield event


def _base_of(path: Path, watched: Sequence[tuple[Path, Path]]) -> Path | None:
    for root, base in watched:
        if path == root or root in path.parents:
            return base
    return None


async def _import(
    client: httpx.AsyncClient, items: Sequence[Entry | Problem], space_id: str, options: ImportOptions
) -> AsyncIterator[Event]:
    started = time.monotonic()
    entries = [item for item in items if isinstance(item, Entry)]
    counts = {"created": 0, "updated": 0, "unchanged": 0}
    indexed = failed = chunks = 0
    yield Found(len(items), sum(entry.size for entry in entries))
    run = _Run(client, space_id, options)
    for item in items:
        if isinstance(item, Problem):
            failed += 1
            yield Failed(item.path, item.code, item.message)
    async for event in run.events(entries):
        match event:
            case Uploaded():
                counts[event.outcome] = counts.get(event.outcome, 0) + 1
            case Indexed():
                indexed += 1
                chunks += event.chunks
            case Failed():
                failed += 1
        yield event
    yield Finished(**counts, indexed=indexed, failed=failed, chunks=chunks, seconds=time.monotonic() - started)


class _Run:
    """One import on its way: some uploaders, and one that follows the documents on the server."""

    def __init__(self, client: httpx.AsyncClient, space_id: str, options: ImportOptions) -> None:
        self._client = client
        self._space_id = space_id
        self._options = options
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._pending: dict[str, str] = {}  # document id -> path, in the order of upload
        self._fatal: Refused | None = None
        self._uploading = True

    async def events(self, entries: Sequence[Entry]) -> AsyncIterator[Event]:
        work = asyncio.create_task(self._work(entries))
        try:
            while (event := await self._events.get()) is not None:
                yield event
            await work
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    async def _work(self, entries: Sequence[Entry]) -> None:
        follower = asyncio.create_task(self._follow())
        try:
            waiting = iter(entries)
            await asyncio.gather(*(self._upload_all(waiting) for _ in range(self._options.concurrency)))
            self._uploading = False
            await follower
        finally:
            follower.cancel()
            await self._events.put(None)

    async def _upload_all(self, waiting: Iterator[Entry]) -> None:
        for entry in waiting:
            try:
                if self._fatal is not None:
                    raise self._fatal
                await self._upload(entry)
            except Unreadable as error:
                await self._events.put(Failed(entry.path, error.code, str(error)))
            except OSError as error:
                message = f"It cannot be read: {error.strerror or error}."
                await self._events.put(Failed(entry.path, "unreadable", message))
            except Refused as error:
                if error.fatal:
                    self._fatal = error
                await self._events.put(Failed(entry.path, error.code, str(error)))

    async def _upload(self, entry: Entry) -> None:
        async def send() -> httpx.Response:
            with await asyncio.to_thread(entry.open) as content:
                return await self._client.post(
                    f"{_API}/documents/upload",
                    data={"space_id": self._space_id, "path": entry.path},
                    files={"file": (entry.filename, content)},
                )

        answer = await request_json(send)
        document = answer["document"]
        await self._events.put(Uploaded(entry.path, document["id"], answer["outcome"], entry.size))
        if not await self._settled(document, entry.path, before=True):
            self._pending[document["id"]] = entry.path

    async def _settled(self, document: dict[str, Any], path: str, *, before: bool = False) -> bool:
        """Whether a document has come to its end (`before` this import); then it is told."""
        index = document["index"]
        if index["status"] == "indexed":
            await self._events.put(Indexed(path, document["id"], 0 if before else index["chunk_count"]))
        elif index["status"] == "failed":
            message = index["error"] or "The server did not say why."
            await self._events.put(Failed(path, index["error_code"] or "failed", message, document["id"]))
        else:
            return False
        return True

    async def _follow(self) -> None:
        """Ask after the oldest pending documents: the server indexes them in that order."""
        pause = _QUICK
        while self._uploading or self._pending:
            done = 0
            for document_id, path in list(self._pending.items())[:_WINDOW]:
                try:
                    document = await request_json(
                        functools.partial(self._client.get, f"{_API}/documents/{document_id}")
                    )
                    settled = await self._settled(document, path)
                except Refused as error:
                    await self._events.put(Failed(path, error.code, str(error), document_id))
                    settled = True
                    if error.fatal:
                        await self._give_up(error, document_id)
                        break
                if settled:
                    done += 1
                    self._pending.pop(document_id, None)
            pause = _QUICK if done else min(_SLOW, pause * 1.5)
            if done < _WINDOW:
                await asyncio.sleep(pause)

    async def _give_up(self, error: Refused, told: str) -> None:
        self._fatal = error
        for document_id, path in self._pending.items():
            if document_id != told:
                await self._events.put(Failed(path, error.code, str(error), document_id))
        self._pending.clear()


def _expand(source: str, options: ImportOptions) -> list[Entry | Problem]:
    return list(expand(source, options.selection, options.limits))


async def _as_known(
    client: httpx.AsyncClient, items: Sequence[Entry | Problem], space_id: str, known: dict[str, int]
) -> list[Entry | Problem]:
    """The items of one named source with the paths under which the space knows them: who imports a part of a folder
    that was imported as a whole means the same documents. Asked for two of the files, and once per folder; `known`
    remembers how many folders its paths lack."""
    entries = [item for item in items if isinstance(item, Entry)]
    if not entries:
        return list(items)
    folder = entries[0].absolute.removesuffix(entries[0].path)
    if folder not in known:
        try:
            known[folder] = await _missing_folders(client, [entries[0], *entries[1:][-1:]], space_id)
        except Refused:
            return list(items)  # the uploads will say what is wrong
    return [item.deeper(known[folder]) if isinstance(item, Entry) else item for item in items]


async def _missing_folders(client: httpx.AsyncClient, probes: Sequence[Entry], space_id: str) -> int:
    for probe in probes:
        for path in probe.longer_paths():
            if await _find(client, path, space_id):
                return len(path.split("/")) - len(probe.path.split("/"))
    return 0


async def _find(client: httpx.AsyncClient, path: str, space_id: str) -> list[dict[str, Any]]:
    parameters = {"space_id": space_id, "path": path}
    found = await request_json(lambda: client.get(f"{_API}/documents", params=parameters))
    return list(found["items"])


async def _remove(client: httpx.AsyncClient, paths: Sequence[str], space_id: str) -> AsyncIterator[Event]:
    """Delete the document of a file that is gone; `paths` are those that it may have, the likeliest first."""
    try:
        for path in paths:
            if documents := await _find(client, path, space_id):
                for document in documents:
                    await request_json(functools.partial(client.delete, f"{_API}/documents/{document['id']}"))
                    yield Removed(path, document["id"])
                return
    except Refused as error:
        yield Failed(paths[-1], error.code, str(error))
