"""Summaries: what a document says, what is new in a space, what is found; each sentence cited."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core_api.models import utcnow
from tests.assistant.conftest import Company

pytestmark = pytest.mark.one_mode

Summarize = Callable[..., dict[str, Any]]


@pytest.fixture
def summarize(company: Company) -> Summarize:
    def post(*, by: TestClient | None = None, **body: Any) -> dict[str, Any]:
        response = (by or company.owner).post("/api/v1/assistant/summarize", json=body)
        assert response.status_code == 200, response.text
        reply: dict[str, Any] = response.json()
        return reply

    return post


def sentences(summary: dict[str, Any]) -> list[str]:
    return [sentence["text"] for section in summary["sections"] for sentence in section["sentences"]]


def test_a_document_is_summed_up_by_its_sections_with_citations_that_hold(
    company: Company, summarize: Summarize
) -> None:
    summary = summarize(document_id=company.documents["Leave"])
    assert summary["title"] == "Leave"
    headings = [section["heading"] for section in summary["sections"]]
    assert headings == ["Requesting leave", "Parental leave", "Contractors"]
    assert "To request leave, fill in the absence form in HR Links." in sentences(summary)
    assert all(citation["verified"] for citation in summary["citations"])
    markers = [m for section in summary["sections"] for sentence in section["sentences"] for m in sentence["markers"]]
    assert markers == [citation["marker"] for citation in summary["citations"]] == list(range(1, len(markers) + 1))


def test_a_korean_document_is_summed_up_by_its_words(company: Company, summarize: Summarize) -> None:
    summary = summarize(document_id=company.documents["사무실 안내"], length="short")
    assert "사무실은 서울 강남구 테헤란로 12에 있습니다." in sentences(summary)
    assert summary["sections"][-1]["heading"] == "주차"


def test_a_long_document_gives_few_sentences_from_all_over_it(company: Company, summarize: Summarize) -> None:
    topics = ["billing", "security", "hiring", "travel", "training", "hardware", "catering", "archives"]
    text = "# Rules\n" + "\n".join(
        f"\n## About {topic}\n\n"
        + " ".join(f"The {topic} team keeps rule number {n} of {topic} for the office in writing." for n in range(30))
        for topic in topics
    )
    document = company.write(company.company_space, "Rules of everything", text)
    company.settle()
    summary = summarize(document_id=document, length="medium")
    assert 5 <= len(sentences(summary)) <= 8
    assert len(summary["sections"]) >= 4


def test_what_is_new_in_a_space_is_what_was_not_there_before(company: Company, summarize: Summarize) -> None:
    space = company.owner.post("/api/v1/spaces", json={"name": "News", "kind": "team"}).json()["id"]
    changed = company.write(space, "Canteen", "# Canteen\n\nThe canteen opens at eleven o'clock every working day.\n")
    company.write(space, "Garden", "# Garden\n\nThe garden behind the house is open to everyone in summer.\n")
    company.settle()
    since = utcnow()
    text = "# Canteen\n\nThe canteen opens at eleven o'clock every working day.\n\nSoup is free on Mondays for all.\n"
    company.owner.patch(f"/api/v1/documents/{changed}", json={"text": text})
    company.write(space, "Library", "# Library\n\nThe library lends out books about logistics for four weeks.\n")
    company.settle()

    news = summarize(space_id=space, since=since.isoformat())
    assert [section["heading"] for section in news["sections"]] == ["Library", "Canteen"]
    assert sentences(news) == [
        "The library lends out books about logistics for four weeks.",
        "Soup is free on Mondays for all.",
    ]
    assert all(citation["verified"] for citation in news["citations"])
    later = (since + timedelta(days=1)).date().isoformat()
    assert summarize(space_id=space, since=later)["sections"] == []


def test_a_search_is_summed_up_under_the_titles_found(company: Company, summarize: Summarize) -> None:
    summary = summarize(query="parental leave weeks", length="short")
    assert summary["sections"][0]["heading"] == "Leave"
    assert any("12 weeks of paid parental leave" in text for text in sentences(summary))
    elsewhere = summarize(query="parental leave weeks", space_ids=[company.secret_space])
    assert all(citation["space"]["id"] == company.secret_space for citation in elsewhere["citations"])


def test_nothing_of_what_one_may_not_read_is_in_a_summary(company: Company, summarize: Summarize) -> None:
    assert "Bluebird" in str(summarize(query="merger with Bluebird Logistics"))
    assert "Bluebird Logistics." not in str(
        sentences(summarize(by=company.colleague, query="merger with Bluebird Logistics"))
    )
    for body in (
        {"document_id": company.documents["Project Aurora"]},
        {"space_id": company.secret_space, "since": "2020-01-01"},
    ):
        assert company.colleague.post("/api/v1/assistant/summarize", json=body).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"document_id": "1", "query": "leave"},
        {"space_id": "1"},
        {"query": "leave", "since": "2026-01-01"},
        {"space_id": "1", "since": "0001-01-01T00:00:00+14:00"},
        {"space_id": "1", "since": 10**30},
        {"query": "   "},
    ],
)
def test_one_thing_is_summed_up(company: Company, body: dict[str, Any]) -> None:
    assert company.owner.post("/api/v1/assistant/summarize", json=body).status_code == 422
