"""An installation under load, and whether all of it agrees afterwards."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import redis
from sqlalchemy import func, select

from core_api.auth.api_keys import create_api_key
from core_api.auth.permissions import Scope
from core_api.domains.users.service import create_user
from core_api.models import Chunk, Document, OutboxEvent, Space, SpaceIndex, SpaceKind, SpaceMember
from ingest.tasks import Queue, create_celery
from retrieval.vectors import VectorStore
from tests.cluster import Api, Cluster, Service, until
from tests.faults.load import Load, Written

_SECRET = "The stranger hides the diamonds under the oak."
FIGURES: list[str] = []
"""What each fault has cost."""


@dataclass
class Installation:
    """Server mode with one process of each kind."""

    cluster: Cluster
    api: Api
    worker: Service
    beat: Service
    space: str = field(init=False)
    stranger: httpx.Client = field(init=False)
    strangers_space: str = field(init=False)

    def __post_init__(self) -> None:
        self.space = self.api.space("Load")
        with self.cluster.database.transaction() as session:
            user = create_user(session, "Stranger", email="stranger@example.com")
            _, secret = create_api_key(session, user.id, "tests", list(Scope), timedelta(hours=4))
            personal = select(Space.id).join(SpaceMember, SpaceMember.space_id == Space.id)
            mine = personal.where(SpaceMember.user_id == user.id, Space.kind == SpaceKind.PERSONAL)
            self.strangers_space = session.scalars(mine).one()
        self.stranger = httpx.Client(
            base_url=self.api.client.base_url, headers={"Authorization": f"Bearer {secret}"}, timeout=60
        )
        text = f"# Diamonds\n\n{_SECRET} The gardeners, the pilots and the choir do not know it.\n"
        response = self.stranger.post(
            "/api/v1/documents/upload",
            data={"space_id": self.strangers_space, "path": "diamonds.md"},
            files={"file": ("diamonds.md", text.encode(), "text/markdown")},
        )
        assert response.is_success, response.text
        self.api.idle()

    @contextmanager
    def under_load(self, name: str, *, warm: float = 0.5) -> Iterator[Load]:
        """People work meanwhile, before it and after it; then everything agrees."""
        with Load(self.api, self.space, {self.strangers_space}) as load:
            until(lambda: load.kinds()["ok"] > 20, 60)
            time.sleep(warm)
            began = time.monotonic()
            yield load
            ended = time.monotonic()
            # It goes on: what people do now succeeds again.
            until(lambda: load.kinds(time.monotonic() - 1.0).keys() == {"ok"}, 120, 0.3)
            well = time.monotonic()
        kinds = load.kinds(began, well)
        assert not load.failures(), load.failures()[:5]
        self.settle()
        consistent = time.monotonic()
        self.check(load.documents)
        FIGURES.append(
            f"{name}: {ended - began:.1f} s of fault; {kinds['ok']} ok, {kinds['degraded']} by keywords only, "
            f"{kinds['unavailable']} told 503, {kinds['full']} told 507, slowest {load.slowest():.1f} s; all answers "
            f"good {well - ended:.1f} s after it, nothing waited {consistent - ended:.1f} s after it"
        )

    def settle(self, seconds: float = 240) -> None:
        """Wait until nothing waits, no task that came twice is still at work, and the keyword index has everything."""
        celery = create_celery(self.cluster.settings, lambda keys: None)
        broker = redis.Redis.from_url(str(self.cluster.settings.redis_url))

        def at_rest() -> bool:
            if any(broker.llen(queue.value) for queue in Queue):
                return False
            with celery.connection_for_write() as connection:  # a new one: Redis may have been away
                active = celery.control.inspect(timeout=1, connection=connection).active() or {}
            return not any(active.values()) and self.api.get("/index/status")["queue"]["waiting"] == 0

        until(at_rest, seconds, 0.3)
        broker.close()
        celery.close()
        until(lambda: self.api.get("/index/status")["keyword_lag"] == 0, 60, 0.2)

    def check(self, documents: list[Written]) -> None:
        """No loss, no duplicate, no leak, and the indexes are equal to the database."""
        status = self.api.get("/index/status")
        assert status["queue"]["parked"] == 0
        assert status["failures"] == []
        assert status["sources"]["failed"] == status["sources"]["parked"] == status["sources"]["pending"] == 0, status
        self._check_indexes()
        for document in documents:
            self._check_document(document)
        report = self.api.post("/index/reconcile")
        assert report["consistent"], report
        assert (report["requeued"], report["waiting"]) == (0, 0), report
        for mode in ("hybrid", "keyword", "semantic"):
            mine = self.api.post("/search", {"query": _SECRET, "mode": mode, "k": 50})["hits"]
            assert self.strangers_space not in {hit["space"]["id"] for hit in mine}
            theirs = self.stranger.post("/api/v1/search", json={"query": _SECRET, "mode": mode, "k": 50})
            assert {hit["space"]["id"] for hit in theirs.json()["hits"]} == {self.strangers_space}

    def _check_document(self, document: Written) -> None:
        if not document.id:
            return
        text = self.api.client.get(f"/api/v1/documents/{document.id}/file").text
        found = self.api.get("/documents", params={"path": document.path, "space_id": self.space})["items"]
        assert [one["id"] for one in found] == [document.id], f"{document.path} is there {len(found)} times"
        if document.sure:  # else the last text arrived and was not acknowledged, or did not arrive
            assert text == document.text
        marker = text.rpartition("Its sign is ")[2].rstrip(".\n")
        for query, mode in (
            (marker, "keyword"),
            (f"{document.topic} {marker}", "hybrid"),
            (document.topic, "semantic"),
        ):
            narrow = {"source_ids": [document.id]} if mode == "semantic" else {}
            hits = self.api.post("/search", {"query": query, "mode": mode, "k": 5, "filters": narrow})["hits"]
            assert any(marker in hit["text"] and hit["source"]["id"] == document.id for hit in hits), (mode, hits)
        for old in document.old_markers[-2:]:
            assert old == marker or not self.api.post("/search", {"query": old, "mode": "keyword"})["hits"]

    def _check_indexes(self) -> None:
        with self.cluster.database.reading() as session:
            rows = session.execute(select(Chunk.id, Chunk.space_id, Chunk.content_sha256)).all()
            placed = {row.space_id: row.collection for row in session.scalars(select(SpaceIndex))}
            of_another = Chunk.version != Document.version
            versions = session.scalar(
                select(func.count(Chunk.id)).join(Document, Document.id == Chunk.source_id).where(of_another)
            )
            left = session.scalar(select(func.count(OutboxEvent.id)))
        assert versions == left == 0
        with VectorStore.open(self.cluster.settings) as vectors:
            held = [row for collection in sorted(set(placed.values())) for row in vectors.ids(collection)]
            assert sorted(held) == sorted((id_, space_id, sha) for id_, space_id, sha in rows)
