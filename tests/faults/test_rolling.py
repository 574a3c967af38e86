"""A new version starts over the database of the one before, and the one before over that of a new one."""

import io
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, func, select, text

from core_api.domains.documents import service as documents
from core_api.domains.spaces.service import create_space
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.migrate import newest_revision, revision_of, upgrade
from core_api.infra.storage import open_files
from core_api.models import Space, SpaceKind, User
from nexus.owner import open_database, owner_key
from tests.cluster import Cluster, cluster


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, model_cache: Path) -> Iterator[Cluster]:
    """PostgreSQL, Redis and Chroma, and no process of the product."""
    with cluster(tmp_path_factory.mktemp("rolling") / "installation", model_cache) as made:
        yield made


def new_database(servers: Cluster, name: str) -> str:
    server = create_engine(servers.settings.resolved_database_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    url = servers.settings.resolved_database_url.rsplit("/", 1)[0] + f"/{name}"
    servers.environment["NEXUS_DATABASE_URL"] = url
    return url


def downgrade(database: Database, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", "core_api:migrations")
    config.set_main_option("path_separator", "os")
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def test_processes_that_start_at_once_over_nothing_make_one_owner(servers: Cluster) -> None:
    settings = servers.settings.model_copy(update={"database_url": new_database(servers, "fresh")})
    with ThreadPoolExecutor(4) as pool:
        databases = list(pool.map(lambda _: open_database(settings), range(4)))
    with databases[0].reading() as session:
        assert session.scalar(select(func.count(User.id))) == 1
        assert session.scalar(select(func.count(Space.id)).where(Space.kind == SpaceKind.COMPANY)) == 1
    for database in databases:
        database.dispose()


def test_a_new_version_takes_over_an_old_schema(servers: Cluster) -> None:
    newest = newest_revision()
    before = f"{int(newest) - 1:04d}"
    database = Database(new_database(servers, "old"))
    upgrade(database)
    with database.transaction() as session:
        owner, _ = ensure_owner(session)
        space = create_space(session, owner, "Before", SpaceKind.TEAM).id
    files = open_files(servers.settings)
    for number in range(8):
        stored = files.put(io.BytesIO(f"# Old page {number}\n\nThe lamp of house {number} is green.".encode()), 10**6)
        content = documents.Content(stored, f"{number}.md", "text/markdown")
        with database.transaction() as session:
            documents.put_document(session, owner, space, content, path=f"{number}.md")
    servers.token = owner_key(database, timedelta(hours=1), "tests")
    downgrade(database, before)  # filled by this version, which knows no schema but its own
    assert revision_of(database) == before

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: servers.api(), range(2))
    assert revision_of(database) == newest
    worker = servers.worker()
    first.idle()
    for api in (first, second):
        assert len(api.get("/documents", params={"space_id": space})["items"]) == 8
        assert "Old page 3" in api.found("the lamp of house 3")
    first.put(space, "3.md", "# Old page 3\n\nThe lamp of house 3 is blue by now.")
    first.idle()
    assert first.post("/index/reconcile")["consistent"]
    worker.stop()

    # The version that knows the schema before comes back.
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    ended = servers.run("worker")
    assert ended.returncode == 1
    assert "The database is at schema 9999" in ended.stderr
    assert "Start the newer version" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(second.get("/documents", params={"space_id": space})["items"]) == 8  # who runs goes on
    database.dispose()


def test_the_doctor_says_what_is_away_and_does_not_hang(servers: Cluster) -> None:
    for service in (servers.redis, servers.chroma, servers.postgresql):
        service.stop(signal.SIGINT)
    ended = servers.run("doctor", "--json", timeout=120)
    states = {finding["part"]: finding for finding in json.loads(ended.stdout)}
    assert ended.returncode == 1
    for part in ("database", "chroma", "redis", "workers", "beat"):
        assert states[part]["state"] == "failed", part
        assert states[part]["todo"]
        assert "\n" not in states[part]["found"]
    started = servers.run("worker", timeout=120)
    assert started.returncode == 1
    assert "does not answer" in started.stderr
    assert "Traceback" not in started.stderr
