"""Workers end in the middle of their work: killed, or asked to stop."""

import signal
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from core_api.models import IndexState, OutboxEvent
from ingest.work import WRITING
from tests.cluster import until
from tests.faults.installation import Installation


@pytest.fixture
def long_work(installation: Installation) -> Callable[[str], None]:
    """Gives a worker a document that takes seconds to embed; returns while it is at it."""

    def put(name: str) -> None:
        sections = (
            f"## Rule {n} of {name}\n\nWhoever travels for {name} by route {n} asks for {n} euros before, in writing. "
            * 8
            for n in range(400)
        )
        installation.api.put(installation.space, f"long/{name}.md", f"# Rules of {name}\n\n" + "\n\n".join(sections))
        until(lambda: is_writing(installation), 60)

    return put


def is_writing(installation: Installation) -> bool:
    with installation.cluster.database.reading() as session:
        writing = select(func.count()).where(IndexState.pipeline.startswith(WRITING), IndexState.chunk_count == 0)
        return bool(session.scalar(writing))


def test_what_a_killed_worker_had_at_hand_is_taken_up_by_another(
    installation: Installation, long_work: Callable[[str], None]
) -> None:
    with installation.under_load("worker SIGKILL"):
        long_work("killed")
        installation.worker.stop(signal.SIGKILL)
        installation.worker = installation.cluster.worker()


def test_a_worker_that_is_asked_to_stop_finishes_what_is_at_hand(
    installation: Installation, long_work: Callable[[str], None]
) -> None:
    with installation.under_load("worker SIGTERM"):
        long_work("stopped")
        ended = installation.worker.stop(signal.SIGTERM)
        assert ended == 0
        assert not is_writing(installation)
        installation.worker = installation.cluster.worker()


def test_a_worker_without_time_to_finish_hands_back_what_is_at_hand(
    installation: Installation, long_work: Callable[[str], None]
) -> None:
    cluster = installation.cluster
    with installation.under_load("worker SIGTERM, no time"):
        installation.worker.stop()
        cluster.environment["NEXUS_WORKER_STOP_SECONDS"] = "0.5"
        hasty = cluster.worker()
        del cluster.environment["NEXUS_WORKER_STOP_SECONDS"]
        long_work("handed")
        assert hasty.stop(signal.SIGTERM, 20) == 0
        assert is_writing(installation)
        with cluster.database.reading() as session:
            begun = OutboxEvent.leased_until.is_not(None), OutboxEvent.tries > 0
            assert session.scalar(select(func.count()).where(*begun)) == 0
        installation.worker = cluster.worker()
