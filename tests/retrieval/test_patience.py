"""A server that hangs holds up the first who ask, and then one in a while; when it answers, everybody asks again."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

from core_api.infra.errors import Unavailable
from retrieval.patience import Patience

_SECONDS = 0.2


class Server:
    """Answers while `awake` is set."""

    def __init__(self) -> None:
        self.awake = threading.Event()
        self.asked = 0

    def double(self, number: int) -> int:
        self.asked += 1
        self.awake.wait(10)
        return 2 * number


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.awake.set()


@pytest.fixture
def patience(server: Server) -> Iterator[Patience]:
    with ThreadPoolExecutor(8) as pool:
        yield Patience("The server", pool, _SECONDS)
        server.awake.set()  # before the pool waits for its threads


def ask(patience: Patience, server: Server) -> int:
    return patience.answer(patience.ask(server.double, 21))


def test_who_comes_after_the_first_does_not_wait(patience: Patience, server: Server) -> None:
    with pytest.raises(Unavailable, match="The server has not answered"):
        ask(patience, server)
    for _ in range(50):
        began = time.monotonic()
        with pytest.raises(Unavailable, match="The server has not answered"):
            ask(patience, server)
        if time.monotonic() - began > _SECONDS / 2:  # its turn to look whether the server is back
            assert server.asked == 2
            break
    else:
        assert server.asked == 1


def test_one_looks_whether_it_is_back_and_then_all_ask_again(patience: Patience, server: Server) -> None:
    with pytest.raises(Unavailable):
        ask(patience, server)
    server.awake.set()
    with pytest.raises(Unavailable):  # nobody knows yet
        ask(patience, server)
    time.sleep(_SECONDS)
    assert ask(patience, server) == 42
    assert [ask(patience, server) for _ in range(20)] == [42] * 20


def test_what_asking_raises_comes_out_and_holds_up_nobody(patience: Patience, server: Server) -> None:
    server.awake.set()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            patience.answer(patience.ask(lambda: 1 // 0))
    assert ask(patience, server) == 42


def test_it_asks_in_the_context_of_the_caller(patience: Patience) -> None:
    name = ContextVar("name", default="nobody")
    name.set("kim")
    assert patience.answer(patience.ask(name.get)) == "kim"
