"""Filters in the text, facets, pages, groups, corrections, suggestions and similar documents."""

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from core_api.auth.subject import Subject
from core_api.domains.documents.service import change_document
from core_api.models import Document, SystemRole, utcnow
from tests.retrieval.library import Library

URL = "/api/v1/search"
START = datetime(2026, 1, 10, tzinfo=UTC)


@dataclass
class Office:
    library: Library
    kim: Subject
    lee: Subject
    guest: Subject
    handbook: str
    people: str
    closed: str
    clients: dict[str, TestClient] = field(default_factory=dict)

    def client(self, who: Subject) -> TestClient:
        if who.user_id not in self.clients:
            self.clients[who.user_id] = self.library.client(who)
        return self.clients[who.user_id]

    def ask(self, who: Subject, query: str, **body: Any) -> dict[str, Any]:
        answer = self.client(who).post(URL, json={"query": query, "log": False, **body})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def pages(self, who: Subject, query: str, **body: Any) -> list[dict[str, Any]]:
        found, cursor = [], None
        while True:
            page = self.ask(who, query, cursor=cursor, **body)
            found.append(page)
            if (cursor := page["next_cursor"]) is None:
                return found

    def titles(self, who: Subject, query: str, **body: Any) -> list[str]:
        return [hit["source"]["title"] for hit in self.ask(who, query, k=100, **body)["hits"]]

    def suggested(self, who: Subject, typed: str, limit: int = 8) -> list[tuple[str, str]]:
        answer = self.client(who).get(f"{URL}/suggest", params={"q": typed, "limit": limit})
        assert answer.status_code == 200, answer.text
        return [(one["kind"], one["text"]) for one in answer.json()["items"]]


@pytest.fixture(scope="module")
def office(shared_library: Library) -> Office:
    """Two people, a guest, and three spaces, one of which only one of them reads."""
    library = shared_library
    kim, lee = library.person("Kim Minji"), library.person("Lee Ada")
    guest = library.person("Guest", SystemRole.GUEST)
    handbook = library.space(kim, lee, name="Handbook")
    people = library.space(kim, lee, name="People team")
    closed = library.space(lee, guest, name="Closed")
    for number in range(24):
        library.add(
            handbook if number % 3 else people,
            kim if number % 2 else lee,
            f"The vacation policy, part {number}, says how many days of vacation there are.",
            f"More of part {number}: a vacation is asked for in time.",
            title=f"Vacation {number}",
            tags=["hr", "rules"] if number % 4 == 0 else ["hr"] if number % 2 else [],
            category="Policies" if number % 4 == 0 else "How to" if number % 3 == 0 else None,
            updated_at=START + timedelta(days=9 * number),
        )
    library.add(handbook, kim, "회의록은 회의가 끝난 뒤 바로 올립니다.", title="회의 운영 지침", tags=["회의"])
    library.add(handbook, kim, "육아휴직은 삼십 일 전에 신청합니다.", title="육아휴직 안내")
    library.add(
        closed,
        lee,
        "The vacation of the chimpanzee zanzibarium.",
        title="Zanzibar secret",
        tags=["hidden"],
        category="Secrets",
    )
    return Office(library, kim, lee, guest, handbook, people, closed)


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ('vacation in:"people team"', lambda n: n % 3 == 0),
        ("vacation -in:handbook", lambda n: n % 3 == 0),
        ("vacation by:me", lambda n: n % 2 == 1),
        ("vacation by:Ada", lambda n: n % 2 == 0),
        ("vacation -by:Ada", lambda n: n % 2 == 1),
        ("vacation tag:RULES", lambda n: n % 4 == 0),
        ("vacation tag:hr -tag:rules", lambda n: n % 2 == 1),
        ("vacation category:policies", lambda n: n % 4 == 0),
        ('vacation category:"how to" category:Policies', lambda n: n % 4 == 0 or n % 3 == 0),
        ("vacation -category:Policies", lambda n: n % 4),
        ('in:handbook category:Policies tag:rules -category:"How to"', lambda n: n % 3 and n % 4 == 0),
        ("vacation after:2026-04", lambda n: START + timedelta(days=9 * n) >= datetime(2026, 4, 1, tzinfo=UTC)),
        ("vacation before:2026-04", lambda n: START + timedelta(days=9 * n) < datetime(2026, 4, 1, tzinfo=UTC)),
        ("vacation kind:document", lambda n: True),
        ("in:handbook tag:hr tag:rules", lambda n: n % 3 and (n % 2 or n % 4 == 0)),
    ],
)
def test_fields_of_the_text_choose(office: Office, query: str, allowed: Any) -> None:
    body = office.ask(office.kim, query, k=100)
    assert all(one["applied"] and one["problem"] is None for one in body["query"]["filters"])
    found = {hit["source"]["title"] for hit in body["hits"]}
    expected = {f"Vacation {number}" for number in range(24) if allowed(number)}
    assert {title for title in found if title.startswith("Vacation")} == expected


