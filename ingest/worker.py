"""Entry point of the Celery workers: `celery -A ingest.worker:celery_app worker` (with `NEXUS_REDIS_URL` set).

Each worker process has its own database connections, embedding model and parser child.
"""

import functools

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore
from ingest.indexing import Indexer
from ingest.pipeline import Pipeline
from ingest.sandbox import Sandbox
from ingest.tasks import create_celery
from retrieval.active_model import ServedModels
from retrieval.vectors import VectorStore

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
def _indexer_with(fingerprint: str) -> Indexer:
    embedder = _models().active()
    if embedder.fingerprint != fingerprint:  # another became active in this moment
        return _indexer_with(embedder.fingerprint)
    files = FileStore(_settings.files_dir)
    pipeline = Pipeline(_settings, _database(), embedder, _vectors(), _sandbox(), files)
    return Indexer(_settings, _database(), pipeline)


def _indexer() -> Indexer:
    return _indexer_with(_models().active().fingerprint)


celery_app = create_celery(_settings, _indexer)
