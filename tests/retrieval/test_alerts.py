"""Saved searches: what they find newly, who is told of it, and when it may be shown."""

import time
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from core_api.auth.subject import Subject
from core_api.domains.documents.service import change_document
from core_api.domains.saved_searches.service import export_saved
from core_api.infra.vault import Vault
from core_api.models import AuditEvent, Document, MailMessage, SavedSearch, SpaceMember, User, utcnow
from retrieval.alerts import AlertChecker
from tests.retrieval.library import Library

URL = "/api/v1/saved-searches"


class Watch:
    """Somebody's saved searches, checked when a test says so."""

    def __init__(self, library: Library, who: Subject) -> None:
        self.library, self.client = library, library.client(who)
        self.vault = Vault.open(library.settings)
        self.checker = AlertChecker(library.settings, library.database, library.engine, self.vault)

    def save(self, query: str, **body: Any) -> str:
        made = self.client.post(URL, json={"name": f"About {query}", "query": query, **body})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def news(self, saved: str, client: TestClient | None = None) -> list[str]:
        answer = (client or self.client).get(f"{URL}/{saved}/news")
        assert answer.status_code == 200, answer.text
        titles = [one["source"]["title"] for one in answer.json()["items"]]
        unseen = sum(one["seen_at"] is None for one in answer.json()["items"])
        assert self.client.get(f"{URL}/{saved}").json()["new"] == unseen
        return titles

    def mails(self) -> list[str]:
        with self.library.database.reading() as session:
            rows = session.query(MailMessage).order_by(MailMessage.created_at).all()
            return [self.vault.decrypt(row.body_encrypted or b"") for row in rows]


def give_address(library: Library, who: Subject) -> None:
    with library.database.transaction() as session:
        user = session.get_one(User, who.user_id)
        user.email, user.email_verified_at = "kim@example.com", utcnow()


def test_news_are_what_comes_to_match_and_are_told_once(library: Library) -> None:
    kim = library.person("Kim")
    give_address(library, kim)
    team = library.space(kim)
    old = library.add(team, kim, "Parental leave is sixteen weeks.", title="Leave")
    watch = Watch(library, kim)
    saved = watch.save("parental leave", alert="instant")
    library.add(team, kim, "Parental leave may be taken in two parts.", title="Leave in parts")
    library.add(team, kim, "The coffee machine is cleaned on Fridays.", title="Kitchen")
    assert watch.checker.check_due() == 1
    assert watch.news(saved) == ["Leave in parts"]
    library.write(old, "Parental leave is seventeen weeks.")  # it matched before
    assert watch.checker.check_due() == 0  # a mail was sent: the next one tells of all that comes meanwhile
    with library.database.transaction() as session:
        session.get_one(SavedSearch, saved).due_at = utcnow()
    assert watch.checker.check_due() == 1
    assert watch.checker.check_due() == 0
    assert watch.news(saved) == ["Leave in parts"]
    (mail,) = watch.mails()
    assert "Leave in parts" in mail
    assert "Kitchen" not in mail
    assert watch.client.post(f"{URL}/{saved}/seen").status_code == 204
    assert watch.client.get(f"{URL}/{saved}").json()["new"] == 0
    watch.client.patch(f"{URL}/{saved}", json={"query": "coffee"})
    assert watch.news(saved) == []


def test_filters_alone_and_fields_are_kept_too(library: Library) -> None:
    kim = library.person("Kim")
    team = library.space(kim, name="Handbook")
    library.add(team, kim, "Old.", tags=["hr"], title="Old")
    watch = Watch(library, kim)
    by_filter, by_field = watch.save("", filters={"tags": ["hr"]}), watch.save("tag:hr in:handbook -draft")
    library.add(team, kim, "New.", tags=["hr"], title="New")
    other = library.add(team, kim, "Other.", title="Other")
    library.add(team, kim, "A draft.", tags=["hr"], title="Early")
    watch.checker.check_due()
    assert sorted(watch.news(by_filter)) == ["Early", "New"]
    assert watch.news(by_field) == ["New"]
    with library.database.transaction() as session:
        change_document(session, kim, other, tags=["hr"])
    library.keywords.catch_up(library.database)
    watch.checker.check_due()
    assert set(watch.news(by_field)) == {"New", "Other"}


