"""A process that indexes and changes the embedding model, for tests that kill it."""

import time

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from ingest.runtime import IngestRuntime
from retrieval.engine import RetrievalEngine

if __name__ == "__main__":
    settings = Settings()
    database = Database(settings.resolved_database_url)
    engine = RetrievalEngine.open(settings, database)
    runtime = IngestRuntime(settings, database, engine)
    runtime.start()
    print("started", flush=True)
    while True:
        time.sleep(1)