def test_names_that_one_cannot_see_are_unknown(office: Office) -> None:
    for name in ("in:Closed", "in:Nowhere", "tag:hidden", "tag:nothing", "category:Secrets", "category:nothing"):
        body = office.ask(office.kim, f"vacation {name}", k=100)
        (field,) = body["query"]["filters"]
        assert field["applied"] is False
        assert field["problem"]
        assert body["total"] >= 24
    (field,) = office.ask(office.guest, "vacation by:Minji")["query"]["filters"]
    assert field["applied"] is False
    assert office.titles(office.guest, "vacation") == ["Zanzibar secret"]


def test_without_words_filters_browse_newest_first(office: Office) -> None:
    body = office.ask(office.kim, "", filters={"tags": ["hr"]}, k=100)
    dates = [hit["updated_at"] for hit in body["hits"]]
    assert dates == sorted(dates, reverse=True)
    assert len(dates) == body["total"] == 18
    body = office.ask(office.kim, "", filters={"categories": ["How to", "Secrets"]}, k=100, per_source=1)
    assert {hit["source"]["category"] for hit in body["hits"]} == {"How to"}
    assert body["total"] == 6
    assert office.titles(office.kim, "tag:hr -kind:document") == []


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "semantic"])
def test_facets_count_what_paging_shows_and_what_choosing_would(office: Office, mode: str) -> None:
    filters: dict[str, Any] = {"tags": ["rules"]}
    for chosen in ({}, filters):
        pages = office.pages(office.kim, "vacation policy", filters=chosen, facets=True, k=7, per_source=1, mode=mode)
        hits = [hit for page in pages for hit in page["hits"]]
        assert {page["total"] for page in pages} == {len({hit["source"]["id"] for hit in hits})}
        assert len({hit["chunk_id"] for hit in hits}) == len(hits)
        facets = pages[0]["facets"]
        counted = {one["value"]: one["count"] for one in facets["spaces"]}
        assert counted == Counter(hit["space"]["id"] for hit in hits)
        assert Counter(hit["updated_at"][:7] for hit in hits) == {m["value"]: m["count"] for m in facets["months"]}
        assert {one["label"]: one["count"] for one in facets["authors"]} == Counter(hit["author"] for hit in hits)
        assert {one["value"]: one["count"] for one in facets["kinds"]} == {
            "document": len({h["source"]["id"] for h in hits})
        }
        categories = Counter(hit["source"]["category"] for hit in hits if hit["source"]["category"])
        assert {one["value"]: one["count"] for one in facets["categories"]} == categories
        for one in facets["tags"]:  # without its own filter: what choosing it shows
            only = office.ask(office.kim, "vacation policy", filters={"tags": [one["value"]]}, mode=mode)
            assert only["total"] == one["count"]
        for one in facets["categories"]:
            both = {**chosen, "categories": [one["value"]]}
            assert office.ask(office.kim, "vacation policy", filters=both, mode=mode)["total"] == one["count"]
        assert {one["label"] for one in facets["spaces"]} <= {"Handbook", "People team"}
        assert "hidden" not in {one["value"] for one in facets["tags"]}
        assert "Secrets" not in {one["value"] for one in facets["categories"]}
    theirs = office.ask(office.lee, "vacation policy", facets=True, mode=mode)["facets"]
    assert "Secrets" in {one["value"] for one in theirs["categories"]}


