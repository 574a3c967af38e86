"""The thread that sends what is queued, as soon as it is committed, and tries again what has failed."""

import threading
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from core_api import audit
from core_api.audit import SYSTEM
from core_api.infra.database import Database
from core_api.infra.errors import NexusError
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.mail.smtp import NotDelivered, SmtpServer, Undeliverable, compose, send, write
from core_api.models import MailMessage, utcnow

log = structlog.get_logger()

# Another process may have queued something (`nexus user add` beside a server).
_POLL_SECONDS = 30.0
# For so long nobody else takes up a message that is being sent.
_LEASE = timedelta(minutes=5)
_LONGEST_PAUSE = timedelta(hours=4)
_GIVE_UP_AFTER = timedelta(days=3)
# Without an SMTP server bodies are kept, for an admin to see; links in older ones no longer work.
_KEEP_BODIES = timedelta(days=30)
_STOP_SECONDS = 10.0


class MailSender:
    """Sends mail over SMTP, or writes it to the mail folder where no server is set."""

    def __init__(
        self, settings: Settings, database: Database, vault: Vault, *, first_pause: timedelta = timedelta(minutes=1)
    ) -> None:
        self._settings = settings
        self._database = database
        self._vault = vault
        self._first_pause = first_pause
        url = settings.smtp_url
        self._server = SmtpServer.of(url.get_secret_value()) if url is not None else None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mail", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is due now has been tried."""
        self._stopping.set()
        self._database.mail_queued.set()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while True:
            self._database.mail_queued.clear()
            pause = self._first_pause.total_seconds()
            try:
                self._drop_old_bodies()
                self._send_due()
                pause = self._seconds_to_next()
            except (SQLAlchemyError, NexusError) as error:
                log.warning("mail_not_read", error=str(error))
            if self._stopping.is_set():
                return
            self._database.mail_queued.wait(pause)

    def _send_due(self) -> None:
        while (claimed := self._claim()) is not None:
            self._finish(claimed, *self._try(claimed))

    def _claim(self) -> MailMessage | None:
        """The next message that is due; it is no longer so for others."""
        now = utcnow()
        with self._database.reading() as session:
            message = session.scalar(
                select(MailMessage).where(MailMessage.next_try_at <= now).order_by(MailMessage.next_try_at).limit(1)
            )
        if message is None:
            return None
        with self._database.transaction() as session:
            mine = session.scalar(
                update(MailMessage)
                .where(MailMessage.id == message.id, MailMessage.next_try_at == message.next_try_at)
                .values(next_try_at=now + _LEASE, tries=MailMessage.tries + 1)
                .returning(MailMessage.id)
            )
        return message if mine is not None else self._claim()

    def _try(self, message: MailMessage) -> tuple[str | None, bool]:
        """Send a message; gives what went wrong, and whether to try again."""
        try:
            body = self._vault.decrypt(message.body_encrypted or b"")
            mail = compose(self._settings.mail_from, message.recipient, message.subject, body)
            if self._server is not None:
                send(self._server, mail)
            else:
                write(self._settings.mail_dir, message.id, mail)
        except Undeliverable as error:
            return str(error), False
        except (NotDelivered, NexusError) as error:
            return str(error), utcnow() - message.created_at < _GIVE_UP_AFTER
        return None, False

    def _finish(self, message: MailMessage, error: str | None, again: bool) -> None:
        now = utcnow()
        values: dict[str, datetime | str | bytes | None] = {"error": error, "next_try_at": None}
        if again:
            pause = min(self._first_pause * 2 ** min(message.tries, 20), _LONGEST_PAUSE)
            values["next_try_at"] = now + pause
        elif self._server is not None:
            values["body_encrypted"] = None
        if error is None and self._server is not None:
            values["sent_at"] = now
        with self._database.transaction() as session:
            session.execute(update(MailMessage).where(MailMessage.id == message.id).values(**values))
        if error is not None:
            log.warning("mail_not_sent", message_id=message.id, error=error, again=again)

    def _drop_old_bodies(self) -> None:
        old = MailMessage.created_at < utcnow() - _KEEP_BODIES
        kept = MailMessage.body_encrypted.is_not(None)
        idle = or_(MailMessage.next_try_at.is_(None), MailMessage.sent_at.is_not(None))
        with self._database.reading() as session:
            found = session.scalar(select(MailMessage.id).where(old, kept, idle).limit(1))
        if found is not None:
            with self._database.transaction() as session:
                drop = update(MailMessage).where(old, kept, idle).values(body_encrypted=None)
                dropped = session.scalars(drop.returning(MailMessage.id)).all()
                if dropped:  # another process may have been at it
                    audit.record(
                        session, SYSTEM, "mail.expired", "mail", count=len(dropped), kept_days=_KEEP_BODIES.days
                    )

    def _seconds_to_next(self) -> float:
        with self._database.reading() as session:
            due = session.scalar(select(func.min(MailMessage.next_try_at)))
        return _POLL_SECONDS if due is None else min(_POLL_SECONDS, max(0.0, (due - utcnow()).total_seconds()))
