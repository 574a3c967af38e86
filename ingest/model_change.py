"""The change of the embedding model, step by step; each step is one transaction.

`start` writes down what is to be built; `ingest.model_follower` builds it, beside what is searched, and keeps it up to
date. `flip` makes it what is searched, and the model before is kept up to date instead, so that `rollback` turns back
at once. Either may find that some changes are not taken over yet: after `ask_for_turn` no more come
(ingest.model_yielding). `drop` ends it: it deletes whichever of the two is not active.

Locks are taken in one order: the row that says what is active, that of the change, those of the models.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.orm import Session

from core_api.infra.errors import Conflict, NotFound
from core_api.models import (
    ActiveModel,
    ChangeState,
    IndexModel,
    IndexState,
    IndexStatus,
    ModelChange,
    ModelSource,
    SpaceIndex,
    utcnow,
)
from core_api.outbox import last_change
from retrieval.active_model import ModelSpec, find_or_add
from retrieval.embedding import Embedder

FOLLOWED = (ChangeState.BUILDING, ChangeState.READY, ChangeState.ACTIVE)
TURN_SECONDS = 60.0
"""For so long, at most, indexing waits for a flip."""
GRACE_SECONDS = 10.0
"""Within so long after a flip every process has noticed it; until then no vectors are deleted."""


class ChangeBehind(Conflict):
    """The new vectors do not hold the last changes yet."""

    code, title = "model_change_behind", "The new index is not up to date yet"


@dataclass(frozen=True, slots=True)
class Standing:
    """What search uses, and the change that there is. `model` is the one that is changed to, `other` the one of the two
    that is not active."""

    active: IndexModel | None
    change: ModelChange | None
    model: IndexModel | None
    other: IndexModel | None


def standing(session: Session, *, lock: bool = False) -> Standing:
    """How things are. `lock`: and stay, until the transaction ends; nothing is indexed meanwhile."""
    statement = select(ActiveModel).where(ActiveModel.id == 1)
    pointer = session.scalars(statement.with_for_update() if lock else statement).one()
    active = session.get(IndexModel, pointer.model_id) if pointer.model_id else None
    change = session.get(ModelChange, pointer.change_id, with_for_update=lock or None) if pointer.change_id else None
    if change is None:
        return Standing(active, None, None, None)
    model = session.get_one(IndexModel, change.model_id)
    other = session.get(IndexModel, change.previous_id) if model is active else model
    return Standing(active, change, model, other)


def start(session: Session, spec: ModelSpec, embedder: Embedder, share: float) -> ModelChange:
    """Begin a change to a model, or go on with it (one that failed or was rolled back, too).

    Raises Conflict when that model is active already, or there is another change.
    """
    now = standing(session, lock=True)
    if now.active is None:
        raise Conflict("The first embedding model is still loading; try again in a moment.")
    if now.active.fingerprint == embedder.fingerprint:
        raise Conflict(f"Search uses {embedder.name} ({embedder.fingerprint}) already.")
    if now.change is not None and now.model is not None:
        if now.other is not None and now.other.fingerprint == embedder.fingerprint != now.model.fingerprint:
            raise Conflict(f"{now.other.name} is the model before, and kept: go back with `nexus index rollback`.")
        if now.model.fingerprint != embedder.fingerprint:
            raise Conflict(
                f"There is a change to {now.model.name} already ({now.change.state}). End it first: "
                "`nexus index cleanup` deletes the vectors of the model that is not in use."
            )
        change = now.change
        change.state, change.error, change.gate, change.share = ChangeState.BUILDING, None, None, share
    else:
        model = find_or_add(session, spec, embedder)
        change = ModelChange(model_id=model.id, previous_id=now.active.id, share=share)
        session.add(change)
        session.flush()
        session.get_one(ActiveModel, 1).change_id = change.id
    change.build_to = last_change(session)
    change.done, change.total = count_chunks(session, session.get_one(IndexModel, change.model_id).position)
    return change


def flip(session: Session, *, force: bool = False) -> ModelChange:
    """Make the new model the one that search uses.

    Raises Conflict when it is not built, or has failed the gate (`force`: whatever the gate says); ChangeBehind when
    changes have come that it does not hold yet.
    """
    now = standing(session, lock=True)
    if now.change is None or now.model is None or now.active is None:
        raise NotFound("There is no change of the embedding model. Begin one with `nexus index migrate`.")
    if now.change.state != ChangeState.READY:
        raise Conflict(f"The change to {now.model.name} is {now.change.state}; only one that is ready can be used.")
    if now.change.gate is not None and not now.change.gate["passed"] and not force:
        raise Conflict(f"The gate says no: {now.change.gate['says']} Use it nevertheless with `--force`.")
    _turn(session, now.change, now.active, now.model)
    now.change.state = ChangeState.ACTIVE
    return now.change


def rollback(session: Session) -> ModelChange:
    """Make the model before the one that search uses again; it was kept up to date. Raises Conflict, ChangeBehind."""
    now = standing(session, lock=True)
    if now.change is None or now.active is None or now.other is None or now.change.state != ChangeState.ACTIVE:
        raise Conflict("There is no embedding model to go back to: its vectors are kept from a flip until a cleanup.")
    _turn(session, now.change, now.active, now.other)
    now.change.state = ChangeState.ROLLED_BACK
    return now.change


def ask_for_turn(session: Session) -> None:
    """Have nothing indexed, for TURN_SECONDS at most, so that the vectors of the other model come to hold everything.
    In vain where they cannot be made now; then nothing waits."""
    now = standing(session, lock=True)
    if now.change is not None and now.change.state in (ChangeState.READY, ChangeState.ACTIVE) and not now.change.error:
        now.change.turning_until = utcnow() + timedelta(seconds=TURN_SECONDS)


def drop(session: Session, at: datetime | None = None) -> list[str]:
    """End the change; gives the collections that are to be deleted now, of whichever model is not active.

    Raises NotFound; Conflict so soon after a flip that a process may not have noticed it.
    """
    now = standing(session, lock=True)
    if now.change is None or now.other is None:
        raise NotFound("There is no change of the embedding model, and nothing is kept of one.")
    flipped = now.change.flipped_at
    if flipped is not None and ((at or utcnow()) - flipped).total_seconds() < GRACE_SECONDS:
        raise Conflict("Search has changed its model just now; try again in some seconds.")
    placed = SpaceIndex.fingerprint == now.other.fingerprint
    collections = list(session.scalars(select(SpaceIndex.collection).where(placed).distinct()))
    session.get_one(ActiveModel, 1).change_id = None
    session.flush()
    session.execute(delete(SpaceIndex).where(placed))
    session.delete(now.change)
    session.execute(delete(ModelSource).where(ModelSource.model_id == now.other.id))
    session.flush()
    session.delete(now.other)
    return collections


def report(now: Standing) -> dict[str, Any]:
    """The same, as the API shows it."""
    shown: dict[str, Any] = {"active": _model(now.active) if now.active else None, "change": None}
    if now.change is not None and now.model is not None:
        change = now.change
        left = max(0, change.total - change.done)
        building = change.state == ChangeState.BUILDING
        shown["change"] = {
            "id": change.id,
            "model": _model(now.model),
            "state": change.state,
            "done": change.done,
            "total": change.total,
            "eta_seconds": round(left / change.rate) if building and change.rate else None,
            "gate": change.gate,
            "error": change.error,
        }
    return shown


def _model(row: IndexModel) -> dict[str, Any]:
    fields = ("name", "model", "revision", "precision", "endpoint", "languages", "fingerprint", "dimensions")
    return {field: getattr(row, field) for field in fields}


def _turn(session: Session, change: ModelChange, active: IndexModel, other: IndexModel) -> None:
    """Search by `other` from now on; what was active follows the chunks instead."""
    last = last_change(session)
    if other.position != last:
        hint = f"They cannot be made now: {change.error}" if change.error else "Try again in a moment."
        raise ChangeBehind(f"{last - other.position} changes are not among the vectors of {other.name} yet. {hint}")
    session.execute(delete(ModelSource).where(ModelSource.model_id.in_((active.id, other.id))))
    held = select(
        literal(active.id),
        IndexState.source_kind,
        IndexState.source_id,
        IndexState.space_id,
        IndexState.chunk_count,
    ).where(IndexState.status != IndexStatus.DELETED, IndexState.chunk_count > 0)
    session.execute(
        insert(ModelSource).from_select(["model_id", "source_kind", "source_id", "space_id", "chunk_count"], held)
    )
    active.position = last
    session.get_one(ActiveModel, 1).model_id = other.id
    change.turning_until = None
    change.flipped_at = change.updated_at = utcnow()


def count_chunks(session: Session, position: int) -> tuple[int, int]:
    """(chunks of the sources up to a position, all)."""
    done = func.coalesce(func.sum(IndexState.chunk_count).filter(IndexState.change_seq <= position), 0)
    row = session.execute(select(done, func.coalesce(func.sum(IndexState.chunk_count), 0))).one()
    return int(row[0]), int(row[1])
