"""A company with something in every table, made through a running server, and what people see of it."""

import io
import json
import subprocess
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

from core_api.auth.sessions import Device, start_browser_session
from core_api.domains.users.avatars import MAX_BYTES, clean_picture, set_avatar
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from core_api.infra.vault import Vault
from core_api.models import (
    AnswerFeedback,
    AssistantSetting,
    AssistantUsage,
    Base,
    ConversationShare,
    GapRequest,
    GoldenQuestion,
    Identity,
    IndexModel,
    Invitation,
    KnowledgeGap,
    LoginSession,
    MailMessage,
    ModelChange,
    ModelSource,
    OneTimeToken,
    Proposal,
    RecoveryCode,
    RefreshToken,
    Reminder,
    SavedSearch,
    SavedSearchMatch,
    SearchClick,
    SearchLog,
    SigningKey,
    TotpDevice,
    new_id,
    utcnow,
)
from tests.factories import make_document, make_space, make_user
from tests.product import run_nexus

Client = httpx.Client | TestClient
QUESTIONS = ("parental leave", "per diem for travel", "who restarts the servers?", "사무실 주차")
HANDBOOK = {
    "Leave": "# Leave\n\nTo request leave, fill in the absence form.\n\n## Parental leave\n\nParents may take twelve "
    "weeks of paid parental leave.",
    "Travel": "# Travel\n\nThe per diem for business travel is 45 euros a day.\n\n## Trains\n\nTrains: second class.",
    "Servers": "# Servers\n\nThe night shift restarts the servers on Sundays, after the backup has been made.",
    "사무실 안내": "# 사무실 안내\n\n사무실은 서울에 있습니다.\n\n## 주차\n\n주차장은 지하 2층에 있습니다.",
}


