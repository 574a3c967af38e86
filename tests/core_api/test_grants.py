"""Single documents shared with people and teams."""

from collections.abc import Callable
from datetime import timedelta

from fastapi.testclient import TestClient

from core_api.auth.api_keys import create_api_key
from core_api.auth.permissions import Scope
from core_api.infra.database import Database
from core_api.models import AuditEvent, SystemRole
from tests.core_api.test_teams import make
from tests.factories import make_document, make_space

Person = Callable[..., TestClient]


def share(client: TestClient, document: str, **grant: str) -> dict[str, str]:
    response = client.put(f"/api/v1/documents/{document}/grants", json=grant)
    assert response.status_code == 200, response.text
    made: dict[str, str] = response.json()
    return made


def listed(client: TestClient, **params: object) -> list[str]:
    return [document["id"] for document in client.get("/api/v1/documents", params=params).json()["items"]]


def test_a_document_shared_with_a_person_is_theirs_to_read_and_nothing_else_is(person: Person) -> None:
    kim, guest = person("Kim"), person("Guest", SystemRole.GUEST)
    space = make_space(kim, "Secret plans")
    document, other = make_document(kim, space, "One"), make_document(kim, space, "Two")
    grant = share(kim, document, user_id=guest.user_id, role="viewer")
    assert (grant["name"], grant["role"], grant["granted_by"]["name"]) == ("Guest", "viewer", "Kim")

    url = f"/api/v1/documents/{document}"
    assert listed(guest) == listed(guest, shared=True) == [document]
    assert [guest.get(f"{url}{part}").status_code for part in ("", "/file", "/versions")] == [200] * 3
    assert guest.get(url).json()["space"]["name"] == ""
    assert "Secret" not in guest.get("/api/v1/documents").text
    assert guest.get(f"/api/v1/documents/{other}").status_code == 404
    assert guest.get(f"/api/v1/spaces/{space}").status_code == 404
    assert guest.get("/api/v1/documents", params={"space_id": space}).status_code == 404
    refused = [guest.patch(url, json={"title": "x"}), guest.get(f"{url}/grants"), guest.delete(url)]
    assert [answer.status_code for answer in refused] == [403] * 3


def test_an_editor_by_grant_changes_the_document_and_does_not_take_or_pass_it_on(person: Person) -> None:
    kim, lee, ada = person("Kim"), person("Lee"), person("Ada")
    document = make_document(kim, make_space(kim))
    url = f"/api/v1/documents/{document}"
    share(kim, document, user_id=lee.user_id, role="editor")
    assert lee.patch(url, json={"text": "New words."}).json()["version"] == 2
    refused = [
        lee.patch(url, json={"space_id": make_space(lee)}),
        lee.delete(url),
        lee.put(f"{url}/grants", json={"user_id": ada.user_id, "role": "viewer"}),
    ]
    assert [answer.status_code for answer in refused] == [403] * 3


