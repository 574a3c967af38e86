"""The pipeline on PostgreSQL: the same behaviour, with writers that are not alone."""

import threading
from collections.abc import Iterator

import pytest

from core_api.infra.database import Database
from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from core_api.models import IndexStatus, OutboxEvent
from ingest import queue
from ingest.sandbox import Sandbox
from ingest.sources import SourceKey
from retrieval.embedding import Embedder
from tests.databases import PostgresqlDatabases
from tests.ingest.house import CountingEmbedder, House

SECTION = "Requests are reviewed within ten days. Answers come in writing. Appeals go to the board of the office. " * 5


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory,
    postgresql_databases: PostgresqlDatabases,
    embedder: Embedder,
    sandbox: Sandbox,
) -> Iterator[House]:
    """A house over PostgreSQL, one for all tests here."""
    url = postgresql_databases.copy()
    settings = Settings(data_dir=tmp_path_factory.mktemp("house"), database_url=url, ingest_max_tries=2)
    built = House(settings, Database(url), CountingEmbedder(embedder), sandbox)
    yield built
    built.close()


def page(*numbers: int) -> str:
    return "\n\n".join(f"## Part {n}\n\nPart {n}. {SECTION}" for n in numbers)


def test_documents_are_indexed_edited_moved_and_deleted(house: House) -> None:
    document = house.put("a.md", page(1, 2, 3))
    other = house.put("b.md", "An odd\x00 \ud83d\ude00 text.".encode("utf-16", "surrogatepass").decode("utf-16"))
    house.index()
    house.embedder.passages = []
    house.put("a.md", page(1, 2, 4))
    house.index()
    assert len(house.embedder.passages) == 1
    house.change(document, space=house.make_space("Other"))
    house.index()
    house.assert_consistent()
    house.delete(document)
    house.index()
    assert house.document(document) is None
    assert house.state(other).status == IndexStatus.INDEXED
    assert house.reconcile().consistent
    house.assert_consistent()


def test_a_change_during_the_work_is_not_lost(house: House) -> None:
    document = house.put("c.md", page(1))
    house.embedder.before = threading.Event()
    house.embedder.started.clear()
    worker = threading.Thread(target=house.index)
    worker.start()
    assert house.embedder.started.wait(30)
    house.put("c.md", page(7, 8))
    house.embedder.before.set()
    worker.join(60)
    assert house.state(document).indexed_version == 2
    assert house.events() == []
    house.assert_consistent()


def test_what_fails_is_put_off_and_parked(house: House) -> None:
    document = house.put("d.md", page(11))
    house.embedder.error = Unavailable("Away.")
    for _ in range(2):
        house.index()
        with house.database.transaction() as session:
            session.query(OutboxEvent).update({"available_at": OutboxEvent.created_at})
    house.embedder.error = None
    assert house.state(document).status == IndexStatus.FAILED
    with house.database.transaction() as session:
        queue.unpark(session)
    house.index()
    assert house.state(document).status == IndexStatus.INDEXED


def test_two_workers_never_get_the_same_source(house: House) -> None:
    expected = {SourceKey("document", house.put(f"many/{n}.md", f"Number {n}.")) for n in range(60)}
    claimed: list[SourceKey] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        while True:
            with house.database.transaction() as session:
                keys = queue.claim(session, 4, 3)
            if not keys:
                return
            claimed.extend(keys)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(claimed) == 60
    assert set(claimed) == expected
    with house.database.transaction() as session:
        queue.release(session, claimed)
    house.index()
    house.assert_consistent()
