"""Spaces and who is in them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from core_api.audit import Actor
from core_api.domains.members.service import leave_all
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.errors import Conflict
from core_api.models import SystemRole, User, utcnow
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


def test_a_space_says_what_one_may_do_there(person: Person, database: Database) -> None:
    with database.transaction() as session:
        ensure_owner(session)
    kim, lee = person("Kim"), person("Lee")
    space = make_space(kim, "Team")
    kim.put(f"/api/v1/spaces/{space}/members/{lee.user_id}", json={"role": "editor"})
    may = {s["name"]: s["may"] for s in lee.get("/api/v1/spaces").json()["items"]}
    assert may == {
        "Team": {"write": True, "manage": False},
        "Company": {"write": False, "manage": False},
        "Lee (personal)": {"write": True, "manage": False},
    }


def test_a_space_is_made_with_the_team_or_project_that_owns_it(person: Person) -> None:
    kim = person()
    assert kim.post("/api/v1/spaces", json={"name": "Launch", "kind": "project"}).status_code == 201
    space = make_space(kim, "Support")
    [team], [project] = (kim.get(f"/api/v1/{kind}").json()["items"] for kind in ("teams", "projects"))
    assert (team["space_id"], team["name"], project["name"]) == (space, "Support", "Launch")
    assert kim.post("/api/v1/spaces", json={"name": "x", "kind": "company"}).status_code == 422


def test_a_personal_space_has_one_member(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    [personal] = [s["id"] for s in kim.get("/api/v1/spaces").json()["items"] if s["kind"] == "personal"]
    url = f"/api/v1/spaces/{personal}/members"
    assert kim.put(f"{url}/{lee.user_id}", json={"role": "viewer"}).status_code == 409
    assert kim.delete(f"{url}/{kim.user_id}").status_code == 409


def test_nobody_who_cannot_sign_in_is_taken_in_or_counts_as_an_owner(person: Person, database: Database) -> None:
    kim, lee = person("Kim"), person("Lee")
    space = make_space(kim)
    url = f"/api/v1/spaces/{space}/members"
    kim.put(f"{url}/{lee.user_id}", json={"role": "owner"})
    with database.transaction() as session:
        session.get_one(User, lee.user_id).disabled_at = utcnow()
    assert kim.delete(f"{url}/{kim.user_id}").status_code == 409
    assert kim.put(f"{url}/{lee.user_id}", json={"role": "editor"}).status_code == 404
    assert kim.delete(f"{url}/{lee.user_id}").status_code == 204


def test_two_owners_who_go_at_the_same_moment_do_not_both_go(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    for _ in range(8):
        space = make_space(kim)
        url = f"/api/v1/spaces/{space}/members"
        kim.put(f"{url}/{lee.user_id}", json={"role": "owner"})
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda who: who.delete(f"{url}/{who.user_id}").status_code, (kim, lee)))  # noqa: B023
        assert sorted(answers) == [204, 409]


def test_who_leaves_for_good_leaves_an_owner_behind(person: Person, database: Database) -> None:
    kim, lee, ada, root = person("Kim"), person("Lee"), person("Ada"), person("Root", SystemRole.ADMIN)
    shared, alone = make_space(kim, "Shared"), make_space(kim, "Alone")
    for someone, role in ((lee, "viewer"), (ada, "editor")):
        kim.put(f"/api/v1/spaces/{shared}/members/{someone.user_id}", json={"role": role})
    with pytest.raises(Conflict, match="“Alone”"), database.transaction() as session:
        leave_all(session, Actor(kim.user_id, "Kim"), kim.user_id)
    with database.transaction() as session:
        leave_all(session, Actor(root.user_id, "Root"), kim.user_id)
    assert names(kim) == {"Kim (personal)"}
    assert [(m["name"], m["role"]) for m in ada.get(f"/api/v1/spaces/{shared}/members").json()["items"]] == [
        ("Ada", "owner"),
        ("Lee", "viewer"),
    ]
    assert root.get(f"/api/v1/spaces/{alone}").json()["role"] == "owner"
    assert root.get(f"/api/v1/spaces/{shared}").status_code == 404
