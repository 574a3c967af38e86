"""Pages, groups and orders: nothing twice and nothing lost, whatever happens between two pages."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from core_api.models import Document, utcnow
from tests.retrieval.library import Library
from tests.retrieval.office import START, URL, Office


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