def test_permission_is_decided_when_it_is_checked_and_when_it_is_shown(library: Library) -> None:
    kim, lee = library.person("Kim"), library.person("Lee")
    give_address(library, kim)
    shared, closed = library.space(kim, lee), library.space(lee)
    watch, other = Watch(library, kim), library.client(lee)
    saved = watch.save("merger", alert="instant")
    library.add(closed, lee, "The merger is secret.", title="Secret merger")
    moved = library.add(shared, lee, "The merger in short.", title="Short merger")
    library.add(shared, lee, "The merger in long.", title="Long merger")
    watch.checker.check_due()
    assert sorted(watch.news(saved)) == ["Long merger", "Short merger"]
    assert "Secret" not in watch.mails()[0]
    with library.database.transaction() as session:
        session.get_one(Document, moved).space_id = closed
    assert watch.news(saved) == ["Long merger"]
    with library.database.transaction() as session:
        session.delete(session.get_one(SpaceMember, (shared, kim.user_id)))
    assert watch.news(saved) == []
    for method, path in (("GET", ""), ("GET", "/news"), ("PATCH", ""), ("DELETE", ""), ("POST", "/seen")):
        assert other.request(method, f"{URL}/{saved}{path}", json={}).status_code == 404
    assert other.get(URL).json()["items"] == []


def test_the_export_has_ones_saved_searches_and_what_they_found(library: Library) -> None:
    kim, lee = library.person("Kim"), library.person("Lee")
    shared, team = library.space(kim, lee), library.space(kim)
    watch = Watch(library, kim)
    library.add(team, kim, "Leave was granted before.", title="Old leave")
    saved = watch.save("leave", filters={"kinds": ["document"]})
    Watch(library, lee).save("leave of Lee")
    library.add(team, kim, "Leave is granted.", title="Leave")
    library.add(shared, lee, "Leave, as Lee sees it.", title="Lost leave")
    watch.checker.check_due()
    with library.database.transaction() as session:
        session.delete(session.get_one(SpaceMember, (shared, kim.user_id)))
    with library.database.reading() as session:
        (exported,) = export_saved(session, kim)
    assert (exported["id"], exported["query"], exported["filters"]["kinds"]) == (saved, "leave", ["document"])
    assert [found["title"] for found in exported["found"]] == ["Leave"]


def test_daily_searches_wait_and_a_failing_one_holds_up_no_other(library: Library) -> None:
    kim = library.person("Kim")
    team = library.space(kim)
    watch = Watch(library, kim)
    broken, daily, good = watch.save("broken"), watch.save("leave", alert="daily"), watch.save("leave", mode="keyword")
    with library.database.transaction() as session:
        session.get_one(SavedSearch, broken).filters = {"no": "such filter"}
    library.add(team, kim, "Leave is granted.", title="Leave")
    watch.checker.check_due()
    assert (watch.news(good), watch.news(daily)) == (["Leave"], [])
    with library.database.transaction() as session:
        failed = session.get_one(SavedSearch, broken)
        assert failed.failures == 1
        assert failed.due_at is not None
        assert failed.due_at > utcnow()
        failed.filters, failed.due_at, failed.query = {}, utcnow(), "leave"
        session.get_one(SavedSearch, daily).due_at = utcnow() - timedelta(seconds=1)
    assert watch.checker.check_due() == 2
    assert watch.news(broken) == watch.news(daily) == ["Leave"]


def test_it_runs_by_itself(library: Library) -> None:
    kim = library.person("Kim")
    team = library.space(kim)
    watch = Watch(library, kim)
    saved = watch.save("leave", alert="instant")
    watch.checker.start()
    try:
        library.add(team, kim, "Leave is granted.", title="Leave")
        for _ in range(100):
            if watch.client.get(f"{URL}/{saved}").json()["new"]:
                break
            time.sleep(0.1)
        assert watch.news(saved) == ["Leave"]
    finally:
        watch.checker.stop()


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "", "query": "x"},
        {"name": "x", "query": "x", "alert": "hourly"},
        {"name": "x", "query": "x" * 2001},
        {"name": "x", "query": "x", "mode": "magic"},
    ],
)
def test_bad_ones_are_refused(library: Library, body: dict[str, Any]) -> None:
    assert library.client(library.person()).post(URL, json=body).status_code == 422


def test_a_saved_search_that_is_deleted_leaves_an_event_without_its_words(library: Library) -> None:
    kim = library.person("Kim")
    watch = Watch(library, kim)
    saved = watch.save("parental leave")
    assert watch.client.delete(f"{URL}/{saved}").status_code == 204
    assert watch.client.get(f"{URL}/{saved}").status_code == 404
    with library.database.reading() as session:
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.target_id == saved))
    assert (event.action, event.actor_id, event.details) == ("saved_search.deleted", kim.user_id, {})
