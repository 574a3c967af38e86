"""The search log: one's own only, switchable, kept for a time, and counted without exposing anybody's words."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update

from core_api.audit import SYSTEM
from core_api.auth.subject import Subject
from core_api.domains.search_log import service
from core_api.domains.search_log.recording import SearchRecorder
from core_api.domains.users.leaving import delete_user
from core_api.domains.users.schemas import Attribution
from core_api.infra.database import Database
from core_api.infra.migrate import upgrade
from core_api.infra.settings import Settings
from core_api.models import Chunk, SearchClick, SearchLog, SystemRole, User, utcnow
from tests.applications import application
from tests.core_api.accounts import API, PASSWORD, audited, browse, make_account
from tests.factories import make_document, make_space, make_user

Person = Callable[..., TestClient]


def searched(app: FastAPI, user_id: str, query: str, hits: int = 3, took_ms: float = 10.0) -> str:
    """A search as the search endpoint records it; gives its id."""
    subject = Subject(user_id, "Somebody", SystemRole.MEMBER)
    recorder: SearchRecorder = app.state.search_recorder
    search_id = service.record(recorder, subject, query=query, mode="hybrid", hits=hits, took_ms=took_ms)
    assert search_id is not None
    return search_id


def count(database: Database, table: type[SearchLog] | type[SearchClick]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def indexed(database: Database, client: TestClient) -> str:
    """A document with one passage, in a space of the client's; gives the passage's id."""
    space = make_space(client)
    document = make_document(client, space)
    with database.transaction() as session:
        chunk = Chunk(
            id=f"document:{document}:0",
            space_id=space,
            source_kind="document",
            source_id=document,
            version=1,
            ordinal=0,
            title="Note",
            text="Words.",
            start=0,
            end=6,
            language="en",
            content_sha256="0" * 64,
        )
        session.add(chunk)
    return chunk.id


def click(client: TestClient, search_id: str, chunk_id: str, position: int = 1) -> int:
    body = {"chunk_id": chunk_id, "position": position}
    return client.post(f"{API}/search/{search_id}/clicks", json=body).status_code


def test_only_oneself_sees_ones_searches(app: FastAPI, database: Database, person: Person) -> None:
    kim, lee, boss = person("Kim"), person("Lee"), person("Boss", SystemRole.ADMIN)
    first = searched(app, kim.user_id, "  Parental  Leave ")
    searched(app, kim.user_id, "parental leave")
    searched(app, kim.user_id, "budget", hits=0)
    page = kim.get(f"{API}/search/history?limit=2").json()
    assert [item["query"] for item in page["items"]] == ["budget", "parental leave"]
    rest = kim.get(f"{API}/search/history", params={"cursor": page["next_cursor"]}).json()
    assert [(item["id"], item["query"]) for item in rest["items"]] == [(first, "  Parental  Leave ")]
    assert rest["next_cursor"] is None
    for other in (lee, boss):
        assert other.get(f"{API}/search/history").json()["items"] == []
    with database.reading() as session:
        # Each once, the latest first; what found nothing is not offered again.
        assert service.recent_queries(session, Subject(kim.user_id, "Kim", SystemRole.MEMBER)) == ["parental leave"]


def test_a_query_without_words_is_not_recorded_and_none_is_where_it_is_switched_off(
    app: FastAPI, database: Database, settings: Settings
) -> None:
    kim = make_user(database)
    nothing = {"query": " \n", "mode": "hybrid", "hits": 1, "took_ms": 1.0}
    assert service.record(app.state.search_recorder, kim, **nothing) is None  # type: ignore[arg-type]
    off = SearchRecorder(settings.model_copy(update={"search_log": False}), database)
    assert service.record(off, kim, query="words", mode="hybrid", hits=1, took_ms=1.0) is None
    off.flush()
    assert count(database, SearchLog) == 0


def test_old_searches_are_really_deleted(app: FastAPI, database: Database, person: Person) -> None:
    kim = person()
    old, new = searched(app, kim.user_id, "old"), searched(app, kim.user_id, "new")
    chunk = indexed(database, kim)
    assert click(kim, old, chunk) == click(kim, new, chunk) == 204
    kept = app.state.settings.search_log_days
    with database.transaction() as session:
        then = utcnow() - timedelta(days=kept, minutes=1)
        session.execute(update(SearchLog).where(SearchLog.id == old).values(asked_at=then))
    recorder = SearchRecorder(app.state.settings, database)
    assert recorder.delete_old() == 1
    assert recorder.delete_old() == 0
    [event] = audited(database, "search.history_expired")
    assert (event.actor_name, event.details) == ("system", {"count": 1, "kept_days": kept})
    with database.reading() as session:
        assert list(session.scalars(select(SearchLog.id))) == [new]
        assert list(session.scalars(select(SearchClick.search_id))) == [new]


def test_a_started_recorder_writes_by_itself(app: FastAPI, database: Database, person: Person) -> None:
    kim = person()
    searched(app, kim.user_id, "words")
    app.state.search_recorder.stop()
    assert count(database, SearchLog) == 1


def test_what_could_not_be_written_is_written_when_the_database_is_back(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'late.db'}")  # without its tables yet
    recorder = SearchRecorder(Settings(data_dir=tmp_path), database)
    assert recorder.add("one", "kim", "words", "hybrid", 1, 1.0)
    time.sleep(0.3)
    upgrade(database)
    with database.transaction() as session:
        session.add(User(id="kim", name="Kim", role=SystemRole.MEMBER))
    deadline = time.monotonic() + 20
    while not count(database, SearchLog) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert count(database, SearchLog) == 1
    recorder.stop()
    database.dispose()


def test_one_opens_what_one_may_read_from_ones_own_searches_only(
    app: FastAPI, database: Database, person: Person
) -> None:
    kim, lee = person("Kim"), person("Lee")
    mine, theirs = indexed(database, kim), indexed(database, lee)
    search_id = searched(app, kim.user_id, "words")
    assert click(lee, search_id, theirs) == 404
    assert click(kim, search_id, theirs) == 404
    assert click(kim, search_id, "document:nothing:0") == 404
    assert click(kim, "nothing", mine) == 404
    assert click(kim, search_id, mine, 0) == 422
    assert click(kim, search_id, mine, 2) == click(kim, search_id, mine, 2) == 204
    with database.reading() as session:
        (row,) = session.scalars(select(SearchClick))
    assert (row.chunk_id, row.source_kind, row.position) == (mine, "document", 2)


def test_ones_searches_are_in_the_export_and_go_when_one_says_so(app: FastAPI, database: Database) -> None:
    kim_id, lee_id = make_account(database, "Kim"), make_account(database, "Lee")
    kim = browse(app, "Kim")
    searches = [searched(app, kim_id, word) for word in ("one", "two", "three")]
    searched(app, lee_id, "another's")
    assert click(kim, searches[0], indexed(database, kim)) == 204
    archive = zipfile.ZipFile(io.BytesIO(kim.get(f"{API}/users/me/export").content))
    exported = json.loads(archive.read("searches.json"))
    assert [(row["query"], len(row["opened"])) for row in exported] == [("one", 1), ("two", 0), ("three", 0)]

    assert kim.delete(f"{API}/search/history/{searches[1]}").status_code == 204
    assert kim.delete(f"{API}/search/history/{searches[1]}").status_code == 404
    assert browse(app, "Lee").delete(f"{API}/search/history/{searches[0]}").status_code == 404
    assert [item["query"] for item in kim.get(f"{API}/search/history").json()["items"]] == ["three", "one"]
    assert kim.delete(f"{API}/search/history").status_code == 204
    assert (count(database, SearchLog), count(database, SearchClick)) == (1, 0)
    one, rest = audited(database, "search.history_deleted")
    assert (one.actor_id, one.target_id, one.details) == (kim_id, searches[1], {"count": 1})
    assert (rest.actor_id, rest.target_id, rest.details) == (kim_id, "", {"count": 2})


def test_ones_searches_go_with_ones_account(app: FastAPI, database: Database) -> None:
    kim_id, lee_id = make_account(database, "Kim"), make_account(database, "Lee")
    kim = browse(app, "Kim")
    searched(app, lee_id, "another's")
    searched(app, kim_id, "words")
    app.state.search_recorder.flush()
    searched(app, kim_id, "on its way")
    gone = kim.request("DELETE", f"{API}/users/me", json={"password": PASSWORD})
    assert gone.status_code == 204, gone.text
    app.state.search_recorder.flush()
    with database.reading() as session:
        assert list(session.scalars(select(SearchLog.user_id))) == [lee_id]


def test_a_search_waits_for_a_deletion_under_way(app: FastAPI, database: Database) -> None:
    kim_id = make_account(database, "Kim")
    with database.transaction() as session:
        delete_user(session, SYSTEM, app.state.files, kim_id, Attribution.KEEP)
        session.flush()
        searched(app, kim_id, "on its way")
        time.sleep(0.5)  # the recorder's thread has begun to write it by now
    app.state.search_recorder.stop()
    assert count(database, SearchLog) == 0


def test_analytics_count_and_show_only_what_many_typed(app: FastAPI, database: Database, person: Person) -> None:
    people = [person(name) for name in ("Kim", "Lee", "Park")]
    boss, manager = person("Boss", SystemRole.ADMIN), person("Boss", SystemRole.MANAGER)
    empty = boss.get(f"{API}/search/analytics").json()
    assert (empty["searches"], empty["success_rate"], empty["median_ms"], empty["by_day"]) == (0, 0.0, None, [])
    for number, client in enumerate(people):
        chunk = indexed(database, client)
        assert click(client, searched(app, client.user_id, "Leave", took_ms=10), chunk) == 204
        searched(app, client.user_id, "leave", took_ms=20)
        searched(app, client.user_id, "  Pension ", hits=0, took_ms=30)
        searched(app, client.user_id, f"my own secret {number}", took_ms=40)
    searched(app, people[0].user_id, "resignation")
    searched(app, people[1].user_id, "resignation")
    app.state.search_recorder.flush()

    response = boss.get(f"{API}/search/analytics")
    assert "secret" not in response.text
    assert "resignation" not in response.text
    found = response.json()
    assert (found["searches"], found["people"], found["days"]) == (14, 3, 30)
    assert found["success_rate"] == pytest.approx(3 / 14, abs=1e-3)
    assert found["zero_results_rate"] == pytest.approx(3 / 14, abs=1e-3)
    assert found["abandoned_rate"] == pytest.approx(8 / 14, abs=1e-3)
    assert found["median_ms"] == 20
    assert found["p95_ms"] == 40
    assert sum(day["searches"] for day in found["by_day"]) == 14
    assert found["top"] == [
        {"query": "leave", "searches": 6, "success_rate": 0.5},
        {"query": "pension", "searches": 3, "success_rate": 0.0},
    ]
    assert found["failing"] == [
        {"query": "pension", "searches": 3, "zero_results": 3, "abandoned": 0},
        {"query": "leave", "searches": 6, "zero_results": 0, "abandoned": 3},
    ]
    assert found["rare"] == {"queries": 4, "searches": 5}
    for outsider in (manager, people[0]):
        assert outsider.get(f"{API}/search/analytics").status_code == 403


def test_many_searches_are_few_transactions(database: Database, settings: Settings) -> None:
    kim = make_user(database)
    app = application(settings, database)
    for number in range(50):
        searched(app, kim.user_id, f"query {number}")
    app.state.search_recorder.flush()
    assert count(database, SearchLog) == 50