def test_a_document_shared_with_a_team_follows_its_members(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    document = make_document(kim, make_space(kim))
    team = make(kim, "teams")
    grant = share(kim, document, team_id=team["id"], role="viewer")
    assert grant["name"] == "Support"
    members = f"/api/v1/teams/{team['id']}/members/{lee.user_id}"
    for _ in range(2):
        assert listed(lee) == []
        kim.put(members, json={"role": "viewer"})
        assert listed(lee) == [document]
        kim.delete(members)
    assert lee.get(f"/api/v1/documents/{document}").status_code == 404
    kim.put(members, json={"role": "viewer"})
    assert kim.delete(f"/api/v1/teams/{team['id']}").status_code == 204
    assert listed(lee) == []


def test_the_higher_of_the_roles_counts(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    space, team = make_space(kim), make(kim, "teams")
    document = make_document(kim, space)
    url = f"/api/v1/documents/{document}"
    kim.put(f"/api/v1/spaces/{space}/members/{lee.user_id}", json={"role": "viewer"})
    assert lee.patch(url, json={"title": "x"}).status_code == 403
    kim.put(f"/api/v1/teams/{team['id']}/members/{lee.user_id}", json={"role": "viewer"})
    share(kim, document, user_id=lee.user_id, role="viewer")
    share(kim, document, team_id=team["id"], role="editor")
    assert lee.patch(url, json={"title": "x"}).status_code == 200


def test_sharing_again_changes_the_grant_and_taking_it_back_holds_at_once(person: Person, database: Database) -> None:
    kim, lee = person("Kim"), person("Lee")
    document = make_document(kim, make_space(kim))
    url = f"/api/v1/documents/{document}"
    first = share(kim, document, user_id=lee.user_id, role="viewer")
    again = share(kim, document, user_id=lee.user_id, role="editor")
    assert (again["id"], again["role"]) == (first["id"], "editor")
    share(kim, document, user_id=lee.user_id, role="editor")
    assert len(kim.get(f"{url}/grants").json()["items"]) == 1
    assert kim.delete(f"{url}/grants/{first['id']}").status_code == 204
    assert lee.get(url).status_code == 404
    assert kim.delete(f"{url}/grants/{first['id']}").status_code == 404
    with database.reading() as session:
        done = [event.action for event in session.query(AuditEvent).order_by(AuditEvent.id)]
    assert [action for action in done if action.startswith("document")] == ["document.shared"] * 2 + [
        "document.unshared"
    ]


def test_a_person_gives_up_a_grant_of_their_own_only(person: Person) -> None:
    kim, lee, ada = person("Kim"), person("Lee"), person("Ada")
    document = make_document(kim, make_space(kim))
    url = f"/api/v1/documents/{document}/grants"
    mine, hers = (share(kim, document, user_id=someone.user_id, role="viewer") for someone in (lee, ada))
    assert lee.delete(f"{url}/{hers['id']}").status_code == 403
    assert lee.delete(f"{url}/{mine['id']}").status_code == 204
    assert listed(lee) == []
    assert listed(ada) == [document]


def test_a_grant_moves_with_its_document_and_ends_with_it(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    document = make_document(kim, make_space(kim))
    url = f"/api/v1/documents/{document}"
    share(kim, document, user_id=lee.user_id, role="viewer")
    kim.patch(url, json={"space_id": make_space(kim, "Other")})
    assert listed(lee) == [document]
    kim.delete(url)
    assert listed(lee) == []
    assert lee.get(url).status_code == 404


def test_a_grant_names_one_grantee_who_is_known(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    document = make_document(kim, make_space(kim))
    url, foreign = f"/api/v1/documents/{document}/grants", make(lee, "teams")
    both = {"user_id": lee.user_id, "team_id": foreign["id"], "role": "viewer"}
    assert kim.put(url, json=both).status_code == 422
    assert kim.put(url, json={"role": "viewer"}).status_code == 422
    assert kim.put(url, json={"user_id": lee.user_id, "role": "owner"}).json()["errors"][0]["field"] == "role"
    assert kim.put(url, json={"user_id": "nobody", "role": "viewer"}).status_code == 404
    assert kim.put(url, json={"team_id": foreign["id"], "role": "viewer"}).status_code == 404
    assert lee.get(url).status_code == 404
    assert lee.put(url, json={"user_id": lee.user_id, "role": "viewer"}).status_code == 404


def test_grants_are_listed_in_pages(person: Person) -> None:
    kim = person("Kim")
    document = make_document(kim, make_space(kim))
    for number in range(3):
        share(kim, document, user_id=person(f"P{number}").user_id, role="viewer")
    url = f"/api/v1/documents/{document}/grants"
    first = kim.get(url, params={"limit": 2}).json()
    second = kim.get(url, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [grant["name"] for grant in first["items"] + second["items"]] == ["P2", "P1", "P0"]


def test_a_document_says_to_each_whether_they_may_change_it(person: Person, database: Database) -> None:
    kim, guest = person("Kim"), person("Guest", SystemRole.GUEST)
    people = {name: person(name) for name in ("viewer", "editor", "granted viewer", "granted editor", "by team")}
    project, team = make(kim, "projects", "Roadmap"), make(kim, "teams")
    space = project["space_id"]
    document = make_document(kim, space)
    url = f"/api/v1/documents/{document}"
    for role in ("viewer", "editor"):
        kim.put(f"/api/v1/spaces/{space}/members/{people[role].user_id}", json={"role": role})
        share(kim, document, user_id=people[f"granted {role}"].user_id, role=role)
    kim.put(f"/api/v1/teams/{team['id']}/members/{people['by team'].user_id}", json={"role": "viewer"})
    share(kim, document, team_id=team["id"], role="editor")
    share(kim, document, user_id=guest.user_id, role="editor")
    with database.transaction() as session:
        _, key = create_api_key(session, kim.user_id, "reads", [Scope.READ], timedelta(hours=1))
    reading = TestClient(kim.app, headers={"Authorization": f"Bearer {key}"})

    def may(client: TestClient) -> bool:
        said: bool = client.get(url).json()["may"]["write"]
        (in_list,) = client.get("/api/v1/documents").json()["items"]
        assert in_list["may"] == {"write": said}
        assert client.patch(url, json={"tags": ["x"]}).is_success == said
        return said

    assert may(kim)
    assert {name for name, client in people.items() if may(client)} == {"editor", "granted editor", "by team"}
    assert may(guest)
    assert not may(reading)
    kim.post(f"/api/v1/projects/{project['id']}/archive")
    assert not any(may(client) for client in (kim, *people.values(), guest))
