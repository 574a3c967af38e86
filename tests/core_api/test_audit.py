"""The audit log: written by what is done, listed, exported, and a chain that shows what was tampered with."""

import csv
import io
import json
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError

from core_api import audit
from core_api.audit import SYSTEM, Actor
from core_api.infra.database import Database
from core_api.models import AuditChain, AuditEvent, SystemRole, utcnow
from tests.core_api.accounts import unlock_audit_log

Person = Callable[..., TestClient]
URL = "/api/v1/audit"


def write(
    database: Database, count: int, actor: Actor = SYSTEM, action: str = "user.changed", **details: object
) -> None:
    for number in range(count):
        with database.transaction() as session:
            audit.record(session, actor, action, "user", f"u{number}", **{"number": number, **details})


def broken(database: Database) -> int | None:
    with database.reading() as session:
        return audit.verify(session)


@pytest.fixture
def admin(person: Person) -> TestClient:
    return person("Ada", SystemRole.ADMIN)


def test_an_untouched_chain_verifies(database: Database) -> None:
    assert broken(database) is None
    write(database, 5, Actor("kim", "김민지"), text="é\u2028 ", nested={"b": [1, None, 2.5], "a": True})
    assert broken(database) is None
    with database.reading() as session:
        assert audit.end(session)[0] == 5


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_events SET action = 'user.created' WHERE id = 2",
        "UPDATE audit_events SET details = details",
        "DELETE FROM audit_events WHERE id = 3",
        "DELETE FROM audit_events",
    ],
)
def test_the_database_refuses_to_change_or_delete_an_event(database: Database, statement: str) -> None:
    write(database, 3)
    with pytest.raises(IntegrityError, match="only added to"), database.transaction() as session:
        session.execute(text(statement))
    assert broken(database) is None
    write(database, 1)
    with database.reading() as session:
        assert audit.end(session)[0] == 4


def test_the_database_refuses_to_replace_or_truncate_too(database: Database) -> None:
    write(database, 3)
    columns = ", ".join(column.key for column in AuditEvent.__table__.columns)
    replaced = columns.replace("action", "'user.created'")
    statement = (
        f"INSERT OR REPLACE INTO audit_events ({columns}) SELECT {replaced} FROM audit_events WHERE id = 2"
        if database.is_local
        else "TRUNCATE audit_events"
    )
    with pytest.raises(IntegrityError, match="only added to"), database.transaction() as session:
        session.execute(text(statement))
    assert broken(database) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_name", "Somebody else"),
        ("actor_id", None),
        ("action", "user.created"),
        ("target_id", "other"),
        ("address", "10.0.0.1"),
        ("at", utcnow() - timedelta(days=1)),
        ("details", {"number": 99}),
        ("sha256", "0" * 64),
        ("previous_sha256", "0" * 64),
    ],
)
def test_a_changed_event_is_found(database: Database, column: str, value: object) -> None:
    write(database, 4, Actor("kim", "Kim"))
    unlock_audit_log(database)
    with database.transaction() as session:
        session.execute(update(AuditEvent).where(AuditEvent.id == 3).values({column: value}))
    assert broken(database) == 3


def test_a_removed_event_is_found(database: Database) -> None:
    write(database, 4)
    unlock_audit_log(database)
    with database.transaction() as session:
        session.execute(delete(AuditEvent).where(AuditEvent.id == 2))
    assert broken(database) == 2


@pytest.mark.parametrize("kept", [0, 2, 3])
def test_an_end_that_was_cut_off_is_found(database: Database, kept: int) -> None:
    write(database, 4)
    unlock_audit_log(database)
    with database.transaction() as session:
        session.execute(delete(AuditEvent).where(AuditEvent.id > kept))
    assert broken(database) == kept + 1


def test_an_end_that_was_put_back_is_found(database: Database) -> None:
    write(database, 4)
    unlock_audit_log(database)
    with database.transaction() as session:
        second = session.get_one(AuditEvent, 2).sha256
        session.execute(delete(AuditEvent).where(AuditEvent.id > 2))
        session.execute(update(AuditChain).values(last_id=2, last_sha256="f" * 64))
    assert broken(database) == 2
    with database.transaction() as session:
        session.execute(update(AuditChain).values(last_sha256=second))
    assert broken(database) is None, "whoever rewrites the end of the chain too is found by the hash kept elsewhere"


