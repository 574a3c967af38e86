"""What people see of the index over HTTP, and what an admin can do about it."""

import os
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from core_api.infra.errors import Unavailable
from core_api.models import AuditEvent, Chunk, IndexModel, OutboxEvent
from ingest.endpoints import router
from ingest.runtime import IngestRuntime
from retrieval.carrying import read_file
from retrieval.engine import RetrievalEngine
from tests.applications import application
from tests.factories import bearer, make_user
from tests.ingest.house import House

STATUS = "/api/v1/index/status"


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    """The API signed in as the owner; what waits is indexed when a test says so."""
    app = application(house.settings, house.database, [router])
    engine = RetrievalEngine(house.embedder, house.vectors, house.keywords, house.settings)  # type: ignore[arg-type]
    app.state.engine = engine
    app.state.ingest = IngestRuntime(house.settings, house.database, engine)
    with TestClient(app) as client:
        client.headers.update(bearer(house.database, house.owner))
        yield client


def stranger(house: House) -> dict[str, str]:
    return bearer(house.database, make_user(house.database))


def test_the_status_counts_sources_by_how_far_they_have_come(house: House, client: TestClient) -> None:
    house.put("good.md", "Fine.")
    house.put("broken.pdf", b"%PDF-1.4 broken")
    waiting = client.get(STATUS).json()
    assert waiting["sources"] == {"pending": 2, "indexed": 0, "failed": 0, "parked": 0}
    assert waiting["queue"]["waiting"] == 2
    assert waiting["queue"]["oldest_seconds"] >= 0
    house.index()
    done = client.get(STATUS).json()
    assert done["sources"] == {"pending": 0, "indexed": 1, "failed": 1, "parked": 0}
    assert done["chunks"] == 1
    assert done["keyword_lag"] == 1
    assert done["embedding"]["dimensions"] == 384
    (failure,) = done["failures"]
    assert failure["title"] == "broken"
    assert failure["error_code"]
    assert failure["error"]
    assert failure["parked"] is False


def test_parked_sources_are_shown_with_their_error_and_retried(house: House, client: TestClient) -> None:
    document = house.put("a.md", "Text.")
    house.embedder.error = Unavailable("The embedding server does not answer.")
    for _ in range(house.settings.ingest_max_tries):
        house.index()
        with house.database.transaction() as session:
            session.execute(update(OutboxEvent).values(available_at=OutboxEvent.created_at))
    status = client.get(STATUS).json()
    assert status["sources"]["parked"] == status["queue"]["parked"] == 1
    (failure,) = status["failures"]
    assert (failure["source_id"], failure["tries"], failure["parked"]) == (document, 3, True)
    assert failure["error"] == "The embedding server does not answer."

    house.embedder.error = None
    assert client.post("/api/v1/index/retry", json={"source_id": document}).json() == {"requeued": 1}
    house.index()
    assert client.get(STATUS).json()["sources"]["indexed"] == 1


def test_failures_come_in_pages(house: House, client: TestClient) -> None:
    for n in range(5):
        house.put(f"{n}.pdf", b"%PDF-1.4 broken")
    house.index()
    seen: list[str] = []
    cursor = None
    while True:
        page = client.get(STATUS, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [failure["source_id"] for failure in page["failures"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(seen) == len(set(seen)) == 5


def test_others_see_nothing_of_spaces_that_they_may_not_read(house: House, client: TestClient) -> None:
    house.put("good.md", "Fine.")
    house.put("secret merger plan.pdf", b"%PDF-1.4 broken")
    house.index()
    house.put("waiting.md", "Later.")
    status = client.get(STATUS, headers=stranger(house)).json()
    assert status["sources"] == {"pending": 0, "indexed": 0, "failed": 0, "parked": 0}
    assert (status["chunks"], status["failures"], status["queue"]["waiting"]) == (0, [], 0)


@pytest.mark.parametrize("action", ["reconcile", "reindex", "retry"])
def test_only_an_admin_may_act(house: House, client: TestClient, action: str) -> None:
    assert client.post(f"/api/v1/index/{action}", headers=stranger(house)).status_code == 403
    client.headers.pop("Authorization")
    assert client.post(f"/api/v1/index/{action}").status_code == 401


def test_an_admin_reconciles_and_reindexes(house: House, client: TestClient) -> None:
    document = house.put("a.md", "Text.")
    house.index()
    (collection,) = house.vectors.collections()
    house.vectors.drop(collection)
    report = client.post("/api/v1/index/reconcile").json()
    assert (report["missing_vectors"], report["requeued"], report["consistent"]) == (1, 1, False)
    house.index()
    assert client.post("/api/v1/index/reconcile").json()["consistent"] is True
    assert client.post("/api/v1/index/reindex").json() == {"requeued": 1}
    house.index()
    assert client.post("/api/v1/index/reindex", json={"space_id": house.space}).json() == {"requeued": 1}
    assert house.state(document).chunk_count == 1


def test_what_does_not_exist_cannot_be_reindexed(client: TestClient) -> None:
    answer = client.post("/api/v1/index/reindex", json={"space_id": "nowhere"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client.post("/api/v1/index/reindex", json={"spaces": "all"}).status_code == 422
    assert client.get(STATUS, params={"cursor": "nonsense"}).status_code == 422


def test_vectors_go_into_a_file_of_the_data_directory_and_no_further(house: House, client: TestClient) -> None:
    house.put("a.md", "Text.")
    house.index()
    embedder = house.embedder
    with house.database.transaction() as session:
        session.add(
            IndexModel(
                model="default",
                precision="fp32",
                name="m",
                fingerprint=embedder.fingerprint,
                dimensions=384,
                position=0,
            )
        )
    path = "/api/v1/index/vectors/export"
    assert client.post(path, headers=stranger(house)).status_code == 403
    left = house.settings.exports_dir / "vectors-left"
    left.parent.mkdir()
    left.touch()
    os.utime(left, (0, 0))
    answer = client.post(path).json()
    assert answer["vectors"] == 1
    (file,) = house.settings.exports_dir.iterdir()
    assert (file.name, file.stat().st_mode & 0o077) == (answer["name"], 0)
    (batch,) = read_file(file)
    with house.database.reading() as session:
        (chunk,) = session.scalars(select(Chunk))
        action = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert [(row.id, row.content_sha256) for row in batch.rows] == [(chunk.id, chunk.content_sha256)]
    assert action == "index.vectors_exported"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ValueError, match="ends in the middle"):
        list(read_file(file))
