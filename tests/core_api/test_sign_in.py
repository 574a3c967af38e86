"""Signing in with a password."""

import statistics
import time
from datetime import timedelta

import jwt
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update

from core_api.auth import one_time
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import LoginSession, SigningKey, SystemRole, TokenKind, User, utcnow
from tests.core_api.accounts import (
    API,
    PASSWORD,
    audited,
    browse,
    credentials,
    make_account,
    me,
    sign_in,
    visit,
    with_token,
)


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path, log_level="error", rate_limit_sign_in="5/minute")


@pytest.fixture
def visitor(app: FastAPI) -> TestClient:
    return visit(app)


def test_tokens_are_given_for_the_password_and_let_one_in(visitor: TestClient, database: Database) -> None:
    user_id = make_account(database)
    response = visitor.post(f"{API}/auth/login", json=credentials("KIM", email=" KIM@Example.com "))
    tokens = response.json()
    assert (response.status_code, tokens["token_type"], tokens["expires_in"]) == (200, "bearer", 15 * 60)
    assert response.headers["cache-control"] == "no-store"
    assert "set-cookie" not in response.headers
    assert visitor.get(f"{API}/users/me", headers=with_token(tokens["access_token"])).json()["id"] == user_id
    [event] = audited(database, "auth.signed_in")
    assert (event.actor_id, event.actor_name, event.details["method"]) == (user_id, "Kim", "password")


def test_a_browser_gets_a_cookie_and_no_tokens(visitor: TestClient, database: Database) -> None:
    make_account(database)
    response = visitor.post(f"{API}/auth/login", json=credentials(cookie=True))
    assert response.json() == {"signed_in": True}
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie  # this is plain http
    assert me(visitor) == 200


