"""Documents, as people use them over the API."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from core_api.infra.database import Database
from core_api.models import OutboxEvent
from tests.core_api.accounts import audited
from tests.factories import make_document, make_space

Person = Callable[..., TestClient]


def upload(client: TestClient, space_id: str, name: str, content: bytes, **form: str):
    return client.post("/api/v1/documents/upload", data={"space_id": space_id, **form}, files={"file": (name, content)})


def events(database: Database, source_id: str) -> int:
    with database.reading() as session:
        return len(session.scalars(select(OutboxEvent).where(OutboxEvent.source_id == source_id)).all())


def test_a_written_document_can_be_read_and_waits_to_be_indexed(person: Person, database: Database) -> None:
    kim = person()
    document_id = make_document(kim, make_space(kim), "Leave", "Ask two weeks before.")
    document = kim.get(f"/api/v1/documents/{document_id}").json()
    assert document["title"] == "Leave"
    assert document["version"] == 1
    assert document["index"]["status"] == "pending"
    assert events(database, document_id) > 0


def test_uploading_a_path_again_updates_the_document_and_the_same_bytes_change_nothing(
    person: Person, database: Database
) -> None:
    kim = person()
    space = make_space(kim)
    first = upload(kim, space, "a.txt", b"one", path="folder/a.txt")
    again = upload(kim, space, "a.txt", b"one", path="folder/a.txt")
    before = events(database, first.json()["document"]["id"])
    changed = upload(kim, space, "a.txt", b"two", path="folder/a.txt")
    assert [first.status_code, again.status_code, changed.status_code] == [201, 200, 200]
    assert [r.json()["outcome"] for r in (first, again, changed)] == ["created", "unchanged", "updated"]
    assert changed.json()["document"]["id"] == first.json()["document"]["id"]
    assert changed.json()["document"]["version"] == 2
    assert events(database, first.json()["document"]["id"]) > before
    versions = kim.get(f"/api/v1/documents/{first.json()['document']['id']}/versions").json()["items"]
    assert [version["number"] for version in versions] == [2, 1]


def test_the_original_file_comes_back_as_an_attachment_in_every_version(person: Person) -> None:
    kim = person()
    space = make_space(kim)
    document_id = upload(kim, space, "page.html", b"<script>alert(1)</script>").json()["document"]["id"]
    upload(kim, space, "page.html", b"second")
    current = kim.get(f"/api/v1/documents/{document_id}/file")
    first = kim.get(f"/api/v1/documents/{document_id}/file", params={"version": 1})
    assert (current.content, first.content) == (b"second", b"<script>alert(1)</script>")
    assert first.headers["content-disposition"].startswith("attachment")
    assert first.headers["content-type"] == "application/octet-stream"
    assert kim.get(f"/api/v1/documents/{document_id}/file", params={"version": 9}).status_code == 404


def test_a_change_of_an_old_version_is_refused_and_changes_nothing(person: Person) -> None:
    kim = person()
    document_id = make_document(kim, make_space(kim), text="first")
    url = f"/api/v1/documents/{document_id}"
    assert kim.patch(url, json={"text": "second", "version": 1}).json()["version"] == 2
    conflict = kim.patch(url, json={"text": "third", "version": 1})
    assert conflict.status_code == 409
    assert conflict.json()["code"] == "version_conflict"
    assert conflict.json()["version"] == 2
    assert kim.get(f"{url}/file").content == b"second"


def test_title_tags_category_and_space_can_be_changed_without_a_new_version(person: Person) -> None:
    kim = person()
    here, there = make_space(kim, "Here"), make_space(kim, "There")
    document_id = make_document(kim, here)
    changed = kim.patch(
        f"/api/v1/documents/{document_id}",
        json={"title": "Better", "tags": [" hr "], "category": " Policies ", "space_id": there},
    ).json()
    assert (changed["title"], changed["tags"], changed["space"]["name"]) == ("Better", ["hr"], "There")
    assert (changed["category"], changed["version"]) == ("Policies", 1)
    same = {"title": "Better", "tags": ["hr"], "category": "Policies", "space_id": there, "text": None}
    again = kim.patch(f"/api/v1/documents/{document_id}", json=same)
    assert again.json()["updated_at"] == changed["updated_at"]


def test_a_category_is_set_by_who_writes_uploads_or_changes_a_document(person: Person) -> None:
    kim = person()
    space = make_space(kim)
    body = {"space_id": space, "title": "Leave", "text": "Words.", "category": "Policies"}
    written = kim.post("/api/v1/documents", json=body).json()
    uploaded = upload(kim, space, "a.txt", b"one", category="Policies").json()["document"]
    assert [written["category"], uploaded["category"]] == ["Policies", "Policies"]
    assert upload(kim, space, "a.txt", b"one").json()["outcome"] == "unchanged"
    again = upload(kim, space, "a.txt", b"one", category="Guides").json()
    assert (again["outcome"], again["document"]["category"], again["document"]["version"]) == ("updated", "Guides", 1)
    url = f"/api/v1/documents/{written['id']}"
    assert kim.patch(url, json={"tags": ["hr"]}).json()["category"] == "Policies"
    assert kim.patch(url, json={"category": ""}).json()["category"] is None
    assert [one["category"] for one in kim.get("/api/v1/documents").json()["items"]] == [None, "Guides"]


@pytest.mark.parametrize("label", ["x" * 65, "a\0b", "a\nb"])
def test_a_tag_or_category_is_a_line_of_bounded_length(person: Person, label: str) -> None:
    kim = person()
    url = f"/api/v1/documents/{make_document(kim, make_space(kim))}"
    for change in ({"category": label}, {"tags": [label]}):
        assert kim.patch(url, json=change).status_code == 422


def test_a_move_is_in_the_audit_log_with_both_spaces(person: Person, database: Database) -> None:
    kim = person()
    here, there, elsewhere = make_space(kim, "Here"), make_space(kim, "There"), make_space(person("Lee"), "Lee's")
    url = f"/api/v1/documents/{make_document(kim, here, 'Leave')}"
    assert kim.patch(url, json={"tags": ["hr"], "space_id": here}).status_code == 200
    assert kim.patch(url, json={"space_id": elsewhere}).status_code == 404
    assert audited(database, "document.moved") == [], "neither a change in place nor what was refused"
    assert kim.patch(url, json={"space_id": there}).status_code == 200
    [event] = audited(database, "document.moved")
    assert (event.actor_name, event.target_id) == ("Kim", url.rsplit("/", 1)[1])
    assert event.details == {"title": "Leave", "from_space": here, "to_space": there}


def test_a_deleted_document_is_gone_at_once_and_its_path_is_free(person: Person) -> None:
    kim = person()
    space = make_space(kim)
    document_id = upload(kim, space, "a.txt", b"one").json()["document"]["id"]
    assert kim.delete(f"/api/v1/documents/{document_id}").status_code == 204
    for path in ("", "/versions", "/text", "/file"):
        assert kim.get(f"/api/v1/documents/{document_id}{path}").status_code == 404
    assert kim.get("/api/v1/documents").json()["items"] == []
    assert upload(kim, space, "a.txt", b"one").json()["outcome"] == "created"


def test_the_text_of_a_document_that_is_not_read_yet_says_so(person: Person) -> None:
    kim = person()
    document_id = make_document(kim, make_space(kim))
    response = kim.get(f"/api/v1/documents/{document_id}/text")
    assert (response.status_code, response.json()["code"]) == (409, "not_read_yet")


def test_documents_are_listed_in_pages_last_changed_first(person: Person) -> None:
    kim = person()
    space = make_space(kim)
    ids = [make_document(kim, space, f"Note {number}") for number in range(5)]
    kim.patch(f"/api/v1/documents/{ids[0]}", json={"tags": ["x"]})
    seen, cursor = [], None
    while True:
        page = kim.get("/api/v1/documents", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [ids[0], *reversed(ids[1:])]
    assert [d["title"] for d in kim.get("/api/v1/documents", params={"q": "TE 3"}).json()["items"]] == ["Note 3"]


@pytest.mark.parametrize("cursor", ["x", "W10=", "WzFd", "eyJhIjoxfQ==", "W3sidCI6ICIyMDI2LTExLTIzIn0sICJhIl0="])
def test_a_cursor_that_is_not_ours_is_refused(person: Person, cursor: str) -> None:
    response = person().get("/api/v1/documents", params={"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (422, "invalid")


def test_nobody_sees_or_touches_a_document_of_a_space_that_they_are_not_in(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    space = make_space(kim)
    document_id = make_document(kim, space)
    url = f"/api/v1/documents/{document_id}"
    for response in (
        lee.get(url),
        lee.get(f"{url}/versions"),
        lee.get(f"{url}/text"),
        lee.get(f"{url}/file"),
        lee.patch(url, json={"title": "Mine"}),
        lee.delete(url),
        lee.get("/api/v1/documents", params={"space_id": space}),
        lee.post("/api/v1/documents", json={"space_id": space, "title": "In", "text": "x"}),
        upload(lee, space, "a.txt", b"x"),
        kim.patch(url, json={"space_id": lee.get("/api/v1/spaces").json()["items"][0]["id"]}),
    ):
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert lee.get("/api/v1/documents").json()["items"] == []


def test_a_viewer_reads_but_does_not_change(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    space = make_space(kim)
    document_id = make_document(kim, space)
    kim.put(f"/api/v1/spaces/{space}/members/{lee.user_id}", json={"role": "viewer"})
    url = f"/api/v1/documents/{document_id}"
    assert lee.get(url).status_code == 200
    for response in (lee.patch(url, json={"title": "Mine"}), lee.delete(url), upload(lee, space, "a.txt", b"x")):
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    kim.delete(f"/api/v1/spaces/{space}/members/{lee.user_id}")
    assert lee.get(url).status_code == 404


def test_a_file_over_the_limit_is_refused_with_the_limit_in_words(person: Person) -> None:
    kim = person()
    space = make_space(kim)
    response = upload(kim, space, "big.bin", b"x" * (2 * 2**20 + 1))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert "2 MB" in response.json()["detail"]
    assert kim.get("/api/v1/documents").json()["items"] == []


def test_a_body_that_declares_a_gigabyte_is_refused_before_it_is_read(person: Person) -> None:
    response = person().post(
        "/api/v1/documents/upload",
        headers={"Content-Length": str(2**30), "Content-Type": "multipart/form-data; boundary=x"},
        content=b"",
    )
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_an_upload_without_a_usable_name_or_path_is_refused(person: Person) -> None:
    kim = person()
    space = make_space(kim)
    assert upload(kim, space, "a.txt", b"x", path="p" * 2000).status_code == 422
    assert upload(kim, space, "a.txt", b"x", path="  ").status_code == 422
    assert upload(kim, space, "dir/", b"x", title="  ").status_code == 422


def test_a_character_that_the_database_does_not_take_is_refused_or_matches_nothing(person: Person) -> None:
    kim = person()
    body = {"space_id": make_space(kim), "title": "x\0y", "text": "x"}
    assert kim.post("/api/v1/documents", json=body).status_code in (201, 422)
    assert kim.get("/api/v1/documents", params={"q": "\0"}).status_code in (200, 422)
    assert kim.get("/api/v1/documents/%00").status_code in (404, 422)
