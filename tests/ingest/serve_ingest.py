"""A process that ingests, for tests that kill it: `python -m tests.ingest.serve_ingest DATA_DIR MODELS`."""

import sys
import time
from pathlib import Path

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from ingest.runtime import IngestRuntime
from retrieval.engine import RetrievalEngine


def main() -> None:
    settings = Settings(data_dir=Path(sys.argv[1]), models_cache=Path(sys.argv[2]))
    database = Database(settings.resolved_database_url)
    engine = RetrievalEngine.open(settings, database)
    runtime = IngestRuntime(settings, database, engine)
    runtime.start()
    print("started", flush=True)
    runtime.wait_idle(120)
    print("idle", flush=True)
    time.sleep(120)


if __name__ == "__main__":
    main()
