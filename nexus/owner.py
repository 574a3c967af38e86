"""The database as a process finds it, with the installation's owner, and the owner's ways in. Knows nothing of the app
that is served: commands that only talk to a server start without it."""

from datetime import timedelta

from core_api import audit
from core_api.audit import Actor
from core_api.auth import one_time
from core_api.auth.api_keys import create_api_key
from core_api.auth.permissions import Scope
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.migrate import lock_start, upgrade
from core_api.infra.settings import Settings
from core_api.models import TokenKind


def open_database(settings: Settings) -> Database:
    """The database at the schema of this version, with its owner."""
    database = Database(settings.resolved_database_url)
    upgrade(database)
    with database.transaction() as session:
        lock_start(session)  # of two processes that start at once, one makes the owner
        ensure_owner(session)
    return database


def owner_key(database: Database, lifetime: timedelta, name: str) -> str:
    """A new API key of the installation's owner, for everything that a key may be used for."""
    with database.transaction() as session:
        owner, _ = ensure_owner(session)
        _, secret = create_api_key(session, owner.user_id, name, list(Scope), lifetime)
    return secret


def sign_in_link(settings: Settings, database: Database, base_url: str) -> str:
    """A one-time link that signs the owner in; that there is one is recorded."""
    lifetime = timedelta(minutes=settings.sign_in_link_minutes)
    with database.transaction() as session:
        owner, _ = ensure_owner(session)
        secret = one_time.issue(session, owner.user_id, TokenKind.SIGN_IN_LINK, lifetime)
        actor = Actor(None, "command line")
        audit.record(session, actor, "auth.sign_in_link_issued", "user", owner.user_id)
    return f"{base_url}/sign-in?token={secret}"
