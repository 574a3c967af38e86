"""The outbox as a queue: events are leased to one worker at a time, and end acknowledged, put off, or parked."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Any

from sqlalchemy import and_, case, delete, func, or_, select, update
from sqlalchemy.orm import Session

from core_api.infra.errors import NexusError, StorageFull
from core_api.models import OutboxEvent, utcnow
from core_api.outbox import request_index
from ingest.sources import SourceKey, of_sources

LEASE = timedelta(minutes=5)
"""The default of the setting `index_lease_seconds`."""
_SENT_SHARE = 5
"""For what was sent to workers a lease is so many times shorter: a broker that forgets it costs a minute, not five."""
_CLAIM_LOCK = 0x6E787573  # any number that nobody else uses
_LOOKED_AT = 500
_FIRST_DELAY = 1.0
_LONGEST_DELAY = 300.0
_AWAY_DELAY = 20.0


class Wanted(StrEnum):
    """Which of the waiting sources are taken."""

    ALL = "all"
    EDITS = "edits"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why indexing failed: a stable code, and words for a person."""

    code: str
    message: str


def describe(error: BaseException) -> Problem:
    """What an unexpected error means to the people who run the server."""
    if isinstance(error, NexusError):
        return Problem(error.code, error.detail)
    text = f"{type(error).__name__}: {error}"
    if (isinstance(error, OSError) and error.errno in (27, 28, 122)) or "disk is full" in text:
        return Problem(StorageFull.code, f"The disk of the data directory is full ({text}). Free some space.")
    if "database is locked" in text:
        return Problem("database_busy", "The database was busy for too long.")
    return Problem("internal_error", f"{text[:1000]}. The log of the server has the details.")


def claim(
    session: Session,
    limit: int,
    max_tries: int,
    *,
    wanted: Wanted = Wanted.ALL,
    sent: bool = False,
    lease: timedelta = LEASE,
) -> list[SourceKey]:
    """Lease the sources that wait longest, at most `limit`, all their events with them; spaces take turns.

    Edits and deletions come first: somebody waits for them, and they should not stand behind a bulk import. A source
    that failed before comes alone, so that one that kills its worker takes no others with it. What is only `sent` to a
    worker is no try yet: the worker's `begin` counts it.
    """
    if session.get_bind().dialect.name == "postgresql":
        # On SQLite a writing transaction is alone; here two could choose the same sources.
        session.execute(select(func.pg_advisory_xact_lock(_CLAIM_LOCK)))
    now = utcnow()
    event = OutboxEvent
    # A lease that ran out means a worker that died; a source that has seen too many of them is the likely cause.
    session.execute(
        update(event)
        .where(event.parked_at.is_(None), event.leased_until <= now, event.tries >= max_tries)
        .values(
            parked_at=now,
            leased_until=None,
            last_error=f"The worker died or hung each of the {max_tries} times that it indexed this.",
        )
    )
    chosen = find_waiting(session, limit, wanted=wanted)
    if chosen:
        session.execute(
            update(OutboxEvent)
            .where(of_sources(OutboxEvent, chosen), OutboxEvent.parked_at.is_(None))
            .values(leased_until=now + (lease / _SENT_SHARE if sent else lease), tries=event.tries + (0 if sent else 1))
        )
    return chosen


def begin(session: Session, keys: Sequence[SourceKey], lease: timedelta = LEASE) -> list[SourceKey]:
    """Take up sources that a relay has sent: from now on it is a try. Gives those that still wait, in order: a task
    may come twice, and late."""
    event = OutboxEvent
    taken = session.execute(
        update(event)
        .where(of_sources(event, keys), event.parked_at.is_(None))
        .values(leased_until=utcnow() + lease, tries=event.tries + 1)
        .returning(event.source_kind, event.source_id)
    ).all()
    waiting = {SourceKey(kind, source_id) for kind, source_id in taken}
    return [key for key in keys if key in waiting]


