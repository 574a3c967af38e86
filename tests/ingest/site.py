"""The product's search and ingestion over one data directory, for tests of the change of the embedding model."""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from core_api.auth.subject import Subject
from core_api.domains.documents import service as documents
from core_api.domains.spaces.service import create_space
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from core_api.models import Chunk, IndexModel, ModelChange, OutboxEvent, Space, SpaceIndex, SpaceKind
from ingest import model_change
from ingest.model_change import ChangeBehind
from ingest.model_follower import Gate
from ingest.pipeline import pipeline_name
from ingest.reconcile import Reconciler, Report
from ingest.runtime import IngestRuntime
from retrieval.active_model import ModelSpec
from retrieval.engine import RetrievalEngine
from retrieval.service import search
from retrieval.types import Mode, Query

TOPICS = ("Parental leave", "Travel costs", "Server restarts", "Kitchen rota", "Budget rules", "Holiday policy")


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def text_of(number: int, extra: str = "") -> str:
    topic = TOPICS[number % len(TOPICS)]
    parts = (
        f"## Part {n} of {topic}\n\nItem {number}.{n}: " + "The team writes a request for it. " * 14 for n in range(4)
    )
    return f"# {topic} {number}\n\n" + "\n\n".join(parts) + f"\n\n{extra}"


@dataclass
class Site:
    """A data directory with everything running in it."""

    settings: Settings
    tiny: ModelSpec
    gate: Gate | None = None
    database: Database = field(init=False)
    engine: RetrievalEngine = field(init=False)
    runtime: IngestRuntime = field(init=False)
    owner: Subject = field(init=False)

    def __post_init__(self) -> None:
        self.database = Database(self.settings.resolved_database_url)
        with self.database.transaction() as session:
            self.owner, _ = ensure_owner(session)
        self.open()

    def open(self) -> None:
        self.engine = RetrievalEngine.open(self.settings, self.database)
        self.runtime = IngestRuntime(self.settings, self.database, self.engine, self.gate)
        self.runtime.start()
        self.engine.wait(120)

    def close(self) -> None:
        self.runtime.stop()
        self.engine.close()
        self.database.dispose()

    @property
    def space(self) -> str:
        with self.database.transaction() as session:
            found = session.scalar(select(Space.id).where(Space.name == "Team"))
            return found or create_space(session, self.owner, "Team", SpaceKind.TEAM).id

    def put(self, path: str, text: str, space: str | None = None) -> str:
        stored = open_files(self.settings).put(io.BytesIO(text.encode()), 10**9)
        space = space or self.space
        with self.database.transaction() as session:
            content = documents.Content(stored, path, "text/markdown")
            return documents.put_document(session, self.owner, space, content, path=path)[0].id

    def waiting(self) -> int:
        """How many documents are to be indexed."""
        with self.database.reading() as session:
            return session.scalar(select(func.count(OutboxEvent.id))) or 0

    def idle(self) -> None:
        assert self.runtime.wait_idle(60)

    def begin(self, share: float = 1.0) -> None:
        embedder = self.tiny.load(self.settings)
        with self.database.transaction() as session:
            model_change.start(session, self.tiny, embedder, share)
        self.runtime.follower.wake()

    def change(self) -> ModelChange:
        with self.database.reading() as session:
            found = model_change.standing(session).change
            assert found is not None
            return found

    def ready(self) -> None:
        until(lambda: self.change().state == "ready")

    def turn(self, step: Callable[..., Any]) -> None:
        def turned() -> bool:
            try:
                with self.database.transaction() as session:
                    step(session)
            except ChangeBehind:
                with self.database.transaction() as session:
                    model_change.ask_for_turn(session)
                return False
            return True

        until(turned)
        self.engine.use_active_model()

    def found(self, text: str, mode: Mode = Mode.HYBRID) -> list[str]:
        with self.database.reading() as session:
            return [hit.source.id for hit in search(session, self.owner, self.engine, Query(text, 10, mode)).hits]

    def vectors_of(self, model_id: str) -> dict[str, tuple[str, str]]:
        """What the collections of a model hold: space and content hash by id."""
        with self.database.reading() as session:
            fingerprint = session.get_one(IndexModel, model_id).fingerprint
            placed = SpaceIndex.fingerprint == fingerprint
            collections = list(session.scalars(select(SpaceIndex.collection).where(placed).distinct()))
        rows = [row for collection in collections for row in self.engine.vectors.ids(collection)]
        assert len(rows) == len({id_ for id_, _, _ in rows})
        return {id_: (space, sha) for id_, space, sha in rows}

    def chunks(self) -> dict[str, tuple[str, str]]:
        with self.database.reading() as session:
            rows = session.execute(select(Chunk.id, Chunk.space_id, Chunk.content_sha256))
            return {id_: (space, sha) for id_, space, sha in rows}

    def follows(self, model_id: str) -> None:
        """Wait until a model's vectors are exactly those of the chunks."""
        until(lambda: self.vectors_of(model_id) == self.chunks(), 20)

    def reconcile(self) -> Report:
        embedder = self.engine.embedder
        return Reconciler(
            self.database,
            self.engine.vectors,
            self.engine.keywords,
            open_files(self.settings),
            pipeline=pipeline_name(embedder),
            fingerprint=embedder.fingerprint,
        ).run()
