"""Filters in the text and beside it, and facets: what they choose, and what they count."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core_api.models import Document
from tests.retrieval.library import Library
from tests.retrieval.office import START, URL, Office


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


def test_everything_that_words_match_is_counted_and_paged_to(library: Library) -> None:
    """Much more than is looked at for the first page."""
    kim, lee = library.person("Kim"), library.person("Lee")
    team, closed = library.space(kim, name="Team"), library.space(lee, name="Closed")
    with library.filling():
        for number in range(3):
            passages = [f"Ledger {number} {part}." for part in range(140)]
            library.add(team, kim, *passages, title=f"Book {number}", tags=[f"t{number}"], category="Books")
        for number in range(60):
            library.add(team, kim, f"Ledger of room {number}.", title="Room", updated_at=START + timedelta(days=number))
        for number in range(10):
            library.add(closed, lee, f"Ledger of lee {number}.", title="Lee's", tags=["lee"])
    office = Office(library, kim, lee, kim, team, team, closed)
    for mode in ("keyword", "hybrid"):
        pages = office.pages(kim, "ledger", facets=True, mode=mode, k=50, group=True)
        found = [group["source"]["id"] for page in pages for group in page["groups"]]
        assert len(found) == len(set(found)) == 63
        for page in pages:
            assert page["total"] == 63
            facets = page["facets"]
            assert [(one["label"], one["count"]) for one in facets["spaces"]] == [("Team", 63)]
            assert [(one["value"], one["count"]) for one in facets["tags"]] == [("t0", 1), ("t1", 1), ("t2", 1)]
            assert [(one["value"], one["count"]) for one in facets["categories"]] == [("Books", 3)]
            assert sum(one["count"] for one in facets["months"]) == 63
    cases: list[tuple[dict[str, Any], int]] = [
        ({"filters": {"tags": ["t1"]}}, 1),
        ({"filters": {"tags": ["none"]}}, 0),
        ({"filters": {"updated_after": "2026-02-01T00:00:00Z", "updated_before": "2026-03-01T00:00:00Z"}}, 28),
        ({"sort": "newest"}, 63),
    ]
    for body, total in cases:
        answer = office.ask(kim, "ledger", facets=True, mode="keyword", **body)
        assert answer["total"] == total
        if "tags" in body.get("filters", {}):
            assert [one["value"] for one in answer["facets"]["tags"]] == ["t0", "t1", "t2"]
    for sort, newest in (("newest", True), ("oldest", False)):
        pages = office.pages(kim, "ledger", mode="keyword", k=50, group=True, sort=sort)
        dates = [group["updated_at"] for page in pages for group in page["groups"]]
        assert len(dates) == 63
        assert dates == sorted(dates, reverse=newest)
    assert office.ask(lee, "ledger", mode="keyword")["total"] == 10
    moved = office.ask(kim, "room", mode="keyword", k=1, sort="newest")["hits"][0]["source"]["id"]
    with library.database.transaction() as session:
        session.get_one(Document, moved).space_id = closed  # the indexes do not know it yet
    assert office.ask(kim, "ledger", mode="keyword")["total"] == 62
    answer = office.ask(kim, "", filters={"space_ids": [team]}, facets=True)
    assert (answer["total"], answer["facets"]["spaces"][0]["count"]) == (62, 62)


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
