"""People who search: a company with all its indexes, made as the benchmark makes it, and keys to ask it with."""

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

_READABLE = 13


def make_searchers(settings: Settings, chunks: int, visitors: int) -> list[Visitor]:
    """Fill the data directory of these settings; gives people who may read 13 of 240 spaces each, different ones."""
    database = Database(settings.resolved_database_url)
    upgrade(database)
    company = Company(chunks)
    *groups, personal = company.readable(_READABLE)
    readable = [
        [*((group + shift) % company.groups for group in groups), personal + shift % (company.spaces - company.groups)]
        for shift in range(visitors)
    ]
    engine = RetrievalEngine.open(settings, database)
    try:
        engine.wait()
        filled = fill(database, engine, company, readable)
        with database.transaction() as session:
            keys = [
                create_api_key(session, asker.user_id, "load", [Scope.READ], timedelta(days=1))[1]
                for asker in filled.askers
            ]
    finally:
        engine.close()
        database.dispose()
    return [Visitor(key, asker.user_id, (), (), (), ()) for key, asker in zip(keys, filled.askers, strict=True)]
