"""`nexus user`, `nexus secret-key` and `nexus login`."""

import asyncio
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from fastapi.testclient import TestClient
from sqlalchemy import select

from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.models import ApiKey, AuditEvent, LoginSession, User
from nexus.connection import connect
from nexus.credentials import NotSignedIn
from nexus.datadir import DataDir
from nexus.owner import open_database
from tests.applications import application
from tests.core_api.accounts import PASSWORD, browse, code_of, make_account, turn_mfa_on
from tests.nexus.conftest import Ran
from tests.services import free_port

Nexus = Callable[..., Ran]


@pytest.fixture
def settings(data_dir: Path) -> Settings:
    return Settings(data_dir=data_dir, log_level="error")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    settings.data_dir.mkdir()
    database = open_database(settings)
    yield database
    database.dispose()


def token_in(shown: str) -> str:
    found = re.search(r"/reset\?token=(\S+)", shown)
    assert found is not None, shown
    return found.group(1)


def test_a_person_is_added_and_chooses_a_password_with_the_printed_link(
    nexus: Nexus, settings: Settings, database: Database
) -> None:
    added = nexus("user", "add", "Kim Minji", "Kim@example.com", "--role", "manager")
    assert added.code == 0, added.err
    visitor = TestClient(application(settings, database), headers={"Origin": "http://testserver"})
    body = {"token": token_in(added.out), "new_password": PASSWORD}
    assert visitor.post("/api/v1/auth/password/reset", json=body).status_code == 204
    credentials = {"email": "kim@example.com", "password": PASSWORD, "cookie": True}
    assert visitor.post("/api/v1/auth/login", json=credentials).status_code == 200
    assert visitor.get("/api/v1/users/me").json()["role"] == "manager"
    with database.reading() as session:
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.action == "user.created"))
    assert (event.actor_id, event.actor_name) == (None, "command line")


def test_people_are_listed_deactivated_and_let_in_again(nexus: Nexus, settings: Settings, database: Database) -> None:
    make_account(database, "Kim")
    here = browse(application(settings, database))
    shown = {person["name"]: person["state"] for person in nexus("user", "list", "--json").json()}
    assert shown == {"Kim": "active", "Owner": "active"}
    assert "kim@example.com" in nexus("user", "list").out
    assert "deactivated" in nexus("user", "disable", "kim@example.com").out
    assert here.get("/api/v1/users/me").status_code == 401
    assert nexus("user", "list", "--json").json()[0]["state"] == "disabled"
    assert nexus("user", "enable", "kim@example.com").code == 0
    assert nexus("user", "list", "--json").json()[0]["state"] == "active"


def test_who_has_lost_password_and_phone_gets_in_again(nexus: Nexus, settings: Settings, database: Database) -> None:
    make_account(database, "Kim")
    app = application(settings, database)
    turn_mfa_on(browse(app))
    shown = nexus("user", "reset-password", "kim@example.com", "--mfa")
    body = {"token": token_in(shown.out), "new_password": "granite lantern willow 82"}
    assert TestClient(app).post("/api/v1/auth/password/reset", json=body).status_code == 204
    browse(app, password="granite lantern willow 82")


def test_a_sign_in_link_for_the_owner_is_in_the_audit_log(nexus: Nexus, database: Database) -> None:
    link = nexus("token").out
    with database.reading() as session:
        [event] = session.scalars(select(AuditEvent).where(AuditEvent.action == "auth.sign_in_link_issued"))
        assert session.get_one(User, event.target_id).name == "Owner"
    assert (event.actor_id, event.actor_name, event.details) == (None, "command line", {})
    assert "/sign-in?token=" in link


