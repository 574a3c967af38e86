"""Server mode: PostgreSQL, a Chroma server, Redis, S3, a Celery worker and two servers of the API, each with a data
directory of its own."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core_api.infra.settings import Settings
from ingest import model_change
from retrieval.active_model import ModelSpec
from retrieval.types import Mode
from tests.databases import PostgresqlDatabases
from tests.ingest.site import Site, text_of, until
from tests.retrieval.test_embedding import make_model
from tests.services import ObjectStorage, chroma, redis, running

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def servers(
    tmp_path: Path, postgresql_databases: PostgresqlDatabases, model_cache: Path, s3: ObjectStorage
) -> Iterator[tuple[Site, Site]]:
    """Two servers, and one worker for both."""
    model = make_model(tmp_path / "model", "mean")
    tiny = ModelSpec(str(model), None, "fp32", False, ("en",))
    with ExitStack() as stack:
        settings = Settings(
            data_dir=tmp_path / "first",
            database_url=postgresql_databases.copy(),
            models_cache=model_cache,
            redis_url=stack.enter_context(redis(tmp_path)),
            chroma_url=stack.enter_context(chroma(tmp_path / "chroma")),
            log_level="error",
            **s3.settings(s3.make_bucket()),
        )
        environment = {**os.environ, "NEXUS_DATA_DIR": str(tmp_path / "worker"), "NEXUS_MODELS_CACHE": str(model_cache)}
        environment |= {"NEXUS_DATABASE_URL": str(settings.database_url), "NEXUS_REDIS_URL": str(settings.redis_url)}
        environment |= {"NEXUS_CHROMA_URL": str(settings.chroma_url)}
        environment |= {"NEXUS_STORAGE_URL": str(settings.storage_url), "NEXUS_STORAGE_ENDPOINT_URL": s3.endpoint}
        environment |= {"NEXUS_STORAGE_ACCESS_KEY": "key", "NEXUS_STORAGE_SECRET_KEY": "secret"}
        command = [sys.executable, "-m", "nexus", "worker"]
        stack.enter_context(running(command, cwd=ROOT, env=environment))
        sites = [Site(settings, tiny), Site(settings.model_copy(update={"data_dir": tmp_path / "second"}), tiny)]
        yield sites[0], sites[1]
        for site in sites:
            site.close()


def test_the_model_changes_while_a_worker_indexes(servers: tuple[Site, Site]) -> None:
    first, second = servers
    for number in range(6):
        first.put(f"{number}.md", text_of(number))
    first.idle()  # the relays only send: the worker did it
    assert first.found("travel costs", Mode.SEMANTIC)
    first.begin()
    first.ready()
    new, old = first.change().model_id, first.change().previous_id
    # Whoever of the two has built goes; the other follows.
    builder, other = (first, second) if first.change().builder == first.runtime.follower._name else (second, first)
    builder.runtime.follower.stop()
    first.put("3.md", text_of(3, "A word that is new: okapi."))
    first.idle()
    other.follows(new)

    stop, written = threading.Event(), [0]

    def import_without_end() -> None:
        while not stop.wait(0.1 if first.waiting() > 16 else 0):
            first.put(f"bulk/{written[0]}.md", f"# Bulk {written[0]}\n\nIt is written by the team.")
            written[0] += 1

    importer = threading.Thread(target=import_without_end)
    importer.start()
    try:
        before = len(first.chunks())
        until(lambda: len(first.chunks()) > before)
        first.turn(model_change.flip)
        assert first.engine.embedder.dimensions == 32
        until(lambda: second.engine.embedder.dimensions == 32, 10)
        before = len(first.chunks())
        until(lambda: len(first.chunks()) > before)  # the worker goes on, with the new model
    finally:
        stop.set()
        importer.join()
    first.idle()
    assert len({id_.split(":")[1] for id_ in first.chunks()}) == 6 + written[0]
    assert first.vectors_of(new) == first.chunks()
    other.follows(old)
    assert second.found("travel costs", Mode.SEMANTIC)
