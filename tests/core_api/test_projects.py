"""What projects have that teams have not: a team. (Everything else: test_teams.py.)"""

from collections.abc import Callable

from fastapi.testclient import TestClient

from tests.core_api.test_teams import make
from tests.factories import make_document

Person = Callable[..., TestClient]


def test_a_project_belongs_to_a_team_of_its_maker_or_to_none(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    team, foreign = make(kim, "teams"), make(lee, "teams")
    assert make(kim, "projects")["team_id"] is None
    project = make(kim, "projects", team_id=team["id"])
    assert project["team_id"] == team["id"]
    refused = kim.post("/api/v1/projects", json={"name": "x", "team_id": foreign["id"]})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    url = f"/api/v1/projects/{project['id']}"
    assert kim.patch(url, json={"team_id": foreign["id"]}).status_code == 404
    assert kim.patch(url, json={"name": "Launch"}).json()["team_id"] == team["id"]
    assert kim.patch(url, json={"team_id": None}).json()["team_id"] is None
    assert kim.patch(url, json={"team_id": team["id"]}).json()["team_id"] == team["id"]


def test_a_team_does_not_open_its_projects(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    team = make(kim, "teams")
    project = make(kim, "projects", team_id=team["id"])
    document = make_document(kim, project["space_id"])
    kim.put(f"/api/v1/teams/{team['id']}/members/{lee.user_id}", json={"role": "owner"})
    assert lee.get(f"/api/v1/projects/{project['id']}").status_code == 404
    assert lee.get(f"/api/v1/documents/{document}").status_code == 404


def test_a_project_outlives_its_team_and_an_archived_team_takes_none(person: Person) -> None:
    kim = person()
    team = make(kim, "teams")
    project = make(kim, "projects", team_id=team["id"])
    kim.post(f"/api/v1/teams/{team['id']}/archive")
    assert kim.post("/api/v1/projects", json={"name": "x", "team_id": team["id"]}).status_code == 409
    assert kim.delete(f"/api/v1/teams/{team['id']}").status_code == 204
    assert kim.get(f"/api/v1/projects/{project['id']}").json()["team_id"] is None


def test_who_may_change_a_project_is_asked_before_its_new_team(person: Person) -> None:
    kim, lee = person("Kim"), person("Lee")
    project, mine = make(kim, "projects"), make(lee, "teams")
    refused = lee.patch(f"/api/v1/projects/{project['id']}", json={"team_id": mine["id"]})
    assert refused.status_code == 404
    assert "project" in refused.json()["detail"]
