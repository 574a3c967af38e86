"""`nexus audit verify`, and what the whole product puts into the log and into an export."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import update

from core_api import audit
from core_api.audit import SYSTEM
from core_api.auth import sessions
from core_api.auth.sessions import Device
from core_api.infra.settings import Settings
from core_api.models import AuditEvent, Conversation, ConversationMessage
from nexus.owner import open_database
from tests.core_api.accounts import unlock_audit_log

Nexus = Callable[..., Any]


def test_verify_tells_the_first_broken_event_and_fails(nexus: Nexus, data_dir: Path) -> None:
    assert "All 0 events" in nexus("audit", "verify").out
    database = open_database(Settings(data_dir=data_dir))
    for number in range(3):
        with database.transaction() as session:
            audit.record(session, SYSTEM, "user.changed", "user", str(number))
    intact = nexus("audit", "verify")
    assert intact.code == 0
    assert "All 3 events" in intact.out
    seen = nexus("audit", "verify", "--json").json()
    assert (seen["events"], seen["first_broken"]) == (3, None)
    assert seen["last_sha256"] in intact.out
    unlock_audit_log(database)
    with database.transaction() as session:
        session.execute(update(AuditEvent).where(AuditEvent.id == 2).values(action="user.created"))
    database.dispose()
    broken = nexus("audit", "verify")
    assert broken.code == 1
    assert "Event 2" in broken.out
    assert json.loads(nexus("audit", "verify", "--json").out)["first_broken"] == 2


def test_repairing_and_rebuilding_the_index_is_recorded(product: TestClient) -> None:
    assert product.post("/api/v1/index/reconcile", json={}).status_code == 200
    assert product.post("/api/v1/index/reindex", json={}).status_code == 200
    events = product.get("/api/v1/audit", params={"action": "index"}).json()["items"]
    assert [event["action"] for event in events[:2]] == ["index.reindexed", "index.reconciled"]
    assert events[1]["details"]["missing_files"] == 0


def test_an_export_has_the_conversations(product: TestClient) -> None:
    database = product.app.state.database  # type: ignore[attr-defined]
    me = product.get("/api/v1/users/me").json()["id"]
    with database.transaction() as session:
        conversation = Conversation(user_id=me, title="Where is it?")
        session.add(conversation)
        session.flush()
        session.add(ConversationMessage(conversation_id=conversation.id, role="user", content="Where is it?"))
        secret = sessions.start_browser_session(session, me, timedelta(hours=1), Device())
    browser = TestClient(product.app, cookies={"nexus_session": secret})
    assert product.get("/api/v1/users/me/export").status_code == 403, "an API key does not manage the account"
    archive = zipfile.ZipFile(io.BytesIO(browser.get("/api/v1/users/me/export").content))
    conversations = json.loads(archive.read("conversations.json"))
    (exported,) = (one for one in conversations if one["id"] == conversation.id)
    assert exported["messages"][0]["content"] == "Where is it?"
