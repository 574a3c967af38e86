"""What is suggested while somebody types."""

import unicodedata

from core_api.domains.documents.service import change_document
from core_api.models import Document
from tests.retrieval.library import Library
from tests.retrieval.office import URL, Office


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