def test_counts_that_are_not_of_all_that_words_match_say_so(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    for number in range(3):
        passages = [f"Ledger {number} {part}." for part in range(136)]
        library.add(team, kim, *passages, title=f"Book {number}", tags=[f"t{number}"], category="Books")
    library.add(team, kim, "Ledger of a closet.", title="Closet")
    office = Office(library, kim, kim, kim, team, team, team)
    for body, total, facets in (
        ({"query": "ledger"}, True, True),
        ({"query": "ledger", "filters": {"tags": ["t1"]}}, False, True),  # these 136 were all looked at
        ({"query": "ledger", "filters": {"tags": ["none"]}}, False, True),
        ({"query": "closet"}, False, False),
        ({"query": "", "filters": {"categories": ["Books"]}}, False, False),
    ):
        answer = office.ask(kim, facets=True, mode="keyword", **body)
        assert (answer["at_least"], answer["facets"]["at_least"]) == (total, facets), body


def test_groups_are_sources_with_their_best_passages(office: Office) -> None:
    pages = office.pages(office.kim, "vacation policy", group=True, k=10, mode="keyword")
    groups = [group for page in pages for group in page["groups"]]
    assert all(page["hits"] == [] for page in pages)
    assert len({group["source"]["id"] for group in groups}) == len(groups) == pages[0]["total"]
    assert all(hit["source"] == group["source"] for group in groups for hit in group["hits"])
    assert all(1 <= len(group["hits"]) <= 3 for group in groups)


def test_pages_stay_while_documents_change(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    ids = [
        library.add(team, kim, f"Expense report {n}.", title=f"R{n}", updated_at=START + timedelta(days=n))
        for n in range(20)
    ]
    office = Office(library, kim, kim, kim, team, team, team)
    for sort in ("relevance", "newest", "oldest"):
        shown: list[str] = []
        cursor = None
        for step in range(20):
            page = office.ask(kim, "expense report", k=4, sort=sort, cursor=cursor, correct=False)
            shown += [hit["source"]["id"] for hit in page["hits"]]
            if (cursor := page["next_cursor"]) is None:
                break
            with library.database.transaction() as session:  # the first goes to the end of the order, the last comes
                session.get_one(Document, ids[step]).updated_at = utcnow()
                session.get_one(Document, ids[-1 - step]).updated_at = START - timedelta(days=step + 1)
            library.write(ids[step], f"Expense report {step}, changed, expense.")
        assert sorted(shown) == sorted(ids)
    first = office.ask(kim, "expense report", k=4)
    other = office.client(kim).post(URL, json={"query": "report", "k": 4, "cursor": first["next_cursor"]})
    assert other.status_code == 422
    for cursor in ("nonsense", "AAAA", "Ä"):
        assert office.client(kim).post(URL, json={"query": "report", "cursor": cursor}).status_code == 422


@pytest.mark.parametrize("mode", ["hybrid", "keyword", "semantic"])
@pytest.mark.parametrize("sort", ["relevance", "newest", "oldest"])
def test_pages_of_groups_stay_while_documents_are_added(library: Library, mode: str, sort: str) -> None:
    """Some of the new ones rank above what was shown and some below; one of the old ones gets more passages."""
    kim = library.person()
    team = library.space(kim)
    ids = [
        library.add(
            team,
            kim,
            *(f"Expense report {number}, part {part}." for part in range(1 + number % 4)),
            title=f"R{number}",
            updated_at=START + timedelta(days=number),
        )
        for number in range(14)
    ]
    office = Office(library, kim, kim, kim, team, team, team)
    shown: list[str] = []
    added: list[str] = []
    cursor = None
    for step in range(20):
        page = office.ask(kim, "expense report", k=3, group=True, sort=sort, mode=mode, cursor=cursor, correct=False)
        for group in page["groups"]:
            assert {hit["source"]["id"] for hit in group["hits"]} == {group["source"]["id"]}
            assert len({hit["chunk_id"] for hit in group["hits"]}) == len(group["hits"]) <= 3
        shown += [group["source"]["id"] for group in page["groups"]]
        if (cursor := page["next_cursor"]) is None:
            break
        if step < 5:
            for text, day in (("Expense report. Expense report.", 90 + step), ("Of an expense, a report.", -1 - step)):
                added.append(library.add(team, kim, text, title="New", updated_at=START + timedelta(days=day)))
            library.write(ids[step], *(f"Expense report {step}, now part {part}." for part in range(4)))
    assert len(set(shown)) == len(shown), "nothing twice"
    assert set(ids) <= set(shown), "nothing of what was there is lost"
    assert set(shown) <= {*ids, *added}
    assert cursor is None


def test_sorted_by_date(office: Office) -> None:
    for sort, newest in (("newest", True), ("oldest", False)):
        hits = office.ask(office.kim, "vacation", sort=sort, k=50, per_source=1)["hits"]
        dates = [hit["updated_at"] for hit in hits]
        assert dates == sorted(dates, reverse=newest)


def test_a_slip_of_the_keyboard_is_forgiven(office: Office) -> None:
    body = office.ask(office.kim, "vacaton", mode="keyword", k=50)
    assert body["did_you_mean"] == {"query": "vacation", "applied": True}
    assert body["total"] == 24
    as_typed = office.ask(office.kim, "vacaton", mode="keyword", correct=False)
    assert (as_typed["hits"], as_typed["did_you_mean"]) == ([], None)
    half = office.ask(office.kim, "vacation polciy tag:hr")
    assert half["did_you_mean"] == {"query": "vacation policy tag:hr", "applied": False}
    mixed = office.ask(office.kim, 'vacaton tag:vacaton "vacaton x" -vacaton', mode="keyword")
    assert mixed["did_you_mean"]["query"] == 'vacation tag:vacaton "vacaton x" -vacaton'
    assert office.ask(office.kim, "vacation policy")["did_you_mean"] is None
    assert office.ask(office.kim, "육아휴칙")["did_you_mean"] == {"query": "육아휴직", "applied": True}


def test_corrections_come_from_what_one_may_read(office: Office) -> None:
    assert office.ask(office.lee, "zanzibarum")["did_you_mean"]["query"] == "zanzibarium"
    for word in ("zanzibarum", "zanzibarium", "chimpanze"):
        assert office.ask(office.kim, word)["did_you_mean"] is None
    # A word that only others may read is a word that does not exist.
    assert office.ask(office.kim, "zanzibarium vacation")["did_you_mean"] is None


def test_what_only_meaning_finds_is_told(office: Office) -> None:
    nonsense = office.ask(office.kim, "qwzxv plonk")
    assert nonsense["hits"]
    assert nonsense["by_meaning_alone"] is True
    assert office.ask(office.kim, "qwzxv vacation")["by_meaning_alone"] is False
    assert office.ask(office.kim, "qwzxv", mode="semantic")["by_meaning_alone"] is False  # as was asked for
    assert office.ask(office.kim, "what is it?")["by_meaning_alone"] is False  # no word that could be found
    assert office.ask(office.kim, "qwzxv", mode="keyword")["by_meaning_alone"] is False


def test_past_queries_are_suggested_to_whom_they_belong(office: Office) -> None:
    client = office.client(office.kim)
    assert client.post(URL, json={"query": "vacuum cleaner"}).json()["search_id"]
    client.app.state.search_recorder.flush()  # type: ignore[attr-defined]
    assert office.suggested(office.kim, "vacu")[0] == ("query", "vacuum cleaner")
    assert ("query", "vacuum cleaner") not in office.suggested(office.lee, "vacu")


def test_suggestions_by_the_beginning_of_any_word(office: Office) -> None:
    kim, lee = office.kim, office.lee
    assert ("document", "Vacation 7") in office.suggested(kim, "vac", 20)
    assert office.suggested(kim, "7")[0] == ("document", "Vacation 7")
    assert ("document", "Vacation 17") in office.suggested(kim, "17 vaca")
    assert ("space", "People team") in office.suggested(kim, "tea")
    assert ("person", "Lee Ada") in office.suggested(kim, "ada")
    assert ("tag", "rules") in office.suggested(kim, "rul")
    assert ("category", "How to") in office.suggested(kim, "how")
    assert ("category", "Secrets") in office.suggested(lee, "secr")
    assert ("document", "Vacation 12") in office.suggested(kim, "vactaion 12", 20)
    for typed in ("ㅎㅇ", "회ㅇ", "회의", "횡", "ㅇㅇㅈㅊ", "운여"):
        found = office.suggested(kim, typed)
        expected = ("document", "회의 운영 지침")
        assert (expected in found) == (typed != "ㅇㅇㅈㅊ"), (typed, found)
    assert ("document", "육아휴직 안내") in office.suggested(kim, "ㅇㅇㅎㅈ")
    assert ("document", "Zanzibar secret") in office.suggested(lee, "zan")
    assert ("tag", "hidden") in office.suggested(lee, "hidd")
    for typed in ("zan", "secr", "hidd", "clos", "zanzibra"):
        assert office.suggested(kim, typed) == []
    assert office.suggested(office.guest, "minji") == []
    assert ("person", "Lee Ada") in office.suggested(office.guest, "ada")


def test_suggestions_know_tags_and_categories_as_they_are_now(library: Library) -> None:
    kim = library.person()
    team = library.space(kim)
    document = library.add(team, kim, "Words.", title="Note", tags=["quartz"], category="Quarries")
    office = Office(library, kim, kim, kim, team, team, team)
    assert office.suggested(kim, "quar") == [("category", "Quarries"), ("tag", "quartz")]
    with library.database.transaction() as session:
        change_document(session, kim, document, tags=["opal"], category="Opals")
    assert office.suggested(kim, "quar") == []
    assert office.suggested(kim, "opal") == [("category", "Opals"), ("tag", "opal")]


def test_hangul_is_compared_by_what_is_typed_of_each_syllable(library: Library) -> None:
    kim = library.person("Kim")
    team = library.space(kim)
    titles = ("휴가 규정", "휴게실 안내", "한국 지사", "회계 기준", "감사 보고", "제목 짓기", "닭 요리", "달걀")
    for title in titles:
        library.add(team, kim, "Words.", title=title)
    office = Office(library, kim, kim, kim, team, team, team)
    for typed, expected in {
        "휴": {"휴가 규정", "휴게실 안내"},
        "휴ㄱ": {"휴가 규정", "휴게실 안내"},
        "휵": {"휴가 규정", "휴게실 안내"},
        "휴가": {"휴가 규정"},
        "휴가ㄱ": set(),
        "휴가 ㄱ": {"휴가 규정"},
        "ㅎㄱ": {"휴가 규정", "휴게실 안내", "한국 지사", "회계 기준"},
        "ㅎㄱㅅ": {"휴게실 안내"},
        "ㅎ게": {"휴게실 안내"},
        "ㄳ": {"감사 보고"},  # what a keyboard makes of ㄱ and ㅅ
        "달ㄱ": {"달걀"},
        "닭": {"닭 요리", "달걀"},
        "재목": {"제목 짓기"},  # nothing begins so, and this but for a slip
        "제목짓": {"제목 짓기"},
    }.items():
        found = {text for kind, text in office.suggested(kim, typed, 20) if kind == "document"}
        assert found == expected, typed
    assert ("document", "감사 보고") in office.suggested(kim, unicodedata.normalize("NFD", "감사"))


def test_slips_are_looked_for_only_where_nothing_begins_as_typed(library: Library) -> None:
    kim = library.person("Kim")
    team = library.space(kim)
    for title in ("Vacation rules", "Vocation days", "Locations"):
        library.add(team, kim, "Words.", title=title)
    office = Office(library, kim, kim, kim, team, team, team)
    for typed, expected in {
        "vacation": {"Vacation rules"},
        "vacatoin": {"Vacation rules"},
        "vacaation": {"Vacation rules"},
        "vcation": {"Vacation rules", "Vocation days"},
        "vakation r": {"Vacation rules"},
        "vaca": {"Vacation rules"},
        "vacu": set(),  # what is typed last is no slip
        "bacation": set(),
        "vac": {"Vacation rules"},
        "vca": set(),
        "rules vacation": {"Vacation rules"},
    }.items():
        found = {text for kind, text in office.suggested(kim, typed, 20) if kind == "document"}
        assert found == expected, typed


def test_suggestions_follow_what_happens(library: Library) -> None:
    kim, lee = library.person("Kim"), library.person("Lee")
    shared, closed = library.space(kim, lee, name="Shared"), library.space(kim, name="Own")
    office = Office(library, kim, lee, lee, shared, shared, closed)
    document = library.add(shared, kim, "Words.", title="Walrus plan")
    assert office.suggested(lee, "walr") == [("document", "Walrus plan")]
    with library.database.transaction() as session:
        session.get_one(Document, document).title = "Seal plan"
    assert office.suggested(lee, "walr") == []
    library.write(document, "Words.")
    assert office.suggested(lee, "seal") == [("document", "Seal plan")]
    with library.database.transaction() as session:
        session.get_one(Document, document).space_id = closed
    assert office.suggested(lee, "seal") == []
    assert office.suggested(kim, "seal") == [("document", "Seal plan")]


def test_similar_documents(library: Library) -> None:
    kim, lee = library.person("Kim"), library.person("Lee")
    team, closed = library.space(kim, lee), library.space(lee)
    leave = library.add(team, kim, "Parental leave is sixteen weeks with full pay for every parent.", title="Leave")
    other = library.add(team, kim, "Parents may stay at home with a new child, and are paid.", title="Parents")
    kitchen = library.add(team, kim, "The coffee machine is cleaned on Fridays.", title="Kitchen")
    copy = library.add(closed, lee, "Parental leave is sixteen weeks with full pay for every parent.", title="Leave")
    korean = library.add(team, kim, "육아휴직은 삼십 일 전에 신청합니다.", title="육아휴직")
    twin = library.add(team, kim, "육아휴직을 신청하면 인사팀이 답합니다.", title="휴직 신청")

    def similar(who: Subject, document: str) -> list[dict[str, Any]]:
        answer = library.client(who).get(f"/api/v1/documents/{document}/similar")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    found = similar(kim, leave)
    assert found[0]["source"]["id"] == other
    assert {one["source"]["id"] for one in found} >= {other, kitchen}
    assert {leave, copy}.isdisjoint(one["source"]["id"] for one in found)
    assert found[0]["passage"]["text"].startswith("Parents may")
    best = similar(lee, leave)[0]
    assert (best["source"]["id"], best["duplicate"]) == (copy, True)
    assert [one["source"]["id"] for one in similar(kim, korean)][:1] == [twin]
    assert library.client(kim).get(f"/api/v1/documents/{copy}/similar").status_code == 404
    assert library.client(kim).get("/api/v1/documents/none/similar").status_code == 404


def test_explain_says_how_a_score_came_about(office: Office) -> None:
    for mode in ("hybrid", "keyword", "semantic"):
        hit = office.ask(office.kim, "vacation policy", mode=mode, explain=True)["hits"][0]
        assert hit["explain"]["legs"]
        assert hit["explain"]["final"] == pytest.approx(hit["score"], abs=1e-4)


def test_explain_says_it_of_what_stands_far_down_too(library: Library) -> None:
    kim = library.person("Kim")
    team = library.space(kim)
    for number in range(260):
        library.add(
            team, kim, f"The vacation policy, part {number}, is {'long ' * (number % 7)}.", title=f"Part {number}"
        )
    client, cursor, seen = library.client(kim), None, 0
    while True:
        body = {"query": "vacation policy", "k": 100, "explain": True, "log": False, "cursor": cursor}
        page = client.post(URL, json=body).json()
        for hit in page["hits"]:
            why = hit["explain"]
            assert why["final"] == pytest.approx(hit["score"], abs=1e-4)
            assert why["legs"]
            told = why["fused"] + sum(step["change"] for step in why["steps"])
            assert told == pytest.approx(hit["score"], abs=1e-3)
        seen += len(page["hits"])
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == page["total"] == 260


@pytest.mark.parametrize(("query", "most"), [("vacation policy", 12), ("vacation policy tag:hr after:2026-02", 17)])
def test_a_page_costs_as_many_queries_whatever_its_size(office: Office, query: str, most: int) -> None:
    counts = []
    for k in (1, 20):
        statements: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            statements.append(statement)  # noqa: B023 - read before the next round

        event.listen(office.library.database.engine, "before_cursor_execute", note)
        try:
            office.ask(office.kim, query, k=k, group=True, facets=True)
        finally:
            event.remove(office.library.database.engine, "before_cursor_execute", note)
        counts.append(sum(1 for statement in statements if statement.startswith("SELECT")))
    assert counts[0] == counts[1] <= most


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_a_filter_loses_nothing_among_better_ones_elsewhere(library: Library, mode: str) -> None:
    kim = library.person("Kim")
    big, small = library.space(kim, name="Big"), library.space(kim, name="Small")
    library.add(big, kim, *(f"The vacation policy, part {number}." for number in range(120)), title="All of it")
    library.add(small, kim, "The vacation policy, in short.", title="In short")
    library.add(small, kim, "Kangaroos sleep in the shade.", title="Kangaroos")
    client = library.client(kim)
    body = {"query": "vacation policy", "mode": mode, "filters": {"space_ids": [small]}, "facets": True, "log": False}
    answer = client.post(URL, json=body).json()
    assert [hit["source"]["title"] for hit in answer["hits"]] == ["In short", "Kangaroos"]
    assert answer["total"] == 2
    assert {one["label"] for one in answer["facets"]["spaces"]} == {"Big", "Small"}
