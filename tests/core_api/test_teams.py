"""Teams and projects: what both do is tested for both."""

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from core_api.infra.database import Database
from core_api.models import AuditEvent, SystemRole
from tests.factories import make_document

Person = Callable[..., TestClient]

both = pytest.mark.parametrize("kind", ["teams", "projects"])


def make(client: TestClient, kind: str, name: str = "Support", **more: object) -> dict[str, str]:
    response = client.post(f"/api/v1/{kind}", json={"name": name, **more})
    assert response.status_code == 201, response.text
    made: dict[str, str] = response.json()
    return made


def names(client: TestClient, kind: str, **params: object) -> list[str]:
    return [group["name"] for group in client.get(f"/api/v1/{kind}", params=params).json()["items"]]


def actions(database: Database) -> list[str]:
    with database.reading() as session:
        return [event.action for event in session.query(AuditEvent).order_by(AuditEvent.id)]


@both
def test_whoever_makes_one_owns_it_and_its_space(person: Person, kind: str) -> None:
    kim = person()
    made = make(kim, kind, description="  Answers customers. ")
    assert (made["role"], made["member_count"], made["archived_at"]) == ("owner", 1, None)
    assert made["description"] == "Answers customers."
    space = kim.get(f"/api/v1/spaces/{made['space_id']}").json()
    assert (space["name"], space["kind"]) == ("Support", kind.removesuffix("s"))
    assert space["may"] == {"write": True, "manage": True}
    assert kim.get(f"/api/v1/{kind}/{made['id']}").json() == made


@both
def test_who_is_not_in_it_does_not_know_of_it(person: Person, kind: str) -> None:
    made = make(person("Kim"), kind)
    for other in (person("Lee"), person("Root", SystemRole.ADMIN), person("Guest", SystemRole.GUEST)):
        url = f"/api/v1/{kind}/{made['id']}"
        assert names(other, kind) == []
        answers = [
            other.get(url),
            other.patch(url, json={"name": "Mine"}),
            other.delete(url),
            other.post(f"{url}/archive"),
            other.post(f"{url}/restore"),
            other.post(f"{url}/transfer", json={"user_id": other.user_id}),
            other.get(f"{url}/members"),
            other.put(f"{url}/members/{other.user_id}", json={"role": "owner"}),
            other.delete(f"{url}/members/{other.user_id}"),
        ]
        assert [answer.status_code for answer in answers] == [404] * len(answers)


@both
def test_the_owner_changes_it_and_its_space_follows(person: Person, kind: str) -> None:
    kim, lee = person("Kim"), person("Lee")
    made = make(kim, kind)
    url = f"/api/v1/{kind}/{made['id']}"
    kim.put(f"{url}/members/{lee.user_id}", json={"role": "editor"})
    assert lee.patch(url, json={"name": "Ours"}).status_code == 403
    changed = kim.patch(url, json={"name": "Help desk"}).json()
    assert (changed["name"], changed["description"], changed["member_count"]) == ("Help desk", "", 2)
    assert kim.get(f"/api/v1/spaces/{made['space_id']}").json()["name"] == "Help desk"
    assert kim.patch(url, json={"name": " "}).json()["errors"][0]["field"] == "name"


@both
def test_members_come_change_and_go_and_it_holds_at_once(person: Person, kind: str) -> None:
    kim, lee = person("Kim"), person("Lee")
    made = make(kim, kind)
    document = make_document(kim, made["space_id"])
    url = f"/api/v1/{kind}/{made['id']}/members"

    assert kim.put(f"{url}/{lee.user_id}", json={"role": "viewer"}).json()["name"] == "Lee"
    assert lee.get(f"/api/v1/documents/{document}").status_code == 200
    assert lee.patch(f"/api/v1/documents/{document}", json={"title": "x"}).status_code == 403
    assert [(m["name"], m["role"]) for m in lee.get(url).json()["items"]] == [("Kim", "owner"), ("Lee", "viewer")]

    kim.put(f"{url}/{lee.user_id}", json={"role": "editor"})
    assert lee.patch(f"/api/v1/documents/{document}", json={"title": "x"}).status_code == 200

    assert kim.delete(f"{url}/{lee.user_id}").status_code == 204
    assert lee.get(f"/api/v1/documents/{document}").status_code == 404
    assert lee.get(url).status_code == 404


