"""The outbox: every change of a source leaves a "look again" event in the same transaction.

Events are written by a recorder on the Session's flush, so no endpoint can forget one. They carry no content:
a duplicate or late event only makes the pipeline look once more.
"""

import threading
from collections.abc import Callable, Sequence

from sqlalchemy import Row, event, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

from core_api.models import ChangeSequence, IndexedSource, IndexState, OutboxEvent

_WROTE_EVENTS = "outbox_wrote_events"
_TRACEPARENT = "outbox_traceparent"


def request_index(
    session: Session, source_kind: str, source_id: str, space_id: str | None = None, *, edit: bool = False
) -> None:
    """Ask the pipeline to look at a source (of a space) again; `edit`: before what is new."""
    traceparent = session.info.get(_TRACEPARENT)  # not of a session that a Database did not make
    session.execute(
        insert(OutboxEvent).values(
            source_kind=source_kind,
            source_id=source_id,
            space_id=space_id,
            edit=edit,
            traceparent=traceparent() if traceparent is not None else None,
        )
    )
    session.info[_WROTE_EVENTS] = True


def next_change(session: Session) -> int:
    """The next number in the order of index changes.

    The counter's row stays locked until the transaction ends, so numbers become visible in their own order and a
    replica that has seen N has seen everything before N.
    """
    number: int | None = session.scalar(
        update(ChangeSequence)
        .where(ChangeSequence.id == 1)
        .values(value=ChangeSequence.value + 1)
        .returning(ChangeSequence.value)
    )
    if number is None:
        raise RuntimeError("the change_sequence row is missing: run the migrations")
    return number


def last_change(session: Session) -> int:
    """The last number given out by a committed transaction."""
    return session.scalar(select(ChangeSequence.value).where(ChangeSequence.id == 1)) or 0


def changed_since(session: Session, position: int, most: int) -> Sequence[Row[str, str, str, str, int]]:
    """The next sources whose index changed after a number, in order: `source_kind`, `source_id`, `space_id`, `status`,
    `change_seq`."""
    return session.execute(
        select(
            IndexState.source_kind, IndexState.source_id, IndexState.space_id, IndexState.status, IndexState.change_seq
        )
        .where(IndexState.change_seq > position)
        .order_by(IndexState.change_seq)
        .limit(most)
    ).all()


def attach(sessions: sessionmaker[Session], written: threading.Event, traceparent: Callable[[], str | None]) -> None:
    """Record the changes made through these sessions; `written` is set after each commit that recorded some.
    `traceparent` gives the span that a change is made in, where there is one."""
    sessions.configure(info={_TRACEPARENT: traceparent})

    @event.listens_for(sessions, "after_flush")
    def record(session: Session, _context: object) -> None:
        edited = [row for row in session.dirty if session.is_modified(row)]
        for edit, rows in ((False, session.new), (True, edited)):
            for row in rows:
                if isinstance(row, IndexedSource):
                    request_index(session, row.__source_kind__, row.id, row.space_id, edit=edit)  # type: ignore[attr-defined]

    @event.listens_for(sessions, "after_commit")
    def signal(session: Session) -> None:
        if session.info.pop(_WROTE_EVENTS, False):
            written.set()

    @event.listens_for(sessions, "after_rollback")
    def forget(session: Session) -> None:
        session.info.pop(_WROTE_EVENTS, None)
