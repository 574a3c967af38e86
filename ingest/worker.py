"""Entry point of the Celery workers: `celery -A ingest.worker:celery_app worker` (with `NEXUS_REDIS_URL` set).

Each worker process has its own database connections, embedding model and parser child.
"""

import functools

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore
from ingest.indexing import Indexer
from ingest.tasks import create_celery

_settings = Settings()


@functools.cache
def _indexer() -> Indexer:
    from ingest.pipeline import Pipeline
    from ingest.sandbox import Sandbox
    from retrieval.embedding import load_embedder
    from retrieval.vectors import VectorStore

    database = Database(_settings.resolved_database_url)
    pipeline = Pipeline(
        _settings,
        database,
        load_embedder(_settings),
        VectorStore.open(_settings),
        Sandbox(_settings),
        FileStore(_settings.files_dir),
    )
    return Indexer(_settings, database, pipeline)


celery_app = create_celery(_settings, _indexer)
