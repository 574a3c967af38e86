"""The audit log: every sign-in, permission change, share, export, deletion and admin act, in a chain of hashes.

An event is written in the transaction that it tells of. The chain's row is locked until that commits, so that numbers
have no gaps and each event holds the hash of the one before; `verify` finds any that was changed or taken out.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core_api.models import AuditChain, AuditEvent, utcnow

_BATCH = 1_000


class Named(Protocol):
    """Somebody known here (core_api.auth.subject.Subject is one)."""

    @property
    def user_id(self) -> str: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it; nobody known has no id, and the name that they gave."""

    user_id: str | None
    name: str

    @classmethod
    def of(cls, person: "Named") -> "Actor":
        """A subject as an actor."""
        return cls(person.user_id, person.name)


SYSTEM = Actor(None, "system")


def record(
    session: Session, actor: Actor, action: str, target_kind: str = "", target_id: str = "", /, **details: Any
) -> None:
    """Add an event; `action` is a verb of a thing (`team.member_added`). `details` are JSON and hold no secrets."""
    chain = session.scalars(select(AuditChain).where(AuditChain.id == 1).with_for_update()).one()
    context = structlog.contextvars.get_contextvars()
    event = AuditEvent(
        id=chain.last_id + 1,
        at=utcnow(),
        actor_id=actor.user_id,
        actor_name=actor.name,
        action=action,
        target_kind=target_kind,
        target_id=target_id,
        address=str(context.get("address", "")),
        request_id=str(context.get("request_id", "")),
        details=details,
        previous_sha256=chain.last_sha256,
    )
    event.sha256 = _digest(event)
    session.add(event)
    chain.last_id, chain.last_sha256 = event.id, event.sha256
    session.flush()


def verify(session: Session) -> int | None:
    """The number of the first event that is not as it was written (changed, missing or cut off); None: all are."""
    # Read first: what is added while this runs is checked too, but does not make the end look cut off.
    last_id, last_sha256 = end(session)
    expected, previous, found = 1, "", ""
    while events := session.scalars(
        select(AuditEvent).where(AuditEvent.id >= expected).order_by(AuditEvent.id).limit(_BATCH)
    ).all():
        for event in events:
            if event.id != expected or event.previous_sha256 != previous or event.sha256 != _digest(event):
                return expected
            if event.id == last_id:
                found = event.sha256
            expected, previous = expected + 1, event.sha256
        session.expunge_all()
    if expected <= last_id:
        return expected
    return None if found == last_sha256 else last_id


def end(session: Session) -> tuple[int, str]:
    """The number and the hash of the last event; 0 and nothing when there is none."""
    last_id, last_sha256 = session.execute(
        select(AuditChain.last_id, AuditChain.last_sha256).where(AuditChain.id == 1)
    ).one()
    return last_id, last_sha256


def _digest(event: AuditEvent) -> str:
    content = [
        event.id,
        event.at.isoformat(),
        event.actor_id,
        event.actor_name,
        event.action,
        event.target_kind,
        event.target_id,
        event.address,
        event.request_id,
        event.details,
        event.previous_sha256,
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
