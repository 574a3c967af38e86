"""Entry point of the Celery workers: `celery -A ingest.worker:celery_app worker` (with `NEXUS_REDIS_URL` set).

Each worker process has its own database connections, embedding model and parser child.
"""

import functools
import time
from collections.abc import Sequence

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from ingest.indexing import Indexer
from ingest.pipeline import Pipeline
from ingest.queue import release
from ingest.sandbox import Sandbox
from ingest.sources import SourceKey
from ingest.tasks import create_celery
from retrieval.active_model import ServedModels
from retrieval.embedding import Embedder
from retrieval.vectors import VectorStore

_PAUSE_AFTER_ERROR = 2.0

_settings = Settings()


@functools.cache
def _database() -> Database:
    return Database(_settings.resolved_database_url)


@functools.cache
def _models() -> ServedModels:
    return ServedModels(_settings, _database())


@functools.cache
def _vectors() -> VectorStore:
    return VectorStore.open(_settings)


@functools.cache
def _sandbox() -> Sandbox:
    return Sandbox(_settings)


@functools.lru_cache(maxsize=1)
def _indexer(embedder: Embedder) -> Indexer:
    _settings.data_dir.mkdir(parents=True, exist_ok=True)
    pipeline = Pipeline(_settings, _database(), embedder, _vectors(), _sandbox(), open_files(_settings))
    return Indexer(_settings, _database(), pipeline)


def _index(keys: Sequence[SourceKey]) -> None:
    try:
        indexer = _indexer(_models().active())  # type: ignore[arg-type]  # objects are hashed by identity
    except Exception:
        # The model or a server is away, which is not the sources' fault: they come again, and not at once.
        time.sleep(_PAUSE_AFTER_ERROR)
        with _database().transaction() as session:
            release(session, keys)
        raise
    indexer.index(keys)


celery_app = create_celery(_settings, _index)
