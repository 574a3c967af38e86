"""New accounts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import OneTimeToken, SystemRole, User, utcnow
from tests.core_api.accounts import (
    API,
    OTHER_PASSWORD,
    PASSWORD,
    audited,
    browse,
    credentials,
    link_token,
    mails,
    make_account,
    me,
    visit,
)
from tests.factories import make_space


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(
        data_dir=tmp_path, log_level="error", registration="open", rate_limit_sign_in="100/minute"
    )  # fmt: skip


@pytest.fixture
def visitor(app: FastAPI) -> TestClient:
    return visit(app)


def register(client: TestClient, name: str = "Kim", password: str = PASSWORD, **more: object):
    return client.post(f"{API}/auth/register", json={"name": name, **credentials(name, password), **more})


def verify(client: TestClient, token: str):
    return client.post(f"{API}/auth/verify-email", json={"token": token})


def login(client: TestClient, name: str = "Kim", password: str = PASSWORD):
    return client.post(f"{API}/auth/login", json=credentials(name, password))


def invite(app: FastAPI, database: Database, name: str = "Kim", **more: object) -> str:
    """The token of an invitation by a manager."""
    with database.reading() as session:
        known = session.scalar(select(User.id).where(User.name == "Boss"))
    if known is None:
        make_account(database, "Boss", SystemRole.MANAGER)
    email = f"{name.lower()}@example.com"
    response = browse(app, "Boss").post(f"{API}/invitations", json={"email": email, "role": "member", **more})
    assert response.status_code == 201, response.text
    return link_token(mails(app, email)[-1])


def test_who_registers_signs_in_once_the_address_is_verified(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    with database.transaction() as session:
        ensure_owner(session)
    response = register(visitor)
    assert (response.status_code, response.json()) == (202, {"verification": "sent"})
    assert "set-cookie" not in response.headers
    early = login(visitor)
    assert (early.status_code, early.json()["code"]) == (403, "email_unverified")
    # Whoever has lost the mail gets it again.
    first, mail = mails(app, "kim@example.com")
    assert "/verify?token=" in first
    assert first != mail
    assert verify(visitor, link_token(mail)).status_code == 204
    assert login(visitor).status_code == 200
    profile = browse(app).get(f"{API}/users/me").json()
    assert (profile["name"], profile["role"], profile["email_verified"]) == ("Kim", "member", True)
    spaces = browse(app).get(f"{API}/spaces").json()["items"]
    assert {space["kind"] for space in spaces} == {"company", "personal"}
    [event] = audited(database, "user.registered")
    assert (event.actor_id, event.target_id) == (profile["id"], profile["id"])
    assert (event.address, bool(event.request_id)) == ("testclient", True)


def test_a_verification_link_works_once_and_not_for_ever(app: FastAPI, visitor: TestClient, database: Database) -> None:
    register(visitor)
    token = link_token(mails(app)[0])
    with database.transaction() as session:
        session.execute(update(OneTimeToken).values(expires_at=utcnow() - timedelta(seconds=1)))
    assert verify(visitor, token).status_code == 401
    with database.transaction() as session:
        session.execute(update(OneTimeToken).values(expires_at=utcnow() + timedelta(hours=1)))
    assert verify(visitor, token).status_code == 204
    again = verify(visitor, token)
    assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")


def test_an_address_that_has_an_account_gets_the_same_answer_and_mail_that_says_so(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    known, unknown = register(visitor, password=OTHER_PASSWORD), register(visitor, "Lee")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert set(known.headers) == set(unknown.headers)
    [mail] = mails(app, "kim@example.com")
    assert "account already" in mail
    assert "token=" not in mail
    assert login(visitor).status_code == 200
    assert login(visitor, password=OTHER_PASSWORD).status_code == 401


def test_the_password_is_that_of_the_registration_whose_link_is_opened(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    register(visitor)  # the owner of the address
    register(visitor, password=OTHER_PASSWORD)  # somebody who is quick
    mine, theirs = mails(app, "kim@example.com")
    assert verify(visitor, link_token(mine)).status_code == 204
    assert login(visitor).status_code == 200
    assert login(visitor, password=OTHER_PASSWORD).status_code == 401
    assert verify(visitor, link_token(theirs)).status_code == 401
    assert len(audited(database, "user.registered")) == 1


def test_two_registrations_at_once_make_one_account(app: FastAPI, database: Database) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: register(visit(app)).status_code, range(2)))
    assert answers == [202, 202]
    with database.reading() as session:
        assert len(session.scalars(select(User).where(User.email == "kim@example.com")).all()) == 1
    assert len(mails(app, "kim@example.com")) == 2


def test_nothing_comes_of_registering_the_address_of_a_disabled_account(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    user_id = make_account(database)
    with database.transaction() as session:
        session.get_one(User, user_id).disabled_at = utcnow()
    assert register(visitor).status_code == 202
    assert mails(app) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "kim"}, "email"),
        ({"email": "kim@exam ple.com"}, "email"),
        ({"email": "a" * 300 + "@example.com"}, "email"),
        ({"email": "kim\x00@example.com"}, "email"),
        ({"name": "  "}, "name"),
        ({"name": "Kim\nBcc: all@example.com"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"password": "x" * 201}, "password"),
        ({"password": "kim@example.com"}, "password"),
        ({"password": "short"}, "password"),
    ],
)
def test_bad_input_is_a_problem_that_names_the_field(visitor: TestClient, change: dict, field: str) -> None:
    response = register(visitor, **change)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


def test_addresses_are_the_same_in_any_case_and_may_be_local(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    register(visitor, email="Kim@Mail.Local")
    assert verify(visitor, link_token(mails(app, "kim@mail.local")[0])).status_code == 204
    response = visitor.post(f"{API}/auth/login", json={"email": "KIM@mail.local", "password": PASSWORD})
    assert response.status_code == 200


def test_closed_means_nobody_and_by_invitation_means_with_one(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    token = invite(app, database)
    app.state.settings.registration = "closed"
    closed = register(visitor, invitation=token)
    assert (closed.status_code, closed.json()["code"]) == (403, "registration_closed")
    app.state.settings.registration = "invite"
    refused = register(visitor)
    assert (refused.status_code, refused.json()["code"]) == (403, "invitation_required")
    assert register(visitor, invitation=token).status_code == 201


def test_who_was_invited_is_in_at_once_with_the_role_and_space_of_the_invitation(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database, "Boss", SystemRole.MANAGER)
    space = make_space(browse(app, "Boss"), "Launch")
    token = invite(app, database, role="guest", space_id=space, space_role="editor")
    response = register(visitor, invitation=token)
    assert (response.status_code, response.json()) == (201, {"signed_in": True})
    profile = visitor.get(f"{API}/users/me").json()
    assert (profile["role"], profile["email"], profile["email_verified"]) == ("guest", "kim@example.com", True)
    found = {space["name"]: space["role"] for space in visitor.get(f"{API}/spaces").json()["items"]}
    assert found["Launch"] == "editor"
    assert len(audited(database, "invitation.accepted")) == 1


def test_an_invitation_is_for_its_address_and_good_once(app: FastAPI, visitor: TestClient, database: Database) -> None:
    token = invite(app, database)
    for refused in (register(visitor, "Lee", invitation=token), register(visitor, invitation="nothing")):
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert register(visit(app), invitation=token).status_code == 201
    assert register(visitor, invitation=token).status_code == 404
    assert me(visitor) == 401


def test_an_invited_person_who_has_an_account_is_told_to_sign_in_and_the_invitation_stays(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    token = invite(app, database)
    response = register(visitor, password=OTHER_PASSWORD, invitation=token)
    assert (response.status_code, response.json()["code"]) == (409, "account_exists")
    assert login(visitor, password=OTHER_PASSWORD).status_code == 401
    assert browse(app).post(f"{API}/invitations/accept", json={"token": token}).status_code == 200


def test_an_invitation_takes_over_an_address_that_somebody_registered_without_showing_it_theirs(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    register(visit(app), password=OTHER_PASSWORD)
    squatted = link_token(mails(app, "kim@example.com")[0])
    assert register(visitor, invitation=invite(app, database)).status_code == 201
    assert login(visit(app)).status_code == 200
    assert verify(visit(app), squatted).status_code == 401
    assert login(visit(app), password=OTHER_PASSWORD).status_code == 401


def test_registrations_from_one_address_are_throttled(app: FastAPI, database: Database) -> None:
    app.state.settings.rate_limit_sign_in = "2/minute"
    answers = [register(visit(app), f"Person{number}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert int(answers[2].headers["retry-after"]) > 0


def test_a_korean_browser_gets_korean_mail(app: FastAPI, visitor: TestClient, database: Database) -> None:
    visitor.headers["Accept-Language"] = "ko-KR,ko;q=0.9,en;q=0.8"
    register(visitor)
    assert "이메일" in mails(app)[0]


def test_a_changed_address_counts_once_its_link_is_opened(app: FastAPI, database: Database) -> None:
    make_account(database)
    here = browse(app)
    assert here.patch(f"{API}/users/me", json={"email": "new@example.com"}).status_code == 200
    assert here.get(f"{API}/users/me").json()["email"] == "kim@example.com"
    token = link_token(mails(app, "new@example.com")[0])
    assert verify(visit(app), token).status_code == 204
    assert here.get(f"{API}/users/me").json()["email"] == "new@example.com"


def test_an_address_that_somebody_else_got_meanwhile_is_not_taken_from_them(app: FastAPI, database: Database) -> None:
    make_account(database)
    browse(app).patch(f"{API}/users/me", json={"email": "lee@example.com"})
    token = link_token(mails(app, "lee@example.com")[0])
    make_account(database, "Lee")
    assert verify(visit(app), token).status_code == 409
    assert login(visit(app), "Lee").status_code == 200
