"""Work on a thread becomes a stream of events, and stops when nobody listens."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from assistant.chat import streaming
from assistant.chat.streaming import from_thread, server_sent
from core_api.infra.errors import NexusError, Unavailable


class Word(BaseModel):
    text: str


def failed(error: NexusError) -> Word:
    return Word(text=f"failed: {error.detail}")


def collect(work: object, stop: threading.Event, most: int | None = None) -> list[Word | None]:
    async def run() -> list[Word | None]:
        items: list[Word | None] = []
        stream = from_thread(work, stop, failed)  # type: ignore[arg-type]
        async for item in stream:
            items.append(item)
            if most is not None and len(items) == most:
                break
        await stream.aclose()  # type: ignore[attr-defined]
        return items

    return asyncio.run(run())


def test_items_come_in_order_and_the_stream_ends() -> None:
    def work() -> Iterator[Word]:
        yield Word(text="one")
        yield Word(text="two")

    assert collect(work, threading.Event()) == [Word(text="one"), Word(text="two")]


@pytest.mark.parametrize(
    ("error", "says"),
    [(Unavailable("Loading."), "failed: Loading."), (RuntimeError("secret"), "failed: The server met")],
)
def test_an_error_is_the_last_item_and_gives_no_secrets_away(error: Exception, says: str) -> None:
    def work() -> Iterator[Word]:
        yield Word(text="one")
        raise error

    items = collect(work, threading.Event())
    assert items[0] == Word(text="one")
    assert items[1] is not None
    assert items[1].text.startswith(says)
    assert "secret" not in items[1].text


def test_the_work_is_told_to_stop_when_the_listener_goes() -> None:
    stop, ended = threading.Event(), threading.Event()

    def work() -> Iterator[Word]:
        try:
            while not stop.wait(0.01):
                yield Word(text="more")
        finally:
            ended.set()

    collect(work, stop, most=3)
    assert stop.is_set()
    assert ended.wait(5)


def test_a_silent_stream_is_kept_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_PING_SECONDS", 0.05)

    def work() -> Iterator[Word]:
        threading.Event().wait(0.3)
        yield Word(text="late")

    items = collect(work, threading.Event())
    assert items[0] is None
    assert items[-1] == Word(text="late")


def test_an_event_is_one_block_of_the_stream() -> None:
    assert server_sent("delta", Word(text="a\nb")) == 'event: delta\ndata: {"text":"a\\nb"}\n\n'
