"""Whose turn it is to embed: little work never waits, and of much work the smallest goes first."""

import threading
import time

from ingest.turns import EmbeddingTurns


def test_little_work_does_not_wait_for_an_import() -> None:
    turns = EmbeddingTurns()
    edited = threading.Event()
    with turns.turn(500):

        def edit() -> None:
            with turns.turn(3):
                edited.set()

        threading.Thread(target=edit).start()
        assert edited.wait(5)


def test_the_smallest_of_those_that_wait_goes_first() -> None:
    turns = EmbeddingTurns()
    order: list[int] = []

    def work(amount: int) -> None:
        with turns.turn(amount):
            order.append(amount)

    with turns.turn(1_000):
        threads = [threading.Thread(target=work, args=(amount,)) for amount in (300, 100, 200)]
        for waiting, thread in enumerate(threads, start=1):
            thread.start()
            while len(turns._waiting) < waiting:
                time.sleep(0.001)
    for thread in threads:
        thread.join(5)
    assert order == [100, 200, 300]
