"""Workers end in the middle of their work: killed, or asked to stop."""

import signal
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core_api.models import IndexState, OutboxEvent, utcnow
from ingest.work import WRITING
from tests.cluster import until
from tests.faults.conftest import LEASE_SECONDS
from tests.faults.installation import Installation


@pytest.fixture
def long_work(installation: Installation) -> Callable[[str], str]:
    """Gives a worker a document that takes seconds to embed; returns its id while it is at it."""

    def put(name: str) -> str:
        sections = (
            f"## Rule {n} of {name}\n\nWhoever travels for {name} by route {n} asks for {n} euros before, in writing. "
            * 8
            for n in range(64)
        )
        text = f"# Rules of {name}\n\n" + "\n\n".join(sections)
        document = installation.api.put(installation.space, f"long/{name}.md", text)
        until(lambda: is_writing(installation, document), 120)
        return document

    return put


def is_writing(installation: Installation, document: str) -> bool:
    with installation.cluster.database.reading() as session:
        state = session.get(IndexState, ("document", document))
        return state is not None and state.pipeline.startswith(WRITING)


def begun(installation: Installation) -> int:
    """How many events a worker holds that has begun with them."""
    with installation.cluster.database.reading() as session:
        # Longer than what a relay has only sent: it may have done so again at once.
        held = OutboxEvent.leased_until > utcnow() + timedelta(seconds=LEASE_SECONDS / 4), OutboxEvent.tries > 0
        return session.scalar(select(func.count(OutboxEvent.id)).where(*held)) or 0


def test_what_a_killed_worker_had_at_hand_is_taken_up_by_another(
    installation: Installation, long_work: Callable[[str], str]
) -> None:
    with installation.under_load("worker SIGKILL"):
        long_work("killed")
        installation.worker.stop(signal.SIGKILL)
        installation.worker = installation.cluster.worker()


def test_a_worker_without_time_to_finish_hands_back_what_is_at_hand(
    installation: Installation, long_work: Callable[[str], str]
) -> None:
    cluster = installation.cluster
    # The one that the installation has meanwhile has half a minute, which is enough to finish.
    assert installation.worker.stop(signal.SIGTERM) == 0
    assert begun(installation) == 0
    cluster.environment["NEXUS_WORKER_STOP_SECONDS"] = "0.5"
    hasty = cluster.worker()
    del cluster.environment["NEXUS_WORKER_STOP_SECONDS"]
    with installation.under_load("worker SIGTERM without time to finish"):
        document = long_work("handed back")
        assert hasty.stop(signal.SIGTERM) == 0
        assert is_writing(installation, document)
        assert begun(installation) == 0
        installation.worker = cluster.worker()
