"""Changing, forgetting and choosing passwords."""

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text, update

from core_api import audit
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import OneTimeToken, User, utcnow
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
    sign_in,
    visit,
)

_LONG = "violet kettle orbit granite lantern willow " + "tundra mosaic " + "7" * 140  # 197 characters


@pytest.fixture
def visitor(app: FastAPI) -> TestClient:
    return visit(app)


def forget(client: TestClient, name: str = "Kim"):
    return client.post(f"{API}/auth/password/forgot", json={"email": f"{name.lower()}@example.com"})


def reset(client: TestClient, token: str, password: str = OTHER_PASSWORD):
    return client.post(f"{API}/auth/password/reset", json={"token": token, "new_password": password})


def change(client: TestClient, **body: str):
    return client.post(f"{API}/auth/password", json=body)


def test_a_changed_password_is_the_one_and_other_devices_are_signed_out(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    here, elsewhere, token = browse(app), browse(app), sign_in(visitor)["access_token"]
    assert change(here, current_password=PASSWORD, new_password=OTHER_PASSWORD).status_code == 204
    assert (me(here), me(elsewhere), me(visitor, token)) == (200, 401, 401)
    assert visitor.post(f"{API}/auth/login", json=credentials()).status_code == 401
    assert visitor.post(f"{API}/auth/login", json=credentials(password=OTHER_PASSWORD)).status_code == 200
    assert len(audited(database, "auth.password_changed")) == 1
    assert any("was changed" in mail for mail in mails(app, "kim@example.com"))


def test_the_current_password_is_needed_where_there_is_one(app: FastAPI, database: Database) -> None:
    user_id = make_account(database)
    here = browse(app)
    for body in ({}, {"current_password": "wrong"}):
        refused = change(here, new_password=OTHER_PASSWORD, **body)
        assert (refused.status_code, refused.json()["code"]) == (422, "wrong_password")
        assert refused.json()["errors"][0]["field"] == "current_password"
    with database.transaction() as session:
        session.get_one(User, user_id).password_hash = None
    assert change(here, new_password=OTHER_PASSWORD).status_code == 204


def test_guesses_at_the_current_password_are_throttled(app: FastAPI, database: Database) -> None:
    make_account(database)
    here = browse(app)
    app.state.settings.rate_limit_sign_in = "3/minute"
    answers = [
        change(here, current_password="wrong", new_password=OTHER_PASSWORD).status_code for _ in range(4)
    ]  # fmt: skip
    assert answers == [422, 422, 422, 429]


def test_a_wrong_current_password_is_in_the_audit_log(app: FastAPI, database: Database) -> None:
    user_id = make_account(database)
    here = browse(app)
    assert change(here, new_password=OTHER_PASSWORD).status_code == 422
    assert audited(database, "auth.proof_failed") == [], "no guess was made"
    assert change(here, current_password="not my password", new_password=OTHER_PASSWORD).status_code == 422
    [event] = audited(database, "auth.proof_failed")
    assert (event.actor_id, event.target_id) == (user_id, user_id)
    assert event.details == {"purpose": "password_change", "factor": "password"}
    with database.reading() as session:
        assert audit.verify(session) is None


@pytest.mark.parametrize(
    "password",
    [
        "short 1",
        "password123",
        "1234567890",
        "qwertyuiop",
        "aaaaaaaaaaaa",
        "kim@example.com",
        "Bartholomew Quux",
        "bartholomewquux1",
    ],
)
def test_common_and_guessable_passwords_are_refused_and_the_field_is_named(
    app: FastAPI, database: Database, password: str
) -> None:
    user_id = make_account(database)
    here = browse(app)
    with database.transaction() as session:
        session.get_one(User, user_id).name = "Bartholomew Quux"
    refused = change(here, current_password=PASSWORD, new_password=password)
    assert (refused.status_code, refused.json()["code"]) == (422, "weak_password")
    assert refused.json()["errors"][0]["field"] == "new_password"
    assert password not in refused.text


@pytest.mark.parametrize("password", ["나의 고양이는 밤에 노래한다", _LONG, "\x00\x01 odd bytes 47 kettle"])
def test_unusual_passwords_work(app: FastAPI, visitor: TestClient, database: Database, password: str) -> None:
    make_account(database)
    changed = change(browse(app), current_password=PASSWORD, new_password=password)
    assert changed.status_code == 204, changed.text
    assert visitor.post(f"{API}/auth/login", json=credentials(password=password)).status_code == 200
    shorter = visitor.post(f"{API}/auth/login", json=credentials(password=password[:-1]))
    assert shorter.status_code == 401


def test_composed_and_decomposed_letters_are_the_same_password(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    composed = "고양이는 밤에 노래한다"
    decomposed = unicodedata.normalize("NFD", composed)
    assert decomposed != composed
    change(browse(app), current_password=PASSWORD, new_password=decomposed)
    assert visitor.post(f"{API}/auth/login", json=credentials(password=composed)).status_code == 200


def test_a_forgotten_password_is_chosen_anew_with_a_mailed_link_that_works_once(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    here = browse(app)
    assert forget(visitor).status_code == 202
    [mail] = mails(app, "kim@example.com")
    assert "/reset?token=" in mail
    token = link_token(mail)
    assert reset(visitor, token).status_code == 204
    assert me(here) == 401
    assert visitor.post(f"{API}/auth/login", json=credentials(password=OTHER_PASSWORD)).status_code == 200
    again = reset(visitor, token, "another fine kettle 9")
    assert (again.status_code, again.json()["code"]) == (401, "unauthenticated")
    assert len(audited(database, "auth.password_reset")) == 1
    assert token not in repr([event.details for event in audited(database, "auth.password_reset_asked")])


def test_forgetting_is_answered_the_same_for_an_unknown_address(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    with database.transaction() as session:
        session.get_one(User, make_account(database, "Gone")).disabled_at = utcnow()
    answers = [forget(visitor, name) for name in ("Kim", "Nobody", "Gone")]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert len(mails(app)) == 1
    assert len(audited(database, "auth.password_reset_asked")) == 3


def test_nobody_is_flooded_with_mail(app: FastAPI, visitor: TestClient, database: Database) -> None:
    make_account(database)
    app.state.settings.rate_limit_sign_in = "1000/minute"
    for name in ("Kim", "Nobody"):
        assert [forget(visitor, name).status_code for _ in range(6)] == [202] * 5 + [429]


def test_a_weak_password_does_not_use_the_link_up(app: FastAPI, visitor: TestClient, database: Database) -> None:
    make_account(database)
    forget(visitor)
    token = link_token(mails(app)[0])
    assert reset(visitor, token, "password123").json()["code"] == "weak_password"
    assert reset(visitor, token).status_code == 204


def test_links_that_are_old_or_overtaken_do_not_work(app: FastAPI, visitor: TestClient, database: Database) -> None:
    user_id = make_account(database)
    for _ in range(3):
        forget(visitor)
    old, moved, overtaken = (link_token(mail) for mail in mails(app, "kim@example.com"))
    with database.transaction() as session:
        tokens = update(OneTimeToken).where(OneTimeToken.user_id == user_id)
        session.execute(tokens.values(expires_at=utcnow() - timedelta(seconds=1)))
    assert reset(visitor, old).status_code == 401
    with database.transaction() as session:
        session.execute(tokens.values(expires_at=utcnow() + timedelta(hours=1)))
        session.get_one(User, user_id).email = "moved@example.com"
    assert reset(visitor, moved).status_code == 401
    with database.transaction() as session:
        session.get_one(User, user_id).email = "kim@example.com"
    change(browse(app), current_password=PASSWORD, new_password=OTHER_PASSWORD)
    assert reset(visitor, overtaken, PASSWORD).status_code == 401
    assert reset(visitor, "nothing").status_code == 401


def test_of_two_uses_of_a_link_at_once_one_succeeds(app: FastAPI, visitor: TestClient, database: Database) -> None:
    make_account(database)
    forget(visitor)
    token = link_token(mails(app)[0])
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: reset(visit(app), token).status_code, range(2)))
    assert sorted(answers) == [204, 401]


def test_a_mailed_link_also_proves_the_address(app: FastAPI, visitor: TestClient, database: Database) -> None:
    make_account(database, verified=False, password_hash=None)
    forget(visitor)
    reset(visitor, link_token(mails(app)[0]))
    assert visitor.post(f"{API}/auth/login", json=credentials(password=OTHER_PASSWORD)).status_code == 200


def test_links_are_not_in_the_database_and_mail_is_encrypted_there(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    forget(visitor)
    token = link_token(mails(app)[0])
    with database.reading() as session:
        stored = repr(session.execute(text("SELECT * FROM one_time_tokens")).all())
        stored += repr([bytes(body) for (body,) in session.execute(text("SELECT body_encrypted FROM mail_messages"))])
    assert token not in stored
    assert "reset?token" not in stored


def test_mail_speaks_the_persons_language_and_links_to_the_public_address(
    app: FastAPI, visitor: TestClient, database: Database, settings: Settings
) -> None:
    user_id = make_account(database)
    with database.transaction() as session:
        session.get_one(User, user_id).locale = "ko"
    settings.public_url = "https://nexus.example.com/"
    forget(visitor)
    [mail] = mails(app)
    assert "비밀번호" in mail
    assert "https://nexus.example.com/reset?token=" in mail