def test_the_cookie_is_secure_where_people_come_over_https(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    app.state.settings.public_url = "https://nexus.example.com"
    cookie = visitor.post(f"{API}/auth/login", json=credentials(cookie=True)).headers["set-cookie"].lower()
    assert "secure" in cookie


def test_the_oauth2_form_gives_the_same_tokens(visitor: TestClient, database: Database) -> None:
    make_account(database)
    form = {"grant_type": "password", "username": "kim@example.com", "password": PASSWORD, "scope": ""}
    tokens = visitor.post(f"{API}/auth/token", data=form).json()
    assert set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert me(visitor, tokens["access_token"]) == 200
    wrong = visitor.post(f"{API}/auth/token", data=form | {"password": "not it at all"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")


def test_a_wrong_password_an_unknown_address_and_a_disabled_account_are_told_the_same(
    visitor: TestClient, database: Database
) -> None:
    make_account(database)
    make_account(database, "Nopass", password_hash=None)
    disabled = make_account(database, "Gone")
    with database.transaction() as session:
        session.get_one(User, disabled).disabled_at = utcnow()
    answers = []
    for name, password in (("Kim", "wrong"), ("Nobody", PASSWORD), ("Gone", PASSWORD), ("Nopass", PASSWORD)):
        response = visitor.post(f"{API}/auth/login", json=credentials(name, password))
        body = response.json()
        del body["request_id"]
        answers.append((response.status_code, body, set(response.headers)))
    assert answers[0][0] == 401
    assert answers[0][1]["code"] == "invalid_credentials"
    assert all(answer == answers[0] for answer in answers)
    failures = audited(database, "auth.sign_in_failed")
    assert [event.actor_name for event in failures] == [
        "kim@example.com", "nobody@example.com", "gone@example.com", "nopass@example.com",
    ]  # fmt: skip
    assert all(event.actor_id is None and PASSWORD not in repr(event.details) for event in failures)


def test_an_unknown_address_takes_as_long_as_a_known_one(
    app: FastAPI, database: Database, product_hasher: PasswordHasher
) -> None:
    make_account(database, password_hash=product_hasher.hash(PASSWORD))
    app.state.settings.rate_limit_sign_in = "1000/minute"

    def seconds(name: str) -> float:
        started = time.perf_counter()
        visit(app).post(f"{API}/auth/login", json=credentials(name, "wrong password"))
        return time.perf_counter() - started

    seconds("Kim")
    pairs = [(seconds("Kim"), seconds("Nobody")) for _ in range(7)]
    known, unknown = (statistics.median(column) for column in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2  # without the hash it would be a tenth


def test_only_who_knows_the_password_learns_that_the_address_is_unverified(
    visitor: TestClient, database: Database
) -> None:
    make_account(database, verified=False)
    right = visitor.post(f"{API}/auth/login", json=credentials())
    assert (right.status_code, right.json()["code"]) == (403, "email_unverified")
    wrong = visitor.post(f"{API}/auth/login", json=credentials(password="wrong"))
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid_credentials")


def test_guesses_at_one_account_are_throttled_and_so_is_who_knows_the_password(
    visitor: TestClient, database: Database
) -> None:
    make_account(database)
    for _ in range(5):
        assert visitor.post(f"{API}/auth/login", json=credentials(password="wrong")).status_code == 401
    response = visitor.post(f"{API}/auth/login", json=credentials())
    assert (response.status_code, response.json()["code"]) == (429, "too_many_requests")
    assert 0 < int(response.headers["retry-after"]) <= 60
    assert len(audited(database, "auth.sign_in_failed")) == 5


def test_guesses_at_unknown_accounts_are_throttled_like_those_at_known_ones(app: FastAPI, database: Database) -> None:
    make_account(database)
    answers = []
    for name in ("Kim", "Nobody"):
        app.state.limiter.forget("5/minute", "sign-in", "address", "testclient")
        answers.append(
            [
                visit(app).post(f"{API}/auth/login", json=credentials(name, "wrong")).status_code
                for _ in range(7)
            ]
        )  # fmt: skip
    assert answers[0] == answers[1] == [401] * 5 + [429] * 2


def test_failures_from_one_address_are_throttled_across_accounts_and_successes_are_not_counted(
    visitor: TestClient, database: Database
) -> None:
    make_account(database)
    for _ in range(8):
        sign_in(visitor)
    for number in range(5):
        assert visitor.post(f"{API}/auth/login", json=credentials(f"guess{number}")).status_code == 401
    assert visitor.post(f"{API}/auth/login", json=credentials("another")).status_code == 429
    assert visitor.post(f"{API}/auth/login", json=credentials()).status_code == 429


@pytest.mark.parametrize(
    "body",
    [
        {"email": "kim@example.com"},
        {"email": "", "password": "x"},
        {"email": "a\x00b@example.com", "password": "x"},
        {"email": "kim@example.com", "password": "x" * 201},
        {"email": "kim@example.com", "password": "x", "code": ""},
        {"email": ["kim@example.com"], "password": "x"},
    ],
)
def test_bad_input_is_a_problem_that_names_the_field(visitor: TestClient, body: dict) -> None:
    response = visitor.post(f"{API}/auth/login", json=body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] in {"email", "password", "code"}


def test_a_person_who_is_disabled_or_changes_role_has_or_lacks_the_permission_at_the_very_next_request(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    user_id = make_account(database, role=SystemRole.ADMIN)
    token, browser = sign_in(visitor)["access_token"], browse(app)
    assert visitor.get(f"{API}/mail", headers=with_token(token)).status_code == 200
    with database.transaction() as session:
        session.get_one(User, user_id).role = SystemRole.MEMBER
    assert visitor.get(f"{API}/mail", headers=with_token(token)).status_code == 403
    with database.transaction() as session:
        session.get_one(User, user_id).disabled_at = utcnow()
    assert me(visitor, token) == 401
    assert me(browser) == 401


def test_access_tokens_name_their_key_and_keys_change_by_themselves(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    first, second = sign_in(visitor)["access_token"], sign_in(visitor)["access_token"]
    assert jwt.get_unverified_header(first)["kid"] == jwt.get_unverified_header(second)["kid"]
    with database.transaction() as session:  # as if the key were 31 days old
        session.execute(update(SigningKey).values(created_at=utcnow() - timedelta(days=31)))
    third = sign_in(visitor)["access_token"]
    assert jwt.get_unverified_header(third)["kid"] != jwt.get_unverified_header(first)["kid"]
    assert (me(visitor, first), me(visitor, third)) == (200, 200)
    with database.transaction() as session:  # as if it had been retired longer ago than a token lives
        past = utcnow() - timedelta(minutes=16)
        session.execute(update(SigningKey).where(SigningKey.retired_at.is_not(None)).values(retired_at=past))
    assert (me(visitor, first), me(visitor, third)) == (401, 200)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_forged_changed_or_expired_access_token_opens_nothing(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    user_id = make_account(database)
    other = make_account(database, "Lee")
    token = sign_in(visitor)["access_token"]
    kid = jwt.get_unverified_header(token)["kid"]
    with database.reading() as session:
        secret = app.state.vault.decrypt(session.scalars(select(SigningKey.secret_encrypted)).one())
    claims = jwt.decode(token, secret, ["HS256"], audience="nexus-stream-api")
    assert set(claims) == {"sub", "sid", "iat", "exp", "iss", "aud"}
    now = int(time.time())

    def signed(key: str = secret, algorithm: str = "HS256", kid: object = kid, **changes: object) -> str:
        content = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(content, key, algorithm, headers={"kid": kid} if kid is not None else {})

    assert me(visitor, signed()) == 200
    for forged in (
        signed("x" * 43),
        signed("", algorithm="none"),
        signed(algorithm="HS512"),
        signed(kid=None),
        signed(kid="no\x00ne"),
        signed(kid="0" * 36),
        signed(exp=now - 1),
        signed(exp=None),
        signed(aud="another"),
        signed(iss="another"),
        signed(sub=other),
        signed(sid=None),
        signed(sid=7),
        signed(sid="a\x00b"),
        token[:-4] + "AAAA",
        "a.b.c",
        "..",
    ):
        assert me(visitor, forged) == 401, forged
    assert claims["sub"] == user_id


def test_a_one_time_link_signs_in_and_is_audited_and_not_for_a_disabled_person(
    visitor: TestClient, database: Database
) -> None:
    user_id = make_account(database)
    with database.transaction() as session:
        links = [one_time.issue(session, user_id, TokenKind.SIGN_IN_LINK, timedelta(minutes=5)) for _ in range(2)]
    assert visitor.post(f"{API}/auth/session", json={"token": links[0]}).status_code == 204
    assert [event.details["method"] for event in audited(database, "auth.signed_in")] == ["link"]
    with database.transaction() as session:
        session.get_one(User, user_id).disabled_at = utcnow()
    assert visitor.post(f"{API}/auth/session", json={"token": links[1]}).status_code == 401


def test_the_ways_in_are_told_to_anybody(app: FastAPI, visitor: TestClient) -> None:
    assert visitor.get(f"{API}/auth/methods").json() == {
        "registration": "invite",
        "password": True,
        "providers": [],
        "mail": False,
    }


def test_nothing_secret_is_stored_in_the_clear(app: FastAPI, visitor: TestClient, database: Database) -> None:
    make_account(database)
    tokens, browser = sign_in(visitor), browse(app)
    secrets = [PASSWORD, tokens["access_token"], tokens["refresh_token"], *browser.cookies.values()]
    with database.reading() as session:
        key = app.state.vault.decrypt(session.scalars(select(SigningKey.secret_encrypted)).one())
        stored = ""
        for table in ("users", "sessions", "refresh_tokens", "signing_keys", "audit_events", "one_time_tokens"):
            stored += repr(session.execute(text(f"SELECT * FROM {table}")).all())
    assert "argon2id" in stored
    for secret in [*secrets, key]:
        assert secret not in stored


def test_a_hash_with_other_parameters_is_made_anew_when_its_owner_signs_in(
    visitor: TestClient, database: Database, product_hasher: PasswordHasher
) -> None:
    user_id = make_account(database, password_hash=PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD))
    sign_in(visitor)
    with database.reading() as session:
        assert "m=65536,t=3,p=4" in (session.get_one(User, user_id).password_hash or "")
    sign_in(visitor)


def test_sessions_that_have_expired_let_nobody_in(app: FastAPI, visitor: TestClient, database: Database) -> None:
    make_account(database)
    token, browser = sign_in(visitor)["access_token"], browse(app)
    with database.transaction() as session:
        session.execute(update(LoginSession).values(expires_at=utcnow() - timedelta(seconds=1)))
    assert me(visitor, token) == 401
    assert me(browser) == 401
