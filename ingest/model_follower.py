"""Keeps the vectors of the embedding model that is not active up to date: it builds those of a new model, and after the
flip keeps those of the one before.

It follows the chunks by their change sequence, as the keyword replicas do: beginning at 0 it builds everything, and
from then on it takes over each edit, move and deletion. The pipeline knows nothing of it. Where it has come to is in
the database, so that after a kill it goes on from there; what was written beyond is found in the collections.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from core_api.infra.database import Database
from core_api.infra.errors import NexusError, NotFound
from core_api.models import ChangeState, Chunk, IndexModel, IndexState, ModelChange, ModelSource, new_id, utcnow
from core_api.outbox import last_change
from ingest.chunking import CHUNK_TOKENS
from ingest.model_change import FOLLOWED, standing, total_chunks
from ingest.pieces import Tokens
from ingest.sources import SourceKey
from retrieval.embedding import Embedder
from retrieval.engine import RetrievalEngine
from retrieval.passages import embed_whole, embedded_text
from retrieval.placement import place
from retrieval.vectors import VectorRow

log = structlog.get_logger()

Gate = Callable[[Database, RetrievalEngine, RetrievalEngine], dict[str, Any]]
"""Compares search by the model in use with search by the new one; `passed` and `says` are in its report."""

_SOURCES, _CHUNKS = 50, 400
"""Taken at a time."""
_SLICE = 64
_SMALL_SLICE = 2
"""Passages at a time that one core embeds, so that a search finds another free, and waits little."""
_LOOK_SECONDS = 1.0
_LEASE = timedelta(seconds=60)
_VERIFY_ROUNDS = 3


class _Stopped(Exception):
    """A stop was asked for, or the change is no more what it was."""


@dataclass(slots=True)
class _Task:
    """The change that is worked on, and the model whose vectors are written."""

    change: ModelChange
    model: IndexModel
    embedder: Embedder


class ModelFollower:
    """One thread. In several processes only one works on a change: whoever holds its lease."""

    def __init__(self, database: Database, engine: RetrievalEngine, *, alone: bool, gate: Gate | None = None) -> None:
        """`alone`: no other process works on this database, so a lease at the start is dead."""
        self._database = database
        self._engine = engine
        self._gate = gate
        self._name = new_id()
        self._alone = alone
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="model-follower", daemon=True)

    def start(self) -> None:
        """Begin to follow; without a change it only looks for one."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End, after the passages at hand."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                busy = self.step()
            except _Stopped:
                busy = False
            except NexusError as error:  # what is not there now may be in a while
                log.warning("model_change_waits", error=str(error))
                busy = False
            except Exception as error:
                log.exception("model_change_failed")
                self._fail(error)
                busy = False
            if not busy:
                self._wake.wait(_LOOK_SECONDS)

    def step(self) -> bool:
        """Take over the next changes; gives whether there were any. A model that holds everything is checked and
        compared, once, and is ready then."""
        task = self._claim()
        if task is None:
            return False
        with self._database.reading() as session:
            states = _next_states(session, task.model.position)
        if states:
            self._sync(task, states)
            self._advance(task, states[-1].change_seq)
            return True
        if task.change.state == ChangeState.BUILDING:
            self._finish(task)
        return False

    # Which change, and whose work it is

    def _claim(self) -> _Task | None:
        with self._database.reading() as session:
            now = standing(session)
        change, model = now.change, now.other
        models = self._engine.models
        if change is None or model is None or change.state not in FOLLOWED or models is None:
            if models is not None and now.active is not None and change is None:
                models.keep_only({now.active.id})
            return None
        if not self._lease(change.id):
            return None
        return _Task(change, model, models.embedder(model))

    def _lease(self, change_id: str) -> bool:
        now = utcnow()
        free = or_(
            ModelChange.leased_until.is_(None), ModelChange.leased_until < now, ModelChange.builder == self._name
        )
        with self._database.reading() as session:
            row = session.get(ModelChange, change_id)
            if row is None:
                return False
            mine = row.builder == self._name and row.leased_until is not None
            if mine and row.leased_until - now > _LEASE / 2:  # type: ignore[operator]
                return True
        with self._database.transaction() as session:
            statement = update(ModelChange).where(ModelChange.id == change_id)
            if not self._alone:
                statement = statement.where(free)
            values = {"builder": self._name, "leased_until": now + _LEASE}
            return session.execute(statement.values(**values)).rowcount == 1  # type: ignore[attr-defined,no-any-return]

    def _alive(self, task: _Task) -> None:
        """Raise when there is nothing to go on with."""
        with self._database.reading() as session:
            now = standing(session)
        same = now.change is not None and now.change.id == task.change.id and now.other is not None
        if self._stopping.is_set() or not same or now.other.id != task.model.id or not self._lease(task.change.id):  # type: ignore[union-attr]
            raise _Stopped
        task.change.share = now.change.share  # type: ignore[union-attr]  # it can be changed while it runs

    # Writing

    def _sync(self, task: _Task, states: Sequence[IndexState]) -> None:
        """Make the vectors of these sources what their chunks are."""
        keys = [SourceKey(state.source_kind, state.source_id) for state in states]
        with self._database.reading() as session:
            chunks: dict[SourceKey, list[Chunk]] = defaultdict(list)
            for chunk in session.scalars(select(Chunk).where(_of(Chunk, keys)).order_by(Chunk.ordinal)):
                chunks[SourceKey(chunk.source_kind, chunk.source_id)].append(chunk)
            held = {
                SourceKey(row.source_kind, row.source_id): row
                for row in session.scalars(
                    select(ModelSource).where(ModelSource.model_id == task.model.id, _of(ModelSource, keys))
                )
            }
        spaces = {chunk.space_id for rows in chunks.values() for chunk in rows}
        spaces |= {row.space_id for row in held.values()}
        collection_of = self._places(task.model.fingerprint, spaces)
        wanted: dict[str, list[Chunk]] = defaultdict(list)
        for rows in chunks.values():
            for chunk in rows:
                if chunk.space_id in collection_of:
                    wanted[collection_of[chunk.space_id]].append(chunk)
        for collection, rows in wanted.items():
            self._write(task, collection, rows)
        gone: dict[str, list[str]] = defaultdict(list)
        for key, row in held.items():
            left = {f"{key.kind}:{key.id}:{ordinal}" for ordinal in range(row.chunk_count)}
            now = chunks.get(key, [])
            here = collection_of.get(row.space_id)
            left -= {chunk.id for chunk in now if collection_of.get(chunk.space_id) == here}
            if here is not None:
                gone[here].extend(sorted(left))
        for collection, ids in gone.items():
            self._engine.vectors.delete(collection, ids)
        with self._database.transaction() as session:
            for key in keys:
                rows = chunks.get(key, [])
                if rows:
                    session.merge(
                        ModelSource(
                            model_id=task.model.id,
                            source_kind=key.kind,
                            source_id=key.id,
                            space_id=rows[0].space_id,
                            chunk_count=len(rows),
                        )
                    )
                elif key in held:
                    session.delete(session.get_one(ModelSource, (task.model.id, key.kind, key.id)))

    def _places(self, fingerprint: str, spaces: set[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        with self._database.transaction() as session:
            for space_id in sorted(spaces):
                try:
                    found[space_id] = place(session, space_id, fingerprint).collection
                except NotFound:
                    log.info("space_is_gone", space_id=space_id)
        return found

    def _write(self, task: _Task, collection: str, chunks: Sequence[Chunk]) -> None:
        """Embed what is not in the collection yet; written slice by slice, so that little is done twice."""
        there = self._engine.vectors.get(collection, [chunk.id for chunk in chunks])
        missing = [
            chunk
            for chunk in chunks
            if chunk.id not in there
            or (there[chunk.id].content_sha256, there[chunk.id].space_id) != (chunk.content_sha256, chunk.space_id)
        ]
        tokens = Tokens(task.embedder)
        missing.sort(key=lambda chunk: len(chunk.text))  # texts of like length together waste the least padding
        full = task.change.share >= 1
        written, size = (_SLICE, _SLICE) if full else (_SLICE // 4, _SMALL_SLICE)
        for start in range(0, len(missing), written):
            self._alive(task)
            rows: list[VectorRow] = []
            part = missing[start : start + written]
            began = time.monotonic()
            for first in range(0, len(part), size):
                rows += self._embed(task, tokens, part[first : first + size])
            self._engine.vectors.upsert(collection, rows)
            self._progress(task, len(rows), time.monotonic() - began)

    def _embed(self, task: _Task, tokens: Tokens, chunks: Sequence[Chunk]) -> list[VectorRow]:
        began = time.monotonic()
        texts = [
            # The title is shortened as in ingest.chunking, by this model's own measure.
            embedded_text(tokens.clip(" ".join(chunk.title.split()), CHUNK_TOKENS // 6), chunk.heading, chunk.text)
            for chunk in chunks
        ]
        vectors = embed_whole(task.embedder, texts, task.embedder.count_tokens(texts))
        if task.change.share < 1:
            took = time.monotonic() - began
            self._stopping.wait(took * (1 - task.change.share) / task.change.share)
        return [
            VectorRow(chunk.id, chunk.space_id, chunk.content_sha256, vector)
            for chunk, vector in zip(chunks, vectors, strict=True)
        ]

    def _progress(self, task: _Task, count: int, seconds: float) -> None:
        rate = count / max(seconds, 1e-3)
        known = task.change.rate
        task.change.rate = rate if known is None else 0.8 * known + 0.2 * rate
        if task.change.state == ChangeState.BUILDING:
            task.change.done = min(task.change.done + count, task.change.total)
            self._note(task, done=task.change.done, rate=task.change.rate)

    def _advance(self, task: _Task, position: int) -> None:
        with self._database.transaction() as session:
            session.execute(update(IndexModel).where(IndexModel.id == task.model.id).values(position=position))
            done, total = total_chunks(session, position)
            values = {"updated_at": utcnow(), "done": done, "total": total}
            session.execute(update(ModelChange).where(ModelChange.id == task.change.id).values(**values))

    # The end of building

    def _finish(self, task: _Task) -> None:
        for _ in range(_VERIFY_ROUNDS):
            wrong = self._wrong_sources(task)
            if not wrong:
                break
            log.warning("model_change_repairs", sources=len(wrong))
            with self._database.reading() as session:
                states = list(session.scalars(select(IndexState).where(_of(IndexState, wrong))))
            self._sync(task, states)
        with self._database.reading() as session:
            if last_change(session) != task.model.position:
                return  # it is checked when nothing new has come
        gate = self._compare(task)
        self._note(task, state=ChangeState.READY, gate=gate, error=None, rate=None)
        log.info("model_change_ready", model=task.model.name, gate=gate)

    def _wrong_sources(self, task: _Task) -> list[SourceKey]:
        """Sources whose chunks are not those in the collections."""
        with self._database.reading() as session:
            spaces = set(session.scalars(select(Chunk.space_id).distinct()))
        by_collection: dict[str, list[str]] = defaultdict(list)
        for space_id, collection in self._places(task.model.fingerprint, spaces).items():
            by_collection[collection].append(space_id)
        wrong: dict[SourceKey, None] = {}
        for collection, ids in by_collection.items():
            with self._database.reading() as session:
                rows = session.execute(
                    select(Chunk.id, Chunk.space_id, Chunk.content_sha256).where(Chunk.space_id.in_(ids))
                )
                expected = {id_: (space_id, sha) for id_, space_id, sha in rows}
            orphans = [
                id_
                for id_, space_id, sha in self._engine.vectors.ids(collection)
                if expected.get(id_) != (space_id, sha) or expected.pop(id_) is None
            ]
            self._engine.vectors.delete(collection, orphans)
            wrong.update(dict.fromkeys(SourceKey(*id_.split(":")[:2]) for id_ in expected))
        return list(wrong)

    def _compare(self, task: _Task) -> dict[str, Any] | None:
        if self._gate is None:
            return None
        new = RetrievalEngine(task.embedder, self._engine.vectors, self._engine.keywords, self._engine.settings)
        try:
            return self._gate(self._database, self._engine, new)
        finally:
            new.pool.shutdown(wait=True)  # the other parts are the engine's own

    def _note(self, task: _Task, **values: Any) -> None:
        with self._database.transaction() as session:
            session.execute(
                update(ModelChange)
                .where(ModelChange.id == task.change.id, ModelChange.state == task.change.state)
                .values(updated_at=utcnow(), **values)
            )

    def _fail(self, error: Exception) -> None:
        with self._database.transaction() as session:
            now = standing(session)
            if now.change is not None and now.change.state == ChangeState.BUILDING:
                now.change.state = ChangeState.FAILED
                now.change.error = f"{type(error).__name__}: {error}"[:2_000]


def _next_states(session: Session, position: int) -> list[IndexState]:
    """The sources that changed next; few enough that their chunks can be held."""
    states: list[IndexState] = []
    chunks = 0
    rows = session.scalars(
        select(IndexState).where(IndexState.change_seq > position).order_by(IndexState.change_seq).limit(_SOURCES)
    )
    for state in rows:
        chunks += state.chunk_count
        if states and chunks > _CHUNKS:
            break
        states.append(state)
    return states


def _of(table: Any, keys: Sequence[SourceKey]) -> Any:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        by_kind[key.kind].append(key.id)
    return or_(*(and_(table.source_kind == kind, table.source_id.in_(ids)) for kind, ids in by_kind.items()))
