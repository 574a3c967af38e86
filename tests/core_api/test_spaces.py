"""Spaces and who is in them."""

from collections.abc import Callable

from fastapi.testclient import TestClient

from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.models import SystemRole
from tests.factories import make_document, make_space

Person = Callable[..., TestClient]


def names(client: TestClient) -> set[str]:
    return {space["name"] for space in client.get("/api/v1/spaces").json()["items"]}


def test_everyone_has_a_personal_space_and_only_guests_do_not_see_the_companys(
    person: Person, database: Database
) -> None:
    with database.transaction() as session:
        ensure_owner(session)
    assert names(person("Kim")) == {"Company", "Kim (personal)"}
    assert names(person("Guest", SystemRole.GUEST)) == {"Guest (personal)"}


def test_the_company_space_is_read_by_everyone_and_written_by_its_editors(person: Person, database: Database) -> None:
    with database.transaction() as session:
        ensure_owner(session)
    kim = person()
    [company] = [s for s in kim.get("/api/v1/spaces").json()["items"] if s["kind"] == "company"]
    assert company["role"] == "viewer"
    refused = kim.post("/api/v1/documents", json={"space_id": company["id"], "title": "x", "text": "x"})
    assert refused.status_code == 403


def test_ensuring_the_owner_twice_makes_one(database: Database) -> None:
    with database.transaction() as session:
        first, created = ensure_owner(session)
    with database.transaction() as session:
        again, created_again = ensure_owner(session)
    assert (first, created, created_again) == (again, True, False)


def test_an_administrator_does_not_read_other_peoples_spaces(person: Person) -> None:
    kim, admin = person("Kim"), person("Root", SystemRole.ADMIN)
    space = make_space(kim, "Secret")
    assert "Secret" not in names(admin)
    assert admin.get(f"/api/v1/spaces/{space}").status_code == 404


def test_a_space_counts_its_live_documents(person: Person) -> None:
    kim = person()
    space = make_space(kim)
    make_document(kim, space)
    kim.delete(f"/api/v1/documents/{make_document(kim, space)}")
    assert kim.get(f"/api/v1/spaces/{space}").json()["document_count"] == 1


def test_members_come_change_and_go_by_the_owners_hand(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    space = make_space(kim, "Team")
    url = f"/api/v1/spaces/{space}/members"
    assert lee.get(url).status_code == 404
    assert kim.put(f"{url}/{lee.user_id}", json={"role": "editor"}).json()["role"] == "editor"
    assert "Team" in names(lee)
    assert [m["name"] for m in lee.get(url).json()["items"]] == ["Kim", "Lee"]
    assert lee.put(f"{url}/{lee.user_id}", json={"role": "owner"}).status_code == 403
    assert lee.delete(f"{url}/{kim.user_id}").status_code == 403
    assert lee.delete(f"{url}/{lee.user_id}").status_code == 204
    assert "Team" not in names(lee)
    assert kim.delete(f"{url}/{lee.user_id}").status_code == 404


def test_a_space_never_loses_its_last_owner(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    space = make_space(kim)
    url = f"/api/v1/spaces/{space}/members"
    assert kim.delete(f"{url}/{kim.user_id}").status_code == 409
    assert kim.put(f"{url}/{kim.user_id}", json={"role": "viewer"}).status_code == 409
    kim.put(f"{url}/{lee.user_id}", json={"role": "owner"})
    assert kim.delete(f"{url}/{kim.user_id}").status_code == 204


def test_unknown_ids_and_bad_values_are_told_by_name(person: Person) -> None:
    kim = person()
    space = make_space(kim)
    assert kim.get("/api/v1/spaces/nothing").json()["code"] == "not_found"
    assert kim.put(f"/api/v1/spaces/{space}/members/nobody", json={"role": "viewer"}).status_code == 404
    bad = kim.put(f"/api/v1/spaces/{space}/members/{kim.user_id}", json={"role": "king"})
    assert bad.status_code == 422
    assert bad.json()["errors"][0]["field"] == "role"
    assert kim.post("/api/v1/spaces", json={"name": "   "}).json()["errors"][0]["field"] == "name"


def test_spaces_are_found_by_their_exact_name_and_listed_in_pages(person: Person) -> None:
    kim = person()
    for number in range(3):
        make_space(kim, f"Team {number}")
    assert [s["name"] for s in kim.get("/api/v1/spaces", params={"name": "Team 1"}).json()["items"]] == ["Team 1"]
    first = kim.get("/api/v1/spaces", params={"limit": 2}).json()
    second = kim.get("/api/v1/spaces", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert len({s["id"] for s in first["items"] + second["items"]}) == 4
    assert second["next_cursor"] is None