@both
def test_members_are_listed_in_pages_by_name(person: Person, kind: str) -> None:
    kim = person("Kim")
    made = make(kim, kind)
    url = f"/api/v1/{kind}/{made['id']}/members"
    for name in ("Ada", "Zoe", "Lee", "Lee"):
        kim.put(f"{url}/{person(name).user_id}", json={"role": "viewer"})
    seen, cursor = [], None
    while True:
        page = kim.get(url, params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [member["name"] for member in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["Ada", "Kim", "Lee", "Lee", "Zoe"]


@both
def test_it_is_never_without_an_owner(person: Person, kind: str) -> None:
    kim, lee = person("Kim"), person("Lee")
    url = f"/api/v1/{kind}/{make(kim, kind)['id']}"
    assert kim.delete(f"{url}/members/{kim.user_id}").status_code == 409
    assert kim.put(f"{url}/members/{kim.user_id}", json={"role": "editor"}).status_code == 409
    assert kim.post(f"{url}/transfer", json={"user_id": kim.user_id}).status_code == 409
    assert kim.post(f"{url}/transfer", json={"user_id": "nobody"}).status_code == 404

    handed_over = kim.post(f"{url}/transfer", json={"user_id": lee.user_id})
    assert handed_over.json()["role"] == "editor"
    assert kim.post(f"{url}/transfer", json={"user_id": kim.user_id}).status_code == 403
    assert lee.get(url).json()["role"] == "owner"
    assert kim.delete(f"{url}/members/{kim.user_id}").status_code == 204


@both
def test_an_archived_one_is_read_and_does_not_change(person: Person, kind: str) -> None:
    kim, lee = person("Kim"), person("Lee")
    made = make(kim, kind)
    url, space = f"/api/v1/{kind}/{made['id']}", made["space_id"]
    kim.put(f"{url}/members/{lee.user_id}", json={"role": "editor"})
    document = make_document(kim, space, "Notes")
    assert lee.post(f"{url}/archive").status_code == 403

    assert kim.post(f"{url}/archive").json()["archived_at"] is not None
    assert kim.post(f"{url}/archive").status_code == 200
    assert kim.get(f"/api/v1/spaces/{space}").json()["may"] == {"write": False, "manage": True}
    assert names(kim, kind, archived=True) == ["Support"]
    assert names(kim, kind, archived=False) == []
    assert lee.get(f"/api/v1/documents/{document}").status_code == 200
    assert [d["id"] for d in lee.get("/api/v1/documents", params={"q": "Notes"}).json()["items"]] == [document]
    new = {"space_id": space, "title": "x", "text": "x"}
    refused = [
        kim.patch(url, json={"name": "New"}),
        kim.post("/api/v1/documents", json=new),
        lee.patch(f"/api/v1/documents/{document}", json={"title": "x"}),
        kim.delete(f"/api/v1/documents/{document}"),
        kim.put(f"/api/v1/documents/{document}/grants", json={"user_id": lee.user_id, "role": "viewer"}),
        kim.put(f"{url}/members/{lee.user_id}", json={"role": "viewer"}),
        kim.post(f"{url}/transfer", json={"user_id": lee.user_id}),
    ]
    assert [answer.status_code for answer in refused] == [409] * len(refused)

    assert kim.delete(f"{url}/members/{lee.user_id}").status_code == 204
    assert lee.get(url).status_code == 404
    assert kim.post(f"{url}/restore").json()["archived_at"] is None
    assert kim.post("/api/v1/documents", json=new).status_code == 201


@both
def test_it_is_deleted_when_its_space_is_empty(person: Person, database: Database, kind: str) -> None:
    kim, lee = person("Kim"), person("Lee")
    made = make(kim, kind)
    url = f"/api/v1/{kind}/{made['id']}"
    kim.put(f"{url}/members/{lee.user_id}", json={"role": "editor"})
    elsewhere = make(kim, kind, "Elsewhere")
    document = make_document(kim, made["space_id"])
    refused = kim.delete(url)
    assert (refused.status_code, "archive" in refused.json()["detail"]) == (409, True)
    assert lee.delete(url).status_code == 403

    kim.patch(f"/api/v1/documents/{document}", json={"space_id": elsewhere["space_id"]})
    assert kim.delete(url).status_code == 204
    assert kim.get(url).status_code == 404
    assert kim.get(f"/api/v1/spaces/{made['space_id']}").status_code == 404
    assert kim.get(f"/api/v1/documents/{document}").status_code == 200
    assert actions(database)[-1] == f"{kind.removesuffix('s')}.deleted"


@both
def test_they_are_searched_and_listed_in_pages(person: Person, kind: str) -> None:
    kim = person()
    for number in range(5):
        make(kim, kind, f"Group {number}", description="even" if number % 2 == 0 else "odd 100%")
    assert names(kim, kind, q="group 3") == ["Group 3"]
    assert names(kim, kind, q="EVEN") == ["Group 4", "Group 2", "Group 0"]
    assert names(kim, kind, q="0%") == ["Group 3", "Group 1"]
    first = kim.get(f"/api/v1/{kind}", params={"limit": 3}).json()
    second = kim.get(f"/api/v1/{kind}", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [g["name"] for g in first["items"] + second["items"]] == [f"Group {n}" for n in range(4, -1, -1)]
    assert second["next_cursor"] is None


@both
def test_every_change_is_in_the_audit_log(person: Person, database: Database, kind: str) -> None:
    kim, lee = person("Kim"), person("Lee")
    name = kind.removesuffix("s")
    url = f"/api/v1/{kind}/{make(kim, kind)['id']}"
    kim.patch(url, json={"name": "Help"})
    kim.patch(url, json={"name": "Help"})  # changes nothing
    kim.put(f"{url}/members/{lee.user_id}", json={"role": "viewer"})
    kim.put(f"{url}/members/{lee.user_id}", json={"role": "viewer"})
    kim.post(f"{url}/archive")
    kim.post(f"{url}/restore")
    kim.post(f"{url}/transfer", json={"user_id": lee.user_id})
    lee.delete(f"{url}/members/{kim.user_id}")
    lee.delete(url)
    assert [action for action in actions(database) if action.split(".")[0] in (name, "space")] == [
        f"{name}.created",
        f"{name}.changed",
        "space.member_set",
        f"{name}.archived",
        f"{name}.restored",
        "space.member_set",
        "space.member_set",
        f"{name}.transferred",
        "space.member_removed",
        f"{name}.deleted",
    ]
    with database.reading() as session:
        events = session.query(AuditEvent).filter(AuditEvent.action.like("space.member%")).order_by(AuditEvent.id)
        assert [event.details["name"] for event in events] == ["Lee", "Lee", "Kim", "Kim"]


@both
def test_guests_are_taken_in_but_make_none(person: Person, kind: str) -> None:
    kim, guest = person("Kim"), person("Guest", SystemRole.GUEST)
    assert guest.post(f"/api/v1/{kind}", json={"name": "Mine"}).status_code == 403
    url = f"/api/v1/{kind}/{make(kim, kind)['id']}"
    kim.put(f"{url}/members/{guest.user_id}", json={"role": "viewer"})
    assert names(guest, kind) == ["Support"]
    assert guest.get(url).json()["role"] == "viewer"
