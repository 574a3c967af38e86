"""POST /search."""

import pytest
from fastapi.testclient import TestClient

from retrieval.engine import RetrievalEngine
from tests.retrieval.library import Library

URL = "/api/v1/search"


def test_hits_have_the_shape_of_the_contract(library: Library) -> None:
    kim = library.person("Kim")
    team = library.space(kim, name="People")
    document = library.add(team, kim, "Parental leave is sixteen weeks.", title="Leave", tags=["hr"], category="HR")
    answer = library.client(kim).post(URL, json={"query": "parental leave", "filters": {"tags": ["hr"]}})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    (hit,) = body["hits"]
    assert set(body) == {
        *("hits", "groups", "facets", "total", "next_cursor", "did_you_mean", "by_meaning_alone"),
        *("mode", "took_ms", "query", "search_id"),
    }
    assert (body["groups"], body["facets"], body["total"], body["next_cursor"]) == (None, None, 1, None)
    assert body["query"] == {"text": "parental leave", "phrases": [], "excluded": [], "filters": []}
    assert hit["explain"] is None
    assert body["mode"] == "hybrid"
    assert body["took_ms"]["total"] > 0
    assert hit["source"] == {
        "kind": "document",
        "id": document,
        "title": "Leave",
        "version": 1,
        "url": f"/documents/{document}",
        "category": "HR",
    }
    assert hit["space"] == {"id": team, "name": "People"}
    assert hit["chunk_id"] == f"document:{document}:0"
    assert [hit["text"][start:end] for start, end in hit["highlights"]] == ["Parental", "leave"]
    assert (hit["start"], hit["end"], hit["excerpt"]) == (0, len(hit["text"]), [0, len(hit["text"])])
    assert set(hit["scores"]) == {"keyword", "semantic"}
    assert hit["updated_at"].endswith("Z")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": ""},
        {"query": "   \n\t "},
        {"query": "x" * 2_001},
        {"query": "x" * 100_000},
        {"query": 7},
        {"query": "x", "k": 0},
        {"query": "x", "k": 101},
        {"query": "x", "per_source": -1},
        {"query": "x", "mode": "magic"},
        {"query": "x", "filters": {"updated_after": "yesterday"}},
        {"query": "x", "filters": {"updated_after": "2024-01-01T00:00:00"}},
        {"query": "x", "filters": {"space_id": "one"}},
        {"query": "x", "filters": {"space_ids": ["a"] * 201}},
        {"query": "x", "limit": 5},
        {"query": "a\0b"},
        {"query": "x", "filters": {"tags": ["a\0b"]}},
        {"query": "x", "filters": {"categories": ["a\0b"]}},
    ],
)
def test_bad_requests_are_refused_with_a_reason(library: Library, body: dict[str, object]) -> None:
    answer = library.client(library.person()).post(URL, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"]
    assert len(answer.content) < 10_000


def test_a_body_that_is_not_json_is_refused(library: Library) -> None:
    client = library.client(library.person())
    answer = client.post(URL, content=b"{query", headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_query_of_2000_characters_is_taken(library: Library) -> None:
    assert library.client(library.person()).post(URL, json={"query": "leave " * 333}).status_code == 200


def test_strangers_are_turned_away(library: Library) -> None:
    client = library.client(library.person())
    client.headers.pop("authorization")
    assert client.post(URL, json={"query": "x"}).status_code == 401


def test_ids_of_other_spaces_look_as_if_they_did_not_exist(library: Library) -> None:
    kim, lee = library.person("Kim"), library.person("Lee")
    closed = library.space(lee)
    document = library.add(closed, lee, "The secret recipe.")
    client = library.client(kim)
    unknown = {"query": "secret recipe", "filters": {"space_ids": ["no-such-space"], "source_ids": ["none"]}}
    real = {"query": "secret recipe", "filters": {"space_ids": [closed], "source_ids": [document]}}
    for mode in ("hybrid", "semantic", "keyword"):
        answers = [client.post(URL, json={**body, "mode": mode}).json() for body in (unknown, real)]
        assert [answer["hits"] for answer in answers] == [[], []]


def test_while_the_indexes_load_the_caller_is_told_when_to_come_back(library: Library) -> None:
    engine = library.engine
    library.engine = RetrievalEngine(None, library.vectors, library.keywords, library.settings)
    try:
        client: TestClient = library.client(library.person())
        answer = client.post(URL, json={"query": "x"})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["code"] == "unavailable"
        assert client.post(URL, json={"query": "x", "mode": "keyword"}).status_code == 200
    finally:
        library.engine.pool.shutdown()
        library.engine = engine