def find_waiting(session: Session, limit: int, *, wanted: Wanted = Wanted.ALL) -> list[SourceKey]:
    """The sources that `claim` would take now."""
    chosen: dict[SourceKey, int] = {}
    for edit in (True, False):
        if wanted is not (Wanted.NEW if edit else Wanted.EDITS):
            for key, tries in _in_turn(_waiting(session, edit)):
                if key in chosen or (tries and chosen):
                    continue
                chosen[key] = tries
                if tries or len(chosen) == limit:
                    return list(chosen)
    return list(chosen)


def _waiting(session: Session, edit: bool) -> list[tuple[str | None, SourceKey, int]]:
    """(space, source, tries) of what has waited longest and, where there is more, of what came last. In between lies
    what a bulk import has left, and to sort all of that at every claim would take longer than to index it."""
    now = utcnow()
    event = OutboxEvent
    free = or_(event.leased_until.is_(None), event.leased_until <= now)
    due = select(event.id, event.space_id, event.source_kind, event.source_id, event.tries).where(
        event.edit.is_(edit), event.parked_at.is_(None), event.available_at <= now, free
    )
    first = list(session.execute(due.order_by(event.id).limit(_LOOKED_AT)))
    if len(first) == _LOOKED_AT:
        last = due.where(event.id > first[-1].id).order_by(event.id.desc()).limit(_LOOKED_AT)
        first += reversed(session.execute(last).all())
    leased_elsewhere = select(event.source_kind, event.source_id).where(
        event.leased_until > now, event.parked_at.is_(None)
    )
    leased = {SourceKey(kind, id_) for kind, id_ in session.execute(leased_elsewhere.distinct())} if first else set()
    found = [(space_id, SourceKey(kind, id_), tries) for _, space_id, kind, id_, tries in first]
    return [each for each in found if each[1] not in leased]


def _in_turn(waiting: Iterable[tuple[str | None, SourceKey, int]]) -> list[tuple[SourceKey, int]]:
    """One of each space, then the next of each: a bulk import does not keep other spaces waiting."""
    turns: dict[str | None, int] = {}
    ordered = []
    for space_id, key, tries in waiting:
        turns[space_id] = turns.get(space_id, 0) + 1
        ordered.append((turns[space_id], key, tries))
    ordered.sort(key=itemgetter(0))  # stable: the oldest first within a turn
    return [(key, tries) for _, key, tries in ordered]


def renew(session: Session, keys: Iterable[SourceKey], lease: timedelta = LEASE) -> None:
    """Keep leased sources for another lease."""
    session.execute(
        update(OutboxEvent)
        .where(of_sources(OutboxEvent, keys), OutboxEvent.leased_until.is_not(None))
        .values(leased_until=utcnow() + lease)
    )


def acknowledge(session: Session, keys: Sequence[SourceKey]) -> dict[SourceKey, datetime]:
    """Remove all events of sources that were written as they are now (their rows are locked); gives the time of each
    source's oldest event."""
    if not keys:
        return {}
    oldest = session.execute(
        select(OutboxEvent.source_kind, OutboxEvent.source_id, func.min(OutboxEvent.created_at))
        .where(of_sources(OutboxEvent, keys))
        .group_by(OutboxEvent.source_kind, OutboxEvent.source_id)
    ).all()
    session.execute(delete(OutboxEvent).where(of_sources(OutboxEvent, keys)))
    return {SourceKey(kind, source_id): created_at for kind, source_id, created_at in oldest}


def release(session: Session, keys: Iterable[SourceKey], *, sent: bool = False) -> None:
    """Give sources back, to be looked at again at once; it does not count as a try (what was `sent` was none)."""
    fewer = case((OutboxEvent.tries > 0, OutboxEvent.tries - 1), else_=0)
    session.execute(
        update(OutboxEvent)
        .where(of_sources(OutboxEvent, keys), OutboxEvent.leased_until.is_not(None), OutboxEvent.parked_at.is_(None))
        .values(leased_until=None, tries=OutboxEvent.tries if sent else fewer)
    )


def ensure_waiting(session: Session, keys: Sequence[SourceKey]) -> None:
    """See to it that each of these sources has an event that waits, or is worked on."""
    there = {
        SourceKey(kind, source_id)
        for kind, source_id in session.execute(
            select(OutboxEvent.source_kind, OutboxEvent.source_id).where(
                of_sources(OutboxEvent, keys), OutboxEvent.parked_at.is_(None)
            )
        )
    }
    for key in dict.fromkeys(keys):
        if key not in there:
            request_index(session, key.kind, key.id)


