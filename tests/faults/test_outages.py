"""A server that the product stands on goes away under load, and comes back."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster import Service
from tests.faults.installation import Installation

long = pytest.mark.skipif("NEXUS_TEST_OUTAGE" not in os.environ, reason="`make test-faults` does it")


@contextmanager
def away(service: Service, how: signal.Signals) -> Iterator[None]:
    """While it is away. It comes back whatever happens: the installation is needed by the next test."""
    service.stop(how)
    try:
        yield
    finally:
        service.start()


@contextmanager
def hanging(service: Service) -> Iterator[None]:
    """While it is there and says nothing."""
    process = service.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("how", [pytest.param(signal.SIGTERM, marks=long), signal.SIGKILL], ids=lambda how: how.name)
def test_without_redis_everything_goes_on_and_is_indexed_later(
    installation: Installation, outage: float, how: signal.Signals
) -> None:
    with installation.under_load(f"Redis {how.name}") as load:
        began = time.monotonic()
        with away(installation.cluster.redis, how):
            time.sleep(outage)
        assert load.kinds(began).keys() == {"ok"}  # nobody notices but by what is found late


def test_without_chroma_search_goes_by_what_is_in_memory_or_by_keywords_and_says_so(
    installation: Installation, outage: float
) -> None:
    cluster = installation.cluster
    cluster.environment["NEXUS_RESIDENT_VECTORS_BYTES"] = "0"
    forgetful = cluster.api()
    del cluster.environment["NEXUS_RESIDENT_VECTORS_BYTES"]
    question = {"query": "Who repairs the lamp after the storm?"}
    with installation.under_load("Chroma") as load:
        assert forgetful.post("/search", question)["mode"] == "hybrid"
        began = time.monotonic()
        with away(cluster.chroma, signal.SIGKILL):
            assert forgetful.post("/search", question)["mode"] == "keyword"
            time.sleep(outage)
            assert installation.api.post("/search", question)["mode"] == "hybrid"
        kinds = load.kinds(began)
    forgetful.service.stop()
    assert kinds["ok"] > 0
    assert all("Chroma" in says for says in load.says("unavailable"))  # semantic search was asked for


@long  # than what hangs is waited for
@pytest.mark.parametrize("name", ["redis", "chroma"])
def test_a_server_that_hangs_is_as_one_that_is_away(installation: Installation, outage: float, name: str) -> None:
    with installation.under_load(f"{name} hangs"), hanging(getattr(installation.cluster, name)):
        time.sleep(outage)


def test_without_postgresql_people_are_told_to_come_back(installation: Installation, outage: float) -> None:
    with installation.under_load("PostgreSQL") as load:
        began = time.monotonic()
        with away(installation.cluster.postgresql, signal.SIGINT):  # it ends the sessions at once
            time.sleep(outage)
        kinds = load.kinds(began)
    assert kinds["unavailable"] > 0
    assert all("database" in says for says in load.says("unavailable"))