@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "add", "Lee", "lee@example.com"),
        ("user", "list"),
        ("user", "disable", "kim@example.com"),
        ("user", "reset-password", "kim@example.com"),
        ("audit", "verify"),
        ("token",),
    ],
)
def test_what_works_on_this_machine_only_does_not_take_it_for_the_server_that_is_set(
    nexus: Nexus, database: Database, data_dir: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    make_account(database, "Kim")
    monkeypatch.setenv("NEXUS_SERVER_URL", "https://nexus.example.com")
    refused = nexus(*arguments)
    assert (refused.code, refused.out) == (1, "")
    told = " ".join(refused.err.split())
    for words in ("https://nexus.example.com", data_dir.name, f"`nexus {arguments[0]}`", "unset NEXUS_SERVER_URL"):
        assert words in told
    monkeypatch.delenv("NEXUS_SERVER_URL")
    people = {person["name"]: person["state"] for person in nexus("user", "list", "--json").json()}
    assert people == {"Kim": "active", "Owner": "active"}
    with database.reading() as session:
        assert session.scalars(select(AuditEvent)).all() == []


def test_mistakes_are_told_in_words(nexus: Nexus, database: Database) -> None:
    make_account(database, "Kim")
    for arguments, words in (
        (("add", "Lee", "lee"), "email"),
        (("add", "Lee", "lee@example.com", "--role", "king"), "role"),
        (("add", "Kim", "kim@example.com"), "here already"),
        (("disable", "nobody@example.com"), "nexus user list"),
        (("reset-password", "nobody@example.com"), "nexus user list"),
    ):
        failed = nexus("user", *arguments)
        assert failed.code == 1
        assert words in failed.err
        assert "Traceback" not in failed.err
    owner = next(person for person in nexus("user", "list", "--json").json() if person["name"] == "Owner")
    assert "last admin" in nexus("user", "disable", owner["id"]).err


def test_a_secret_key_is_one_that_the_vault_takes(nexus: Nexus) -> None:
    vault = Vault([nexus("secret-key").out.strip()])
    assert vault.decrypt(vault.encrypt("text")) == "text"


@pytest.fixture
def server_url(settings: Settings, database: Database) -> Iterator[str]:
    """The API on a loopback port."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application(settings, database), port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path / "home"


def login(server_url: str, *answers: str) -> subprocess.CompletedProcess[str]:
    """Runs `nexus login` without a terminal: what it asks for is read from its input."""
    return subprocess.run(
        [sys.executable, "-m", "nexus", "login", "--server", server_url],
        input="".join(f"{answer}\n" for answer in answers),
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )


def who_am_i(settings: Settings) -> str:
    async def ask() -> str:
        async with connect(settings) as client:
            return str((await client.get("/api/v1/users/me")).json()["name"])

    return asyncio.run(ask())


def test_login_keeps_a_key_for_the_eyes_of_its_owner_and_commands_use_it(
    server_url: str, home: Path, settings: Settings, database: Database
) -> None:
    make_account(database, "Kim")
    elsewhere = settings.model_copy(update={"server_url": server_url})
    with pytest.raises(NotSignedIn, match="nexus login"):
        who_am_i(elsewhere)
    done = login(server_url, "kim@example.com", PASSWORD)
    assert done.returncode == 0, done.stderr
    [kept] = [path for path in home.rglob("*") if path.is_file()]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert PASSWORD not in kept.read_text() + done.stdout + done.stderr
    assert who_am_i(elsewhere) == "Kim"
    with database.reading() as session:
        [key] = session.scalars(select(ApiKey))
        [tokens_session] = session.scalars(select(LoginSession))
    assert key.expires_at is not None
    assert tokens_session.revoked_at is not None


def test_login_asks_for_the_second_factor(server_url: str, home: Path, settings: Settings, database: Database) -> None:
    make_account(database, "Kim")
    secret, _ = turn_mfa_on(browse(application(settings, database)))
    assert login(server_url, "kim@example.com", PASSWORD, "000000").returncode == 1
    done = login(server_url, "kim@example.com", PASSWORD, code_of(secret))
    assert done.returncode == 0, done.stderr


def test_login_says_what_is_wrong(server_url: str, home: Path, database: Database) -> None:
    wrong = login(server_url, "kim@example.com", "not the password")
    assert (wrong.returncode, "password is wrong" in wrong.stderr) == (1, True)
    nobody = login(f"http://127.0.0.1:{free_port()}", "kim@example.com", "x")
    assert (nobody.returncode, "does not answer" in nobody.stderr) == (1, True)
    assert "Traceback" not in wrong.stderr + nobody.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_a_command_leaves_no_key_behind(server_url: str, settings: Settings, database: Database) -> None:
    DataDir(settings.data_dir).announce(server_url)
    assert who_am_i(settings) == "Owner"
    with database.reading() as session:
        assert session.scalars(select(ApiKey)).all() == []
