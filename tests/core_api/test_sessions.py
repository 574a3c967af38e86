"""Refresh tokens, and the devices that are signed in."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from core_api.http.cookies import SESSION_COOKIE
from core_api.infra.database import Database
from core_api.models import LoginSession, RefreshToken, User, utcnow
from tests.core_api.accounts import API, audited, browse, make_account, me, sign_in, visit, with_token

Person = Callable[..., TestClient]


@pytest.fixture
def visitor(app: FastAPI) -> TestClient:
    return visit(app)


def refresh(client: TestClient, token: str):
    return client.post(f"{API}/auth/refresh", json={"refresh_token": token})


def age_sessions(database: Database, age: timedelta) -> None:
    with database.transaction() as session:
        session.execute(update(LoginSession).values(last_used_at=utcnow() - age))


def the_session(database: Database) -> LoginSession:
    with database.reading() as session:
        return session.scalars(select(LoginSession)).one()


def test_a_refresh_token_gives_a_new_pair_and_the_session_stays_the_same(
    visitor: TestClient, database: Database
) -> None:
    make_account(database)
    first = sign_in(visitor)
    second = refresh(visitor, first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert (me(visitor, first["access_token"]), me(visitor, second["access_token"])) == (200, 200)
    assert refresh(visitor, second["refresh_token"]).status_code == 200
    sessions = visitor.get(f"{API}/auth/sessions", headers=with_token(second["access_token"])).json()["items"]
    assert [session["current"] for session in sessions] == [True]


def test_a_refresh_token_that_comes_again_ends_the_whole_session(visitor: TestClient, database: Database) -> None:
    user_id = make_account(database)
    other = sign_in(visitor)
    stolen = sign_in(visitor)
    newer = refresh(visitor, stolen["refresh_token"]).json()
    again = refresh(visitor, stolen["refresh_token"])
    assert (again.status_code, again.json()["code"]) == (401, "token_reused")
    assert me(visitor, newer["access_token"]) == 401
    ended = refresh(visitor, newer["refresh_token"])
    assert (ended.status_code, ended.json()["code"]) == (401, "unauthenticated")
    assert refresh(visitor, stolen["refresh_token"]).json()["code"] == "token_reused"
    [event] = audited(database, "auth.token_reused")
    assert event.actor_id == user_id
    assert me(visitor, other["access_token"]) == 200


def test_of_two_refreshes_at_once_one_succeeds_and_the_session_ends(app: FastAPI, database: Database) -> None:
    make_account(database)
    token = sign_in(visit(app))["refresh_token"]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: refresh(visit(app), token), range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    [tokens] = [answer.json() for answer in answers if answer.status_code == 200]
    assert [answer.json()["code"] for answer in answers if answer.status_code == 401] == ["token_reused"]
    assert me(visit(app), tokens["access_token"]) == 401
    assert len(audited(database, "auth.token_reused")) == 1


def test_unknown_and_expired_refresh_tokens_and_those_of_disabled_people_give_nothing(
    visitor: TestClient, database: Database
) -> None:
    user_id = make_account(database)
    assert refresh(visitor, "nxr_nothing").json()["code"] == "unauthenticated"
    assert refresh(visitor, sign_in(visitor)["access_token"][:200]).status_code == 401
    expired, disabled = sign_in(visitor)["refresh_token"], sign_in(visitor)["refresh_token"]
    with database.transaction() as session:
        first = session.scalars(select(RefreshToken).order_by(RefreshToken.id)).all()[-2]
        first.expires_at = utcnow() - timedelta(seconds=1)
    assert refresh(visitor, expired).json()["code"] == "unauthenticated"
    with database.transaction() as session:
        session.get_one(User, user_id).disabled_at = utcnow()
    assert refresh(visitor, disabled).json()["code"] == "unauthenticated"
    assert audited(database, "auth.token_reused") == []


def test_signing_out_ends_the_session_of_the_cookie_or_of_the_token(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    tokens, browser = sign_in(visitor), browse(app)
    secret = browser.cookies[SESSION_COOKIE]
    assert visitor.post(f"{API}/auth/logout", headers=with_token(tokens["access_token"])).status_code == 204
    assert me(visitor, tokens["access_token"]) == 401
    assert refresh(visitor, tokens["refresh_token"]).status_code == 401
    assert me(browser) == 200
    assert browser.post(f"{API}/auth/logout").status_code == 204
    assert SESSION_COOKIE not in browser.cookies
    browser.cookies.set(SESSION_COOKIE, secret)
    assert me(browser) == 401
    assert visitor.post(f"{API}/auth/logout").status_code == 204
    assert len(audited(database, "auth.signed_out")) == 2


def test_devices_are_listed_and_can_be_signed_out_from_elsewhere(app: FastAPI, database: Database) -> None:
    make_account(database)
    phone, laptop = browse(app, agent="Phone"), browse(app, agent="Laptop")
    listed = laptop.get(f"{API}/auth/sessions").json()["items"]
    assert [(s["user_agent"], s["current"], s["address"]) for s in listed] == [
        ("Laptop", True, "testclient"),
        ("Phone", False, "testclient"),
    ]
    assert laptop.delete(f"{API}/auth/sessions/{listed[1]['id']}").status_code == 204
    assert (me(phone), me(laptop)) == (401, 200)
    again = laptop.delete(f"{API}/auth/sessions/{listed[1]['id']}")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    assert [event.target_id for event in audited(database, "auth.session_revoked")] == [listed[1]["id"]]


def test_all_other_devices_can_be_signed_out_at_once(app: FastAPI, database: Database) -> None:
    make_account(database)
    make_account(database, "Lee")
    others, lee, here = [browse(app), browse(app)], browse(app, "Lee"), browse(app)
    assert here.delete(f"{API}/auth/sessions").status_code == 204
    assert [me(client) for client in (*others, lee, here)] == [401, 401, 200, 200]
    assert len(here.get(f"{API}/auth/sessions").json()["items"]) == 1


def test_nobody_sees_or_ends_another_persons_session(app: FastAPI, database: Database) -> None:
    make_account(database)
    make_account(database, "Lee")
    kim, lee = browse(app), browse(app, "Lee")
    [theirs] = kim.get(f"{API}/auth/sessions").json()["items"]
    assert theirs["id"] not in lee.get(f"{API}/auth/sessions").text
    assert lee.delete(f"{API}/auth/sessions/{theirs['id']}").status_code == 404
    assert me(kim) == 200


def test_sessions_that_ended_long_ago_are_forgotten_with_their_tokens(app: FastAPI, database: Database) -> None:
    make_account(database)
    make_account(database, "Lee")
    sign_in(visit(app))
    sign_in(visit(app), "Lee")
    with database.transaction() as session:
        session.execute(update(LoginSession).values(expires_at=utcnow() - timedelta(days=31)))
    sign_in(visit(app))
    with database.reading() as session:
        assert len(session.scalars(select(LoginSession)).all()) == 2
        assert len(session.scalars(select(RefreshToken)).all()) == 2


def test_sessions_are_listed_in_pages(app: FastAPI, database: Database) -> None:
    make_account(database)
    for _ in range(2):
        browse(app)
    here = browse(app)
    first = here.get(f"{API}/auth/sessions", params={"limit": 2}).json()
    second = here.get(f"{API}/auth/sessions", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (2, 1, None)


def test_last_use_is_kept_every_five_minutes_and_a_browsers_session_lives_on_from_it(
    app: FastAPI, database: Database
) -> None:
    make_account(database)
    here = browse(app)
    age_sessions(database, timedelta(minutes=4))
    before = the_session(database)
    me(here)
    assert the_session(database).last_used_at == before.last_used_at
    age_sessions(database, timedelta(minutes=6))
    with database.transaction() as session:
        session.execute(update(LoginSession).values(expires_at=utcnow() + timedelta(days=1)))
    me(here)
    after = the_session(database)
    assert utcnow() - after.last_used_at < timedelta(minutes=1)
    assert after.expires_at > utcnow() + timedelta(days=13)
    with database.reading() as session:
        assert session.scalars(select(User.last_seen_at)).one() is not None


def test_a_clients_session_lives_on_with_each_refresh_and_not_with_each_request(
    visitor: TestClient, database: Database
) -> None:
    make_account(database)
    tokens = sign_in(visitor)
    age_sessions(database, timedelta(minutes=6))
    with database.transaction() as session:
        session.execute(update(LoginSession).values(expires_at=utcnow() + timedelta(days=1)))
    me(visitor, tokens["access_token"])
    assert the_session(database).expires_at < utcnow() + timedelta(days=2)
    assert utcnow() - the_session(database).last_used_at < timedelta(minutes=1)
    refresh(visitor, tokens["refresh_token"])
    assert the_session(database).expires_at > utcnow() + timedelta(days=29)
