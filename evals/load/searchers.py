"""People who search: a company with all its indexes, made as the benchmark makes it, and keys to ask it with."""

import json
from datetime import timedelta

from core_api.auth.api_keys import create_api_key
from core_api.auth.permissions import Scope
from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.infra.settings import Settings
from evals.bench.filling import fill
from evals.bench.synthetic import Company
from evals.load.company import Visitor
from retrieval.engine import RetrievalEngine

_KEYS = "searchers.json"
_LIFETIME = timedelta(days=30)


def make_searchers(settings: Settings, company: Company, readable: int, visitors: int) -> list[Visitor]:
    """Fill the data directory of these settings; gives people who may read `readable` spaces each, different ones. A
    directory that was filled before is taken as it is, with its people."""
    kept = settings.data_dir / _KEYS
    if kept.is_file():
        return [Visitor(key, user_id, (), (), (), ()) for key, user_id in json.loads(kept.read_text(encoding="utf-8"))]
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.resolved_database_url)
    upgrade(database)
    *groups, personal = company.readable(readable)
    spaces = [
        [*((group + shift) % company.groups for group in groups), personal + shift % (company.spaces - company.groups)]
        for shift in range(visitors)
    ]
    engine = RetrievalEngine.open(settings, database)
    try:
        engine.wait()
        filled = fill(database, engine, company, spaces)
        with database.transaction() as session:
            keys = [
                (create_api_key(session, asker.user_id, "load", [Scope.READ], _LIFETIME)[1], asker.user_id)
                for asker in filled.askers
            ]
    finally:
        engine.close()
        database.dispose()
    kept.write_text(json.dumps(keys), encoding="utf-8")
    return [Visitor(key, user_id, (), (), (), ()) for key, user_id in keys]
