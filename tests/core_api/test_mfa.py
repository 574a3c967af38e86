"""The second factor."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from core_api.infra.database import Database
from core_api.models import SystemRole, User
from tests.core_api.accounts import (
    API,
    OTHER_PASSWORD,
    PASSWORD,
    audited,
    browse,
    code_of,
    credentials,
    forget_used_codes,
    make_account,
    me,
    turn_mfa_on,
    visit,
)


@pytest.fixture
def visitor(app: FastAPI) -> TestClient:
    return visit(app)


def login(client: TestClient, name: str = "Kim", **more: str):
    return client.post(f"{API}/auth/login", json=credentials(name, **more))


def test_the_setup_is_a_secret_a_link_and_a_qr_code_and_counts_once_confirmed(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    here = browse(app)
    assert here.get(f"{API}/auth/mfa").json() == {"enabled": False, "recovery_codes_left": 0}
    setup = here.post(f"{API}/auth/mfa/setup", json={"password": PASSWORD}).json()
    assert setup["otpauth_url"].startswith("otpauth://totp/Nexus%20Stream:kim%40example.com?secret=")
    assert setup["secret"] in setup["otpauth_url"]
    assert setup["qr_svg"].startswith("<svg")
    assert login(visitor).status_code == 200  # not confirmed yet
    confirmed = here.post(f"{API}/auth/mfa/confirm", json={"code": code_of(setup["secret"])})
    assert len(set(confirmed.json()["recovery_codes"])) == 10
    assert here.get(f"{API}/auth/mfa").json() == {"enabled": True, "recovery_codes_left": 10}
    assert here.get(f"{API}/users/me").json()["mfa_enabled"] is True
    assert login(visitor).json()["code"] == "mfa_required"
    assert len(audited(database, "auth.mfa_enabled")) == 1


def test_the_password_is_needed_to_begin(app: FastAPI, database: Database) -> None:
    make_account(database)
    here = browse(app)
    for body in ({}, {"password": "wrong"}):
        refused = here.post(f"{API}/auth/mfa/setup", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "wrong_password")
        assert refused.json()["errors"][0]["field"] == "password"


def test_a_wrong_first_code_turns_nothing_on_and_a_new_setup_replaces_the_secret(
    app: FastAPI, database: Database
) -> None:
    make_account(database)
    here = browse(app)
    assert here.post(f"{API}/auth/mfa/confirm", json={"code": "123456"}).status_code == 409
    first = here.post(f"{API}/auth/mfa/setup", json={"password": PASSWORD}).json()["secret"]
    second = here.post(f"{API}/auth/mfa/setup", json={"password": PASSWORD}).json()["secret"]
    assert first != second
    wrong = here.post(f"{API}/auth/mfa/confirm", json={"code": code_of(first)})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "mfa_invalid")
    assert here.get(f"{API}/auth/mfa").json()["enabled"] is False
    assert here.post(f"{API}/auth/mfa/confirm", json={"code": code_of(second)}).status_code == 200
    assert here.post(f"{API}/auth/mfa/setup", json={"password": PASSWORD}).status_code == 409
    assert here.post(f"{API}/auth/mfa/confirm", json={"code": code_of(second, 1)}).status_code == 409


def test_sign_in_asks_for_a_code_and_only_after_the_right_password(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    secret, _ = turn_mfa_on(browse(app))
    required = login(visitor)
    assert (required.status_code, required.json()["code"]) == (401, "mfa_required")
    assert login(visitor, password="wrong", code=code_of(secret)).json()["code"] == "invalid_credentials"
    assert login(visitor, code="000000").json()["code"] == "mfa_invalid"
    assert login(visitor, code=code_of(secret)).status_code == 200
    assert audited(database, "auth.signed_in")[-1].details == {"method": "password", "second_factor": "totp"}
    assert [event.details["reason"] for event in audited(database, "auth.sign_in_failed")] == ["password", "code"]


def test_no_code_works_twice_and_none_before_one_that_was_used(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    secret, _ = turn_mfa_on(browse(app))
    code, earlier = code_of(secret), code_of(secret, -1)
    assert login(visitor, code=code).status_code == 200
    assert login(visitor, code=code).json()["code"] == "mfa_invalid"
    assert login(visitor, code=earlier).json()["code"] == "mfa_invalid"
    assert login(visitor, code=code_of(secret, 1)).status_code == 200


def test_codes_are_good_for_one_step_before_and_after(app: FastAPI, visitor: TestClient, database: Database) -> None:
    make_account(database)
    secret, _ = turn_mfa_on(browse(app))
    for steps, status in ((-3, 401), (-1, 200), (0, 200), (1, 200), (3, 401)):
        if steps == -1:
            forget_used_codes(database)
        assert login(visitor, code=code_of(secret, steps)).status_code == status, steps


def test_of_two_sign_ins_with_the_same_code_at_once_one_succeeds(app: FastAPI, database: Database) -> None:
    make_account(database)
    secret, _ = turn_mfa_on(browse(app))
    code = code_of(secret)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: login(visit(app), code=code).status_code, range(2)))
    assert sorted(answers) == [200, 401]


def test_a_recovery_code_works_once_however_it_is_typed(app: FastAPI, visitor: TestClient, database: Database) -> None:
    make_account(database)
    here = browse(app)
    _, codes = turn_mfa_on(here)
    assert login(visitor, code=codes[0].upper().replace("-", " ")).status_code == 200
    assert login(visitor, code=codes[0]).json()["code"] == "mfa_invalid"
    assert here.get(f"{API}/auth/mfa").json()["recovery_codes_left"] == 9
    [event] = audited(database, "auth.recovery_code_used")
    assert event.details == {"left": 9}


def test_new_recovery_codes_need_a_code_and_replace_the_old_ones(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    here = browse(app)
    secret, old = turn_mfa_on(here)
    assert here.post(f"{API}/auth/mfa/recovery-codes", json={"code": "000000"}).status_code == 422
    new = here.post(f"{API}/auth/mfa/recovery-codes", json={"code": code_of(secret)}).json()["recovery_codes"]
    assert len(new) == 10
    assert login(visitor, code=old[0]).json()["code"] == "mfa_invalid"
    assert login(visitor, code=new[0]).status_code == 200


def test_turning_it_off_needs_a_code_and_forgets_everything(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    here = browse(app)
    _, codes = turn_mfa_on(here)
    assert here.post(f"{API}/auth/mfa/disable", json={"code": "nothing"}).json()["code"] == "mfa_invalid"
    assert here.post(f"{API}/auth/mfa/disable", json={"code": codes[3]}).status_code == 204
    assert here.get(f"{API}/auth/mfa").json() == {"enabled": False, "recovery_codes_left": 0}
    assert login(visitor).status_code == 200
    assert here.post(f"{API}/auth/mfa/disable", json={"code": codes[4]}).status_code == 409
    assert len(audited(database, "auth.mfa_disabled")) == 1


def test_wrong_codes_of_somebody_signed_in_are_in_the_audit_log(app: FastAPI, database: Database) -> None:
    user_id = make_account(database)
    here = browse(app)
    here.post(f"{API}/auth/mfa/setup", json={"password": PASSWORD})
    assert here.post(f"{API}/auth/mfa/confirm", json={"code": "000000"}).status_code == 422
    assert here.post(f"{API}/auth/mfa/setup", json={"password": "wrong"}).status_code == 422
    turn_mfa_on(here)
    for path in ("recovery-codes", "disable"):
        assert here.post(f"{API}/auth/mfa/{path}", json={"code": "wrong"}).status_code == 422
    failures = audited(database, "auth.proof_failed")
    assert [(event.details["purpose"], event.details["factor"]) for event in failures] == [
        ("mfa_confirm", "code"),
        ("mfa_setup", "password"),
        ("recovery_codes", "code"),
        ("mfa_disable", "code"),
    ]
    assert {(event.actor_id, event.actor_name, event.target_id) for event in failures} == {(user_id, "Kim", user_id)}


def test_guesses_at_codes_are_throttled_at_sign_in_and_after_it(
    app: FastAPI, visitor: TestClient, database: Database
) -> None:
    make_account(database)
    here = browse(app)
    secret, _ = turn_mfa_on(here)
    app.state.settings.rate_limit_sign_in = "4/minute"
    assert [login(visitor, code="000000").status_code for _ in range(5)] == [401] * 4 + [429]
    assert login(visitor, code=code_of(secret)).status_code == 429
    guesses = [here.post(f"{API}/auth/mfa/disable", json={"code": "000000"}).status_code for _ in range(5)]
    assert guesses == [422] * 4 + [429]


def test_a_code_is_nobody_elses(app: FastAPI, visitor: TestClient, database: Database) -> None:
    make_account(database)
    make_account(database, "Lee")
    secret, codes = turn_mfa_on(browse(app))
    turn_mfa_on(browse(app, "Lee"))
    assert login(visitor, "Lee", code=code_of(secret)).json()["code"] == "mfa_invalid"
    assert login(visitor, "Lee", code=codes[0]).json()["code"] == "mfa_invalid"


def test_neither_the_secret_nor_the_codes_are_stored_in_the_clear(app: FastAPI, database: Database) -> None:
    make_account(database)
    secret, codes = turn_mfa_on(browse(app))
    with database.reading() as session:
        stored = "".join(
            repr([tuple(bytes(cell) if isinstance(cell, memoryview) else cell for cell in row) for row in rows])
            for rows in (
                session.execute(text("SELECT * FROM totp_devices")).all(),
                session.execute(text("SELECT * FROM recovery_codes")).all(),
                session.execute(text("SELECT * FROM audit_events")).all(),
            )
        )
    assert secret not in stored
    assert all(code not in stored and code.replace("-", "") not in stored for code in codes)


def test_an_admin_without_a_second_factor_can_only_set_it_up_where_one_is_required(
    app: FastAPI, database: Database
) -> None:
    make_account(database, role=SystemRole.ADMIN)
    make_account(database, "Lee")
    app.state.settings.admin_mfa_required = True
    admin, member = browse(app), browse(app, "Lee")
    for method, path, body in (
        ("GET", "/spaces", None),
        ("GET", "/auth/sessions", None),
        ("GET", "/mail", None),
        ("GET", "/users/me/export", None),
        ("POST", "/auth/api-keys", {}),
        ("POST", "/auth/password", {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}),
        ("POST", "/auth/mfa/disable", {"code": "000000"}),
        ("PATCH", "/users/me", {"name": "Somebody else", "email": "else@example.com"}),
        ("DELETE", "/users/me", {"password": PASSWORD}),
    ):
        refused = admin.request(method, API + path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "mfa_setup_required"), (method, path)
    assert admin.get(f"{API}/users/me").json()["name"] == "Kim"
    assert admin.get(f"{API}/auth/mfa").json()["enabled"] is False
    assert member.get(f"{API}/spaces").status_code == 200
    turn_mfa_on(admin)
    assert admin.get(f"{API}/spaces").status_code == 200
    assert admin.patch(f"{API}/users/me", json={"name": "Kim Minji"}).status_code == 200
    assert admin.post(f"{API}/auth/logout").status_code == 204


def test_an_admin_who_lacks_a_required_second_factor_can_sign_out(app: FastAPI, database: Database) -> None:
    make_account(database, role=SystemRole.ADMIN)
    app.state.settings.admin_mfa_required = True
    admin = browse(app)
    assert admin.post(f"{API}/auth/logout").status_code == 204
    assert me(admin) == 401


def test_that_requirement_follows_the_role_at_once(app: FastAPI, database: Database) -> None:
    user_id = make_account(database)
    app.state.settings.admin_mfa_required = True
    here = browse(app)
    assert here.get(f"{API}/spaces").status_code == 200
    with database.transaction() as session:
        session.get_one(User, user_id).role = SystemRole.ADMIN
    assert here.get(f"{API}/spaces").json()["code"] == "mfa_setup_required"
