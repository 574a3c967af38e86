"""Reminders: a person's own, listed, seen and deleted; and the thread that tells of them when they are due, once."""

import threading
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from assistant.proposals.schemas import ReminderRead
from core_api import audit, mail
from core_api.audit import Actor
from core_api.auth.subject import Subject
from core_api.http.pagination import Page, page_rows
from core_api.infra.database import Database
from core_api.infra.errors import NexusError, NotFound
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.models import Reminder, User, utcnow

log = structlog.get_logger()

# Another server may have taken a reminder in; so late it can be at most.
_LONGEST_PAUSE_SECONDS = 15.0
_SHORTEST_PAUSE_SECONDS = 0.2
_STOP_SECONDS = 10.0
_SUBJECT_CHARS = 80


def list_reminders(
    session: Session, subject: Subject, cursor: str | None, limit: int, *, due: bool | None = None
) -> Page[ReminderRead]:
    """The subject's reminders, the latest time first; `due`: only those whose time has come and that they have not
    seen, or only those still to come."""
    now = utcnow()
    statement = select(Reminder).where(Reminder.user_id == subject.user_id)
    if due is True:
        statement = statement.where(Reminder.due_at <= now, Reminder.seen_at.is_(None))
    elif due is False:
        statement = statement.where(Reminder.due_at > now)
    rows, next_cursor = page_rows(session, statement, [Reminder.due_at, Reminder.id], cursor, limit)
    return Page(items=[_read(row[0], now) for row in rows], next_cursor=next_cursor)


def mark_seen(session: Session, subject: Subject, reminder_id: str) -> ReminderRead:
    """Note that the subject has seen a reminder. Raises NotFound."""
    reminder = _access(session, subject, reminder_id)
    reminder.seen_at = reminder.seen_at or utcnow()
    session.flush()
    return _read(reminder, utcnow())


def delete_reminder(session: Session, subject: Subject, reminder_id: str) -> None:
    """Delete a reminder; it is not told of any more. Raises NotFound."""
    reminder = _access(session, subject, reminder_id)
    session.delete(reminder)
    # Without its text, which is nobody else's.
    audit.record(session, Actor.of(subject), "reminder.deleted", "reminder", reminder.id)


def export_reminders(session: Session, subject: Subject) -> list[dict[str, object]]:
    """All reminders of the subject, for an export of their data."""
    rows = session.scalars(select(Reminder).where(Reminder.user_id == subject.user_id).order_by(Reminder.id))
    return [_read(row, utcnow()).model_dump(mode="json") for row in rows]


class ReminderSender:
    """Tells of reminders when they are due, on a thread. What is due is in the database only: nothing is lost when the
    server stops, and what became due meanwhile is told of when it starts."""

    def __init__(self, settings: Settings, database: Database, vault: Vault) -> None:
        self._settings = settings
        self._database = database
        self._vault = vault
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reminders", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the reminder at hand."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        pause = _SHORTEST_PAUSE_SECONDS
        while not self._stopping.wait(pause):
            pause = _LONGEST_PAUSE_SECONDS
            try:
                self.send_due()
                pause = self._seconds_to_next()
            except (SQLAlchemyError, NexusError) as error:  # the thread must outlive a database that is away
                log.warning("reminders_not_sent", error=str(error))

    def send_due(self) -> int:
        """Tell of every reminder that is due; gives how many there were."""
        with self._database.reading() as session:
            due = session.scalars(
                select(Reminder.id)
                .where(Reminder.sent_at.is_(None), Reminder.due_at <= utcnow())
                .order_by(Reminder.due_at)
            ).all()
        return sum(self._send(reminder_id) for reminder_id in due if not self._stopping.is_set())

    def _send(self, reminder_id: str) -> bool:
        """Note that it is told of and queue the mail, in one transaction: both happen, once, or neither."""
        now = utcnow()
        with self._database.transaction() as session:
            claimed = session.scalar(
                update(Reminder)
                .where(Reminder.id == reminder_id, Reminder.sent_at.is_(None))
                .values(sent_at=now)
                .returning(Reminder.id)
            )
            if claimed is None:  # another server has, or it was deleted
                return False
            reminder = session.get_one(Reminder, reminder_id)
            user = session.get_one(User, reminder.user_id)
            present = user.disabled_at is None and user.deleted_at is None
            if reminder.mail and present and user.email is not None and user.email_verified_at is not None:
                self._mail(session, reminder, user, user.email)
                reminder.mailed_at = now
            return True

    def _mail(self, session: Session, reminder: Reminder, user: User, address: str) -> None:
        line = " ".join(reminder.text.split())
        text = mail.render(
            "reminder",
            user.locale,
            title=line if len(line) <= _SUBJECT_CHARS else line[: _SUBJECT_CHARS - 1] + "…",
            text=reminder.text,
            when=local_time(reminder.due_at, reminder.time_zone),
            link=f"{self._settings.resolved_public_url}/ask",
        )
        mail.queue(session, self._vault, address, *text)

    def _seconds_to_next(self) -> float:
        with self._database.reading() as session:
            due = session.scalar(select(func.min(Reminder.due_at)).where(Reminder.sent_at.is_(None)))
        if due is None:
            return _LONGEST_PAUSE_SECONDS
        return min(_LONGEST_PAUSE_SECONDS, max(_SHORTEST_PAUSE_SECONDS, (due - utcnow()).total_seconds()))


def local_time(when: datetime, zone: str) -> str:
    """A time as it is read in a zone: "2026-12-04 09:00 (Asia/Seoul)"."""
    return f"{when.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"


def _access(session: Session, subject: Subject, reminder_id: str) -> Reminder:
    reminder = session.scalar(select(Reminder).where(Reminder.id == reminder_id, Reminder.user_id == subject.user_id))
    if reminder is None:
        raise NotFound(f"You have no reminder {reminder_id!r}.")
    return reminder


def _read(reminder: Reminder, now: datetime) -> ReminderRead:
    return ReminderRead(
        id=reminder.id,
        text=reminder.text,
        due_at=reminder.due_at,
        time_zone=reminder.time_zone,
        mail=reminder.mail,
        due=reminder.due_at <= now and reminder.seen_at is None,
        mailed_at=reminder.mailed_at,
        seen_at=reminder.seen_at,
    )