@dataclass
class Source:
    """Where the company is: its environment, and a client signed in as the owner."""

    environment: dict[str, str]
    settings: Settings
    client: Client
    folder: Path
    documents: dict[str, str] = field(default_factory=dict)
    seen: dict[str, list[tuple[str, float]]] = field(default_factory=dict)

    def nexus(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command on its data directory."""
        return run_nexus({**self.environment, **environment}, *arguments)


def populate(source: Source) -> None:
    """Put something into every table."""
    client = source.client
    handbook = make_space(client, "Handbook")
    for title, text in HANDBOOK.items():
        source.documents[title] = make_document(client, handbook, title, text)
    leave = source.documents["Leave"]
    again = HANDBOOK["Leave"].replace("twelve", "sixteen")
    assert client.patch(f"/api/v1/documents/{leave}", json={"text": again}).status_code == 200
    upload = {"file": ("rota.txt", b"Monday is the day on which Kim cooks in the kitchen.")}
    assert client.post("/api/v1/documents/upload", data={"space_id": handbook}, files=upload).status_code == 201
    assert client.post("/api/v1/projects", json={"name": "Aurora"}).status_code == 201
    deleted = make_document(client, handbook, "Old", "What is not true any more.")
    assert client.delete(f"/api/v1/documents/{deleted}").status_code == 204
    until_indexed(client)
    asked = client.post("/api/v1/assistant/chat", json={"message": "How long is parental leave?"})
    assert asked.json()["citations"], asked.text
    database = Database(source.settings.resolved_database_url)
    try:
        kim = make_user(database, "Kim")
        team = client.get("/api/v1/teams").json()["items"][0]["id"]
        grant = {"user_id": kim.user_id, "role": "viewer"}
        assert client.put(f"/api/v1/documents/{leave}/grants", json=grant).status_code == 200
        _add_the_rest(source, database, kim.user_id, team, asked.json())
        with database.reading() as session:
            empty = [name for name, table in Base.metadata.tables.items() if session.query(table).first() is None]
        assert set(empty) <= {"outbox_events"}
    finally:
        database.dispose()
    evaluations = source.settings.data_dir / "evals"
    evaluations.mkdir()
    (evaluations / "golden.jsonl").write_text('{"query": "leave"}\n')


def _add_the_rest(source: Source, database: Database, user_id: str, team_id: str, answer: dict[str, Any]) -> None:
    now, soon = utcnow(), utcnow() + timedelta(days=1)
    vault = Vault.open(source.settings)
    with database.transaction() as session:
        owner, _ = ensure_owner(session)
        picture = io.BytesIO()
        Image.new("RGB", (8, 8), "teal").save(picture, "PNG")
        picture.seek(0)
        files = open_files(source.settings)
        set_avatar(session, owner, files, files.put(io.BytesIO(clean_picture(picture)), MAX_BYTES))
        start_browser_session(session, owner.user_id, timedelta(days=1), Device())
        device = session.scalars(select(LoginSession.id).order_by(LoginSession.id.desc()).limit(1)).one()
        old = IndexModel(
            model="old", precision="fp32", languages=["en"], name="old", fingerprint="old-model-8-fp32", dimensions=8
        )
        search = SavedSearch(user_id=owner.user_id, name="Leave", query="leave", mode="hybrid", filters={"tags": ["a"]})
        log = SearchLog(user_id=owner.user_id, query="leave", normalised="leave", mode="hybrid", hits=3, took_ms=0.1)
        mine = {"user_id": owner.user_id}
        gap = KnowledgeGap(**mine, question="Why?", fingerprint="f", vector=np.arange(3, dtype="<f4").tobytes())
        session.add_all([old, search, log, gap])
        session.flush()
        of_leave = {"source_kind": "document", "source_id": source.documents["Leave"]}
        hashed = {"token_sha256": new_id()}
        message = answer["message_id"]
        session.add_all(
            [
                ModelChange(model_id=old.id, previous_id=old.id, state="failed", share=1.0, gate={"passed": False}),
                ModelSource(model_id=old.id, **of_leave, space_id="s", chunk_count=2),
                SavedSearchMatch(saved_search_id=search.id, **of_leave),
                SearchClick(search_id=log.id, chunk_id="c", **of_leave, position=1),
                Identity(**mine, provider="google", subject="1", email=None),
                TotpDevice(**mine, secret_encrypted=vault.encrypt("a secret"), last_step=3),
                RecoveryCode(**mine, code_sha256="x"),
                RefreshToken(session_id=device, **hashed, expires_at=soon),
                OneTimeToken(**mine, kind="password_reset", **hashed, expires_at=soon),
                SigningKey(secret_encrypted=vault.encrypt("another")),
                Invitation(email="a@b.example", role="member", invited_by=owner.user_id, **hashed, expires_at=soon),
                MailMessage(recipient="a@b.example", subject="S", body_encrypted=b"\0\1", next_try_at=soon),
                ConversationShare(conversation_id=answer["conversation_id"], user_id=user_id),
                ConversationShare(conversation_id=answer["conversation_id"], team_id=team_id),
                AnswerFeedback(message_id=message, **mine, helpful=True, comment="Good \u2028 so"),
                GoldenQuestion(question="How long?", document_ids=[source.documents["Leave"]], message_id=message),
                GapRequest(gap_id=gap.id, user_id=user_id),
                Proposal(
                    **mine, kind="remind", summary="S", parameters={"a": [1, 0.1, None, "\ud800"]}, expires_at=soon
                ),
                Reminder(**mine, text="Tea", due_at=soon, time_zone="Asia/Seoul"),
                AssistantSetting(id="installation", options={"temperature": 0.25}),
                AssistantUsage(day=now.date(), **mine, model="m", input_tokens=2**40, cost=0.1 + 0.2),
            ]
        )


def until_indexed(client: Client) -> None:
    """Wait for the queue to run empty, and for the words to be found."""
    deadline = time.monotonic() + 120
    while (status := client.get("/api/v1/index/status").json())["queue"]["waiting"] or status["keyword_lag"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def found(client: Client, question: str, mode: str = "hybrid") -> list[tuple[str, float]]:
    """What the handbook says to a question, best first."""
    (space,) = client.get("/api/v1/spaces", params={"name": "Handbook"}).json()["items"]
    body = {"query": question, "mode": mode, "k": 20, "filters": {"space_ids": [space["id"]]}, "log": False}
    response = client.post("/api/v1/search", json=body)
    assert response.status_code == 200, response.text
    return [(hit["chunk_id"], round(hit["score"], 4)) for hit in response.json()["hits"]]


def everything_found(client: Client) -> dict[str, list[tuple[str, float]]]:
    """The answers to all questions, in every mode."""
    return {
        f"{mode} {question}": found(client, question, mode)
        for mode in ("hybrid", "semantic", "keyword")
        for question in QUESTIONS
    }


def citations(client: Client) -> list[bool]:
    """Whether each citation in the conversations of whoever is signed in holds, checked now."""
    held = []
    for conversation in client.get("/api/v1/assistant/conversations").json()["items"]:
        shown = client.get(f"/api/v1/assistant/conversations/{conversation['id']}").json()
        held += [cited["verified"] for message in shown["messages"] for cited in message["citations"]]
    return held


def as_json(ran: subprocess.CompletedProcess[str]) -> Any:
    """What a command printed, which went well."""
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
