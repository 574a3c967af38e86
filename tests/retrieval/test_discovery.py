"""Corrections, what only meaning finds, similar documents, and how a score came about."""

from typing import Any

import pytest

from core_api.auth.subject import Subject
from tests.retrieval.library import Library
from tests.retrieval.office import URL, Office


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
    with library.filling():
        for number in range(260):
            text = f"The vacation policy, part {number}, is {'long ' * (number % 7)}."
            library.add(team, kim, text, title=f"Part {number}")
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
