"""Conversations are kept as long as the settings say: a thread deletes those that were not used for longer."""

import threading
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from core_api import audit
from core_api.audit import SYSTEM
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import Conversation, ConversationMessage, utcnow

log = structlog.get_logger()

_PAUSE_SECONDS = 3600.0
_STOP_SECONDS = 10.0
_BATCH = 200


class ConversationKeeper:
    """Deletes old conversations, every hour; does nothing where the settings keep them (the default)."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._days = settings.conversation_days
        self._database = database
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if there is anything to do."""
        if self._days is not None and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="conversations", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def delete_old(self, now: datetime | None = None) -> int:
        """Delete the conversations that nobody has asked anything in for longer than the settings allow, with what was
        said about their answers; gives how many. Each transaction that deletes leaves one event with their
        count. Filed questions and tests that were made of them stay."""
        if self._days is None:
            return 0
        old = Conversation.updated_at < (now or utcnow()) - timedelta(days=self._days)
        deleted = 0
        while not self._stopping.is_set():
            with self._database.transaction() as session:
                # Locked: one that is being gone on with is not deleted under its answer.
                ids = session.scalars(
                    select(Conversation.id).where(old).order_by(Conversation.id).limit(_BATCH).with_for_update()
                ).all()
                if not ids:
                    break
                for statement in (
                    delete(ConversationMessage).where(ConversationMessage.conversation_id.in_(ids)),
                    delete(Conversation).where(Conversation.id.in_(ids)),
                ):
                    session.execute(statement, execution_options={"synchronize_session": False})
                audit.record(
                    session, SYSTEM, "conversation.expired", "conversation", count=len(ids), kept_days=self._days
                )
            deleted += len(ids)
        if deleted:
            log.info("conversations_deleted", count=deleted, days=self._days)
        return deleted

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.delete_old()
            except SQLAlchemyError as error:
                log.warning("conversations_not_deleted", error=str(error))
            self._stopping.wait(_PAUSE_SECONDS)