def release_all(session: Session) -> int:
    """Let the leases of a process that is no more run out now. Only where no other worker can be running. The try
    counts: it may be what killed the process."""
    now = utcnow()
    result = session.execute(update(OutboxEvent).where(OutboxEvent.leased_until > now).values(leased_until=now))
    return int(result.rowcount)  # type: ignore[attr-defined]


def postpone(session: Session, key: SourceKey, problem: Problem) -> None:
    """Look at a source again in a while: what it needs is away, which is not its fault and does not count as a try."""
    session.execute(
        update(OutboxEvent)
        .where(of_sources(OutboxEvent, [key]), OutboxEvent.leased_until.is_not(None), OutboxEvent.parked_at.is_(None))
        .values(
            leased_until=None,
            last_error=problem.message,
            tries=case((OutboxEvent.tries > 0, OutboxEvent.tries - 1), else_=0),
            available_at=utcnow() + timedelta(seconds=_AWAY_DELAY * random.uniform(0.5, 1.0)),  # noqa: S311
        )
    )


def put_off(session: Session, key: SourceKey, problem: Problem, max_tries: int) -> bool:
    """Record a failed try: again later, or parked after `max_tries`; gives whether it was parked."""
    event = OutboxEvent
    worked_on = and_(of_sources(OutboxEvent, [key]), event.parked_at.is_(None), event.leased_until.is_not(None))
    tries = session.scalar(select(func.max(event.tries)).where(worked_on)) or 0
    now = utcnow()
    values: dict[str, Any] = {"leased_until": None, "last_error": problem.message, "tries": tries}
    parked = tries >= max_tries
    if parked:
        values["parked_at"] = now
    else:
        values["available_at"] = now + timedelta(seconds=retry_delay(tries))
    session.execute(update(event).where(worked_on).values(**values))
    return parked


def traceparents(session: Session, keys: Sequence[SourceKey]) -> list[str]:
    """The spans of the changes that sources wait for, as far as they are known, each once."""
    statement = select(OutboxEvent.traceparent).where(
        of_sources(OutboxEvent, keys), OutboxEvent.traceparent.is_not(None), OutboxEvent.parked_at.is_(None)
    )
    return sorted(traceparent for traceparent in session.scalars(statement.distinct()) if traceparent)


def retry_delay(tries: int) -> float:
    """Seconds to wait after so many tries: doubling, with full jitter on its upper half so that failures that came
    together do not come back together."""
    longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0 ** max(tries - 1, 0))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311


def unpark(session: Session, key: SourceKey | None = None) -> int:
    """Let parked sources (or one) be tried again from the start; gives how many events that are."""
    statement = update(OutboxEvent).where(OutboxEvent.parked_at.is_not(None))
    if key is not None:
        statement = statement.where(of_sources(OutboxEvent, [key]))
    result = session.execute(
        statement.values(parked_at=None, tries=0, leased_until=None, available_at=utcnow(), last_error=None)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def next_due(session: Session) -> datetime | None:
    """When the next event that nobody works on becomes due; None when nothing waits."""
    available = case(
        (OutboxEvent.leased_until > OutboxEvent.available_at, OutboxEvent.leased_until),
        else_=OutboxEvent.available_at,
    )
    return session.scalar(select(available).where(OutboxEvent.parked_at.is_(None)).order_by(available).limit(1))


def leased_sources(session: Session) -> int:
    """How many sources are leased now."""
    leased = (
        select(OutboxEvent.source_kind, OutboxEvent.source_id)
        .where(OutboxEvent.leased_until > utcnow(), OutboxEvent.parked_at.is_(None))
        .distinct()
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(leased)) or 0


def is_idle(session: Session) -> bool:
    """Whether nothing waits and nothing is worked on (parked events do not count)."""
    return session.scalar(select(OutboxEvent.id).where(OutboxEvent.parked_at.is_(None)).limit(1)) is None
