"""Invitations by mail, to the company and into spaces."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from core_api.auth.sessions import Device, start_browser_session
from core_api.domains.invitations.service import accept_for_new_user, join_invited_space
from core_api.domains.users.service import create_user
from core_api.http.cookies import SESSION_COOKIE
from core_api.infra.database import Database
from core_api.infra.errors import NotFound
from core_api.models import AuditEvent, Invitation, MailMessage, SpaceMember, SystemRole, User, utcnow
from tests.core_api.test_teams import make
from tests.factories import make_space

Person = Callable[..., TestClient]
URL = "/api/v1/invitations"


@pytest.fixture
def mailed(app: FastAPI, database: Database) -> Callable[[str], str]:
    """The token in the last mail to an address."""

    def token(recipient: str) -> str:
        with database.reading() as session:
            message = session.query(MailMessage).filter_by(recipient=recipient).order_by(MailMessage.id.desc()).first()
            assert message is not None
            assert message.body_encrypted is not None
            text: str = app.state.vault.decrypt(message.body_encrypted)
        found = re.search(r"/join\?token=([\w-]+)", text)
        assert found is not None, text
        return found[1]

    return token


@pytest.fixture
def known(person: Person, database: Database) -> Callable[..., TestClient]:
    """Makes a person with an address, signed in with a browser: no API key accepts an invitation."""

    def make_known(name: str, email: str, role: SystemRole = SystemRole.MEMBER, verified: bool = True) -> TestClient:
        client = person(name, role)
        with database.transaction() as session:
            user = session.get_one(User, client.user_id)  # type: ignore[attr-defined]
            user.email, user.email_verified_at = email, utcnow() if verified else None
            cookie = start_browser_session(session, user.id, timedelta(hours=1), Device())
        browser = TestClient(
            client.app,
            cookies={SESSION_COOKIE: cookie},
            headers={"sec-fetch-site": "same-origin"},
            raise_server_exceptions=False,
        )
        browser.user_id = user.id  # type: ignore[attr-defined]
        return browser

    return make_known


def invite(client: TestClient, email: str, **more: object) -> dict[str, str]:
    response = client.post(URL, json={"email": email, **more})
    assert response.status_code == 201, response.text
    made: dict[str, str] = response.json()
    return made


def test_an_invited_person_accepts_and_is_in_the_space(
    person: Person, known: Person, mailed: Callable[[str], str]
) -> None:
    kim, lee = person("Kim"), known("Lee", "lee@example.com")
    team = make(kim, "teams")
    made = invite(kim, " Lee@Example.com ", space_id=team["space_id"], space_role="editor")
    assert (made["email"], made["state"], made["space_name"]) == ("lee@example.com", "pending", "Support")
    token = mailed("lee@example.com")
    assert token not in str(made)
    anonymous = TestClient(kim.app)
    assert anonymous.post(f"{URL}/preview", json={"token": token}).json() == {
        "email": "lee@example.com",
        "inviter": "Kim",
        "space_name": "Support",
        "account_exists": True,
    }
    assert lee.post(f"{URL}/accept", json={"token": token}).json() == {"space_id": team["space_id"]}
    assert lee.get(f"/api/v1/teams/{team['id']}").json()["role"] == "editor"
    assert lee.post(f"{URL}/accept", json={"token": token}).status_code == 404
    assert anonymous.post(f"{URL}/preview", json={"token": token}).status_code == 404
    assert [i["state"] for i in kim.get(URL, params={"space_id": team["space_id"]}).json()["items"]] == ["accepted"]


def test_only_the_person_with_that_verified_address_accepts(
    person: Person, known: Person, mailed: Callable[[str], str]
) -> None:
    kim, lee, ada = person("Kim"), known("Lee", "lee@example.com", verified=False), known("Ada", "ada@example.com")
    space = make_space(kim)
    invite(kim, "lee@example.com", space_id=space)
    token = mailed("lee@example.com")
    for other in (ada, lee, person("Nobody has mailed")):
        assert other.post(f"{URL}/accept", json={"token": token}).status_code == 403
        assert other.get(f"/api/v1/spaces/{space}").status_code == 404


def test_who_may_invite_whom(person: Person) -> None:
    member, manager = person("Kim"), person("Boss", SystemRole.MANAGER)
    guest = person("Guest", SystemRole.GUEST)
    mine, foreign = make_space(member), make_space(manager)
    member.put(f"/api/v1/spaces/{mine}/members/{guest.user_id}", json={"role": "owner"})

    def status(client: TestClient, **body: object) -> int:
        return client.post(URL, json={"email": "new@example.com", **body}).status_code

    assert status(manager) == status(manager, role="member") == status(manager, space_id=foreign) == 201
    assert status(member, space_id=mine) == 201
    assert status(member) == status(member, space_id=mine, role="member") == 403
    assert status(member, space_id=foreign) == status(manager, space_id=mine) == 404
    assert status(guest, space_id=mine) == status(guest) == 403
    manager.put(f"/api/v1/spaces/{foreign}/members/{member.user_id}", json={"role": "editor"})
    assert status(member, space_id=foreign) == 403


def test_bad_input_is_told_by_name(person: Person) -> None:
    manager = person("Boss", SystemRole.MANAGER)
    for body, field in (
        ({"email": "not an address"}, "email"),
        ({"email": "x@example.com", "role": "admin"}, "role"),
        ({"email": "x@example.com", "space_id": "x", "space_role": "king"}, "space_role"),
    ):
        assert manager.post(URL, json=body).json()["errors"][0]["field"] == field
    assert manager.post(URL, json={"email": "x@example.com", "space_role": "viewer"}).status_code == 422


def test_a_new_invitation_takes_the_place_of_the_one_before(
    person: Person, known: Person, mailed: Callable[[str], str]
) -> None:
    kim, lee = person("Kim"), known("Lee", "lee@example.com")
    space = make_space(kim)
    invite(kim, "lee@example.com", space_id=space)
    old = mailed("lee@example.com")
    invite(kim, "lee@example.com", space_id=space)
    assert lee.post(f"{URL}/accept", json={"token": old}).status_code == 404
    assert lee.post(f"{URL}/accept", json={"token": mailed("lee@example.com")}).status_code == 200


def test_a_revoked_or_old_one_opens_nothing(
    person: Person, known: Person, mailed: Callable[[str], str], database: Database
) -> None:
    kim, lee = person("Kim"), known("Lee", "lee@example.com")
    space = make_space(kim)
    made = invite(kim, "lee@example.com", space_id=space)
    assert lee.delete(f"{URL}/{made['id']}").status_code == 404
    assert kim.delete(f"{URL}/{made['id']}").status_code == 204
    assert lee.post(f"{URL}/accept", json={"token": mailed("lee@example.com")}).status_code == 404
    second = invite(kim, "lee@example.com", space_id=space)
    with database.transaction() as session:
        session.get_one(Invitation, second["id"]).expires_at = utcnow() - timedelta(seconds=1)
    assert lee.post(f"{URL}/accept", json={"token": mailed("lee@example.com")}).status_code == 404
    assert [i["state"] for i in kim.get(URL).json()["items"]] == ["expired", "revoked"]


def test_it_is_worth_what_its_maker_may_do_when_it_is_accepted(
    person: Person, known: Person, mailed: Callable[[str], str]
) -> None:
    kim, ada, lee = person("Kim"), person("Ada"), known("Lee", "lee@example.com")
    space = make_space(kim)
    kim.put(f"/api/v1/spaces/{space}/members/{ada.user_id}", json={"role": "owner"})
    invite(ada, "lee@example.com", space_id=space, space_role="owner")
    kim.put(f"/api/v1/spaces/{space}/members/{ada.user_id}", json={"role": "viewer"})
    assert lee.post(f"{URL}/accept", json={"token": mailed("lee@example.com")}).status_code == 404


def test_accepting_never_takes_a_higher_role_away(person: Person, known: Person, mailed: Callable[[str], str]) -> None:
    kim, lee = person("Kim"), known("Lee", "lee@example.com")
    space = make_space(kim)
    invite(kim, "lee@example.com", space_id=space)
    kim.put(f"/api/v1/spaces/{space}/members/{lee.user_id}", json={"role": "owner"})
    assert lee.post(f"{URL}/accept", json={"token": mailed("lee@example.com")}).status_code == 200
    assert lee.get(f"/api/v1/spaces/{space}").json()["role"] == "owner"


def test_nobody_joins_an_archived_or_a_personal_space(
    person: Person, known: Person, mailed: Callable[[str], str]
) -> None:
    kim, lee = person("Kim"), known("Lee", "lee@example.com")
    team = make(kim, "teams")
    invite(kim, "lee@example.com", space_id=team["space_id"])
    kim.post(f"/api/v1/teams/{team['id']}/archive")
    assert lee.post(f"{URL}/accept", json={"token": mailed("lee@example.com")}).status_code == 409
    again = {"email": "lee@example.com", "space_id": team["space_id"]}
    assert kim.post(URL, json=again).status_code == 409
    [personal] = [s["id"] for s in kim.get("/api/v1/spaces").json()["items"] if s["kind"] == "personal"]
    assert kim.post(URL, json={"email": "lee@example.com", "space_id": personal}).status_code == 409


def test_everyone_sees_the_invitations_that_concern_them(person: Person) -> None:
    kim, lee, manager = person("Kim"), person("Lee"), person("Boss", SystemRole.MANAGER)
    space = make_space(kim, "Secret")
    kim.put(f"/api/v1/spaces/{space}/members/{lee.user_id}", json={"role": "editor"})
    invite(kim, "a@example.com", space_id=space)
    made = invite(manager, "b@example.com", role="member")

    def emails(client: TestClient, **params: object) -> list[str]:
        return [i["email"] for i in client.get(URL, params=params).json()["items"]]

    assert emails(kim) == ["a@example.com"]
    assert emails(lee) == []
    assert lee.get(URL, params={"space_id": space}).status_code == 403
    assert emails(manager) == ["b@example.com", "a@example.com"]
    assert emails(manager, limit=1) == ["b@example.com"]
    assert "Secret" not in manager.get(URL).text
    assert kim.delete(f"{URL}/{made['id']}").status_code == 404


def test_a_new_person_comes_with_the_role_and_into_the_space_of_their_invitation(
    person: Person, mailed: Callable[[str], str], database: Database
) -> None:
    kim = person("Kim")
    space = make_space(kim)
    invite(kim, "new@example.com", space_id=space, space_role="editor")
    token = mailed("new@example.com")
    with pytest.raises(NotFound), database.transaction() as session:
        accept_for_new_user(session, token, "other@example.com")
    with database.transaction() as session:
        invitation = accept_for_new_user(session, token, "New@example.com")
        assert invitation.role == SystemRole.GUEST
        user = create_user(session, "New", SystemRole(invitation.role), "new@example.com")
        join_invited_space(session, invitation, user.id)
    with pytest.raises(NotFound), database.transaction() as session:
        accept_for_new_user(session, token, "new@example.com")
    with database.reading() as session:
        assert session.get_one(SpaceMember, (space, user.id)).role == "editor"
        done = [event.action for event in session.query(AuditEvent).order_by(AuditEvent.id)]
    assert done[-3:] == ["invitation.created", "space.member_set", "invitation.accepted"]
