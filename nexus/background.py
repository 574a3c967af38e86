"""What one process does for all of them: told in one place, started by `nexus serve`, or by `nexus beat`."""

import assistant.actions.reminders
from assistant.conversations.retention import ConversationKeeper
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from retrieval.alerts import AlertChecker
from retrieval.engine import RetrievalEngine


class Background:
    """Alerts of saved searches, reminders, and the end of conversations that are kept for a time only."""

    def __init__(self, settings: Settings, database: Database, engine: RetrievalEngine, vault: Vault) -> None:
        self._parts = (
            AlertChecker(settings, database, engine, vault),
            assistant.actions.reminders.ReminderSender(settings, database, vault),
            ConversationKeeper(settings, database),
        )

    def start(self) -> None:
        """Begin. Nothing of it is done twice should two processes be at it."""
        for part in self._parts:
            part.start()

    def stop(self) -> None:
        """End, after what is at hand."""
        for part in self._parts:
            part.stop()
