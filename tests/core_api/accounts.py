"""People who sign in, for tests of accounts."""

import re
import time
from typing import Any

import pyotp
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, text, update

from core_api.auth.passwords import hash_password
from core_api.domains.users.service import create_user
from core_api.infra.database import Database
from core_api.models import AuditEvent, MailMessage, SystemRole, TotpDevice, utcnow

PASSWORD = "violet kettle orbit 47"
OTHER_PASSWORD = "granite lantern willow 82"
API = "/api/v1"
_HASHED = hash_password(PASSWORD)


def make_account(
    database: Database,
    name: str = "Kim",
    role: SystemRole = SystemRole.MEMBER,
    *,
    verified: bool = True,
    password_hash: str | None = _HASHED,
) -> str:
    """A person with the address `<name>@example.com` and PASSWORD; gives their id."""
    with database.transaction() as session:
        user = create_user(session, name, role, f"{name.lower()}@example.com")
        user.password_hash = password_hash
        user.email_verified_at = utcnow() if verified else None
        return user.id


def credentials(name: str = "Kim", password: str = PASSWORD, **more: Any) -> dict[str, Any]:
    return {"email": f"{name.lower()}@example.com", "password": password} | more


def visit(app: FastAPI, agent: str = "tests") -> TestClient:
    """A client of nobody, which says like a browser where its requests come from."""
    headers = {"User-Agent": agent, "Origin": "http://testserver"}
    return TestClient(app, raise_server_exceptions=False, headers=headers)


def browse(app: FastAPI, name: str = "Kim", agent: str = "tests", **more: Any) -> TestClient:
    """A browser in which the person is signed in."""
    client = visit(app, agent)
    response = client.post(f"{API}/auth/login", json=credentials(name, cookie=True, **more))
    assert response.status_code == 200, response.text
    return client


def sign_in(client: TestClient, name: str = "Kim", **more: Any) -> dict[str, Any]:
    """The tokens of a client that signs in."""
    response = client.post(f"{API}/auth/login", json=credentials(name, **more))
    assert response.status_code == 200, response.text
    return response.json()


def with_token(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def me(client: TestClient, token: str | None = None) -> int:
    """The status of a request for one's own profile."""
    return client.get(f"{API}/users/me", headers=with_token(token) if token else None).status_code


def mails(app: FastAPI, recipient: str | None = None) -> list[str]:
    """What was mailed (to somebody), oldest first."""
    with app.state.database.reading() as session:
        rows = session.scalars(select(MailMessage).order_by(MailMessage.id)).all()
    return [app.state.vault.decrypt(row.body_encrypted) for row in rows if recipient in (None, row.recipient)]


def link_token(text: str) -> str:
    """The token of the link in a mail."""
    found = re.search(r"[?]token=(\S+)", text)
    assert found is not None, text
    return found.group(1)


def audited(database: Database, action: str) -> list[AuditEvent]:
    """The events of an action, oldest first."""
    with database.reading() as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)))


def unlock_audit_log(database: Database) -> None:
    """Let events be changed, as whoever has all rights on the database can: what they do then, the chain shows."""
    with database.transaction() as session:
        if database.is_local:
            for name in ("no_update", "no_delete", "no_replace"):
                session.execute(text(f"DROP TRIGGER audit_events_{name}"))
        else:
            for name in ("no_change", "no_truncate"):
                session.execute(text(f"DROP TRIGGER audit_events_{name} ON audit_events"))


def code_of(secret: str, steps: int = 0) -> str:
    """The authenticator app's code now, or some steps of 30 s from now; not so late that it ends on its way."""
    if time.time() % 30 > 26:
        time.sleep(4.5)
    return pyotp.TOTP(secret).at(time.time(), counter_offset=steps)


def turn_mfa_on(client: TestClient, password: str | None = PASSWORD) -> tuple[str, list[str]]:
    """The app's secret and the recovery codes of a signed-in person who has just turned the second factor on. A code
    of the current step works afterwards."""
    secret = client.post(f"{API}/auth/mfa/setup", json={"password": password}).json()["secret"]
    confirmed = client.post(f"{API}/auth/mfa/confirm", json={"code": code_of(secret, -1)})
    assert confirmed.status_code == 200, confirmed.text
    return secret, confirmed.json()["recovery_codes"]


def forget_used_codes(database: Database) -> None:
    """As if time had passed: codes of the steps around now work (again)."""
    with database.transaction() as session:
        session.execute(update(TotpDevice).values(last_step=0))