def test_many_writers_at_once_keep_the_chain(database: Database) -> None:
    failures: list[Exception] = []

    def run(name: str) -> None:
        try:
            write(database, 15, Actor(name, name))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(f"writer {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    checks = [broken(database) for _ in range(5)]
    for thread in threads:
        thread.join()
    assert failures == []
    assert checks == [None] * 5, "what is added while it is checked does not look broken"
    assert broken(database) is None
    with database.reading() as session:
        assert sorted(session.scalars(select(AuditEvent.id))) == list(range(1, 121))


def test_what_is_rolled_back_leaves_no_gap(database: Database) -> None:
    write(database, 1)
    with database.transaction() as session:
        audit.record(session, SYSTEM, "user.deleted", "user", "x")
        session.rollback()
    write(database, 1)
    assert broken(database) is None
    with database.reading() as session:
        assert audit.end(session)[0] == 2


def test_admins_list_with_filters_and_page_by_page(admin: TestClient, database: Database) -> None:
    write(database, 3, Actor("kim", "Kim"))
    write(database, 2, Actor("lee", "Lee"), "auth.signed_in")
    write(database, 1, Actor("lee", "Lee"), "authority.x")

    def found(**params: object) -> list[int]:
        response = admin.get(URL, params=params)
        assert response.status_code == 200, response.text
        return [event["id"] for event in response.json()["items"]]

    assert found() == [6, 5, 4, 3, 2, 1]
    assert found(action="auth.signed_in") == [5, 4]
    assert found(action="auth") == [5, 4], "a group"
    assert found(action="auth%") == []
    assert found(actor_id="kim", target_id="u1") == [2]
    assert found(after=utcnow() + timedelta(minutes=1)) == []
    assert found(before=utcnow() + timedelta(minutes=1)) == [6, 5, 4, 3, 2, 1]
    first = admin.get(URL, params={"limit": 4}).json()
    rest = admin.get(URL, params={"limit": 4, "cursor": first["next_cursor"]}).json()
    assert [event["id"] for event in first["items"] + rest["items"]] == [6, 5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None
    event = first["items"][1]
    assert (event["actor_name"], event["action"], event["details"]) == ("Lee", "auth.signed_in", {"number": 1})
    for bad in ({"after": "yesterday"}, {"after": "2026-01-01T00:00:00"}, {"cursor": "WyJhIl0="}, {"limit": 1000}):
        assert admin.get(URL, params=bad).status_code == 422


def test_others_do_not_see_the_log(person: Person) -> None:
    for role in (SystemRole.MANAGER, SystemRole.MEMBER, SystemRole.GUEST):
        client = person("Kim", role)
        assert client.get(URL).status_code == 403
        assert client.get(f"{URL}/export").status_code == 403


def test_an_export_is_complete_and_recorded_itself(admin: TestClient, database: Database) -> None:
    write(database, 3, Actor("kim", 'Kim, "the" first'))
    lines = admin.get(f"{URL}/export", params={"format": "jsonl", "actor_id": "kim"})
    assert "attachment" in lines.headers["content-disposition"]
    rows = [json.loads(line) for line in lines.text.splitlines()]
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert rows[0]["actor_name"] == 'Kim, "the" first'
    table = list(csv.DictReader(io.StringIO(admin.get(f"{URL}/export").text)))
    assert [row["id"] for row in table] == ["1", "2", "3", "4"]
    assert table[3]["action"] == "audit.exported"
    assert json.loads(table[3]["details"]) == {"filters": {"actor_id": "kim"}, "format": "jsonl"}
    assert table[0]["sha256"] == rows[0]["sha256"]
    assert broken(database) is None
    everything = {
        "action": "audit",
        "target_id": "x",
        "after": "2026-01-01T00:00:00Z",
        "before": "2026-01-01T00:00:00Z",
    }
    assert admin.get(f"{URL}/export", params=everything).text.count("\n") == 1
    assert admin.get(f"{URL}/export", params={"action": "a\0b"}).status_code == 422


def test_a_spreadsheet_does_not_run_what_somebody_called_themselves(admin: TestClient, database: Database) -> None:
    for name in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        write(database, 1, Actor("kim", name))
    table = list(csv.DictReader(io.StringIO(admin.get(f"{URL}/export").text, newline="")))
    assert [row["actor_name"] for row in table[:5]] == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\t=1"]
    assert all(row["actor_name"][0] == "'" for row in table)


def test_a_long_log_is_exported_in_pieces(
    admin: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core_api.domains.audit import service

    monkeypatch.setattr(service, "_BATCH", 2)
    write(database, 5)
    assert len(admin.get(f"{URL}/export", params={"format": "jsonl"}).text.splitlines()) == 5
