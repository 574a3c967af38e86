"""Work that takes long, on threads of its own, and server-sent events out of it."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import structlog
from pydantic import BaseModel

from core_api.infra.errors import NexusError

log = structlog.get_logger()
_T = TypeVar("_T")

# Answers being written at the same time in one process; more of them wait for their turn.
MOST_ANSWERS = 16
_PING_SECONDS = 15.0
# Between two looks whether whoever waits for a whole answer is still there.
_LOOK_SECONDS = 0.2
_DONE = object()


class AskerGone(NexusError):
    """Whoever asked did not wait for the answer; only the log sees it (the status is nginx's, no standard has one)."""

    status, code, title = 499, "asker_gone", "Whoever asked has gone"


def server_sent(name: str, data: BaseModel) -> str:
    """One event in the text/event-stream format (WHATWG HTML, 9.2)."""
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n"


async def on_thread(work: Callable[[], _T], stop: threading.Event, gone: Callable[[], Awaitable[bool]]) -> _T:
    """The result of `work()`, run on a thread of the assistant's own: a model may take long, and the threads that all
    other endpoints share must not wait for it.

    When `gone()` says that whoever waits has left, or this task is cancelled, `stop` is set. Raises AskerGone then,
    unless the work was done before it took notice; and what `work` raises.
    """
    run = contextvars.copy_context().run
    working = asyncio.get_running_loop().run_in_executor(_threads(), lambda: run(work))
    try:
        while not (await asyncio.wait({working}, timeout=_LOOK_SECONDS))[0]:
            if not stop.is_set() and await gone():
                stop.set()
    except asyncio.CancelledError:
        stop.set()
        raise
    if stop.is_set() and working.exception() is not None:
        raise AskerGone from working.exception()
    return working.result()


async def from_thread(
    work: Callable[[], Iterator[_T]], stop: threading.Event, failed: Callable[[NexusError], _T]
) -> AsyncIterator[_T | None]:
    """The items of `work()`, which runs on a thread; None now and then while there is none, to keep a connection open.

    An error ends the stream with `failed(error)`. When the consumer goes away, `stop` is set.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[object] = asyncio.Queue()

    def put(item: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, item)

    def produce() -> None:
        try:
            for item in work():
                put(item)
                if stop.is_set():
                    break
        except NexusError as error:
            put(failed(error))
        except Exception as error:
            if stop.is_set():  # nobody listens; the work was told to stop
                return
            log.exception("stream_failed", exc_info=error)
            put(failed(NexusError("The server met an error that it did not expect. Its log tells more.")))
        finally:
            put(_DONE)

    # With the context of the request, so that what is logged carries its id.
    _threads().submit(contextvars.copy_context().run, produce)
    try:
        while True:
            try:
                item = await asyncio.wait_for(queue.get(), _PING_SECONDS)
            except TimeoutError:
                yield None
                continue
            if item is _DONE:
                return
            yield item  # type: ignore[misc]
    finally:
        stop.set()


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(MOST_ANSWERS, thread_name_prefix="answer")
