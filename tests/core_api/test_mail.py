"""Mail: over a real SMTP server, and into a folder where there is none."""

import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from core_api import mail
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.infra.vault import Vault
from core_api.mail.sender import MailSender
from core_api.mail.smtp import Undeliverable, compose
from core_api.models import MailMessage, SystemRole, utcnow
from tests.core_api.accounts import audited
from tests.services import free_port
from tests.smtp_server import PASSWORD, USER, certificate, password_required, smtp_server

TO = "kim@example.com"


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault.open(settings)


@contextmanager
def sending(settings: Settings, database: Database, vault: Vault, url: str | None) -> Iterator[MailSender]:
    """The sender, running, which tries again soon."""
    changed = settings.model_copy(update={"smtp_url": SecretStr(url) if url else None})
    sender = MailSender(changed, database, vault, first_pause=timedelta(seconds=0.1))
    sender.start()
    try:
        yield sender
    finally:
        sender.stop()


def post(database: Database, vault: Vault, to: str = TO, subject: str = "Hello", body: str = "A secret link.") -> str:
    with database.transaction() as session:
        return mail.queue(session, vault, to, subject, body).id


def state(database: Database, message_id: str) -> MailMessage:
    with database.reading() as session:
        return session.get_one(MailMessage, message_id)


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_committed_is_sent_at_once_and_forgotten(settings: Settings, database: Database, vault: Vault) -> None:
    with smtp_server() as server, sending(settings, database, vault, f"smtp://127.0.0.1:{server.port}"):
        message_id = post(database, vault, subject="안녕하세요", body="링크: https://x\n")
        until(lambda: state(database, message_id).sent_at is not None)
    (message,) = server.messages
    assert (message["Subject"], message["To"], server.recipients) == ("안녕하세요", TO, [TO])
    assert message["From"] == settings.mail_from
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"]
    assert message.get_content().strip() == "링크: https://x"
    kept = state(database, message_id)
    assert (kept.body_encrypted, kept.error, kept.next_try_at) == (None, None, None)


def test_a_body_that_waits_is_not_readable_in_the_database(database: Database, vault: Vault) -> None:
    post(database, vault)
    with database.reading() as session:
        rows = session.connection().exec_driver_sql("SELECT * FROM mail_messages").all()
    assert "A secret link" not in repr(
        [[bytes(cell) if isinstance(cell, memoryview) else cell for cell in r] for r in rows]
    )


def test_what_is_rolled_back_is_not_sent(settings: Settings, database: Database, vault: Vault) -> None:
    with smtp_server() as server, sending(settings, database, vault, f"smtp://127.0.0.1:{server.port}"):
        with database.transaction() as session:
            mail.queue(session, vault, TO, "No", "No")
            session.rollback()
        post(database, vault, subject="Yes")
        until(lambda: bool(server.messages))
    assert [message["Subject"] for message in server.messages] == ["Yes"]


def test_a_server_that_fails_first_gets_it_later(settings: Settings, database: Database, vault: Vault) -> None:
    port = free_port()
    with sending(settings, database, vault, f"smtp://127.0.0.1:{port}"):
        message_id = post(database, vault)
        until(lambda: state(database, message_id).error is not None)
        assert f"127.0.0.1:{port}" in str(state(database, message_id).error)
    with smtp_server() as server:
        server.answers = ["451 Come back later"]
        with sending(settings, database, vault, f"smtp://127.0.0.1:{server.port}"):
            until(lambda: state(database, message_id).sent_at is not None)
    kept = state(database, message_id)
    assert kept.error is None
    assert kept.tries >= 3
    assert len(server.messages) == 1


def test_a_refused_recipient_is_not_tried_again_and_the_reason_is_kept(
    settings: Settings, database: Database, vault: Vault
) -> None:
    with smtp_server() as server:
        server.refuses[TO] = "550 No such person here"
        with sending(settings, database, vault, f"smtp://127.0.0.1:{server.port}"):
            refused, taken = post(database, vault), post(database, vault, to="lee@example.com")
            until(lambda: state(database, taken).sent_at is not None)
            until(lambda: state(database, refused).error is not None)
    kept = state(database, refused)
    assert kept.error == "550 No such person here"
    assert (kept.next_try_at, kept.body_encrypted, kept.sent_at, kept.tries) == (None, None, None, 1)


def test_a_server_that_wants_a_password_gets_it(settings: Settings, database: Database, vault: Vault) -> None:
    with smtp_server(**password_required()) as server:
        with sending(settings, database, vault, f"smtp://{USER}:wrong@127.0.0.1:{server.port}"):
            message_id = post(database, vault)
            until(lambda: state(database, message_id).error is not None)
            assert str(state(database, message_id).error).startswith("535")
            assert state(database, message_id).next_try_at is not None
        url = f"smtp://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{server.port}"
        with sending(settings, database, vault, url):
            until(lambda: state(database, message_id).sent_at is not None)
    assert len(server.messages) == 1


def test_tls_is_used_where_it_is_offered_and_only_with_a_trusted_certificate(
    settings: Settings, database: Database, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = certificate(tmp_path)
    with smtp_server(tls_context=context) as server:
        with sending(settings, database, vault, f"smtp://127.0.0.1:{server.port}"):
            message_id = post(database, vault)
            until(lambda: "certificate" in str(state(database, message_id).error).lower())
            assert server.messages == []
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        with sending(settings, database, vault, f"smtp://127.0.0.1:{server.port}"):
            until(lambda: state(database, message_id).sent_at is not None)
    assert server.encrypted == [True]
    with smtp_server(ssl_context=context) as tls, sending(settings, database, vault, f"smtps://127.0.0.1:{tls.port}"):
        message_id = post(database, vault)
        until(lambda: state(database, message_id).sent_at is not None)


def test_after_some_days_it_gives_up(settings: Settings, database: Database, vault: Vault) -> None:
    message_id = post(database, vault)
    with database.transaction() as session:
        session.get_one(MailMessage, message_id).created_at = utcnow() - timedelta(days=4)
    with sending(settings, database, vault, f"smtp://127.0.0.1:{free_port()}"):
        until(lambda: state(database, message_id).error is not None)
    kept = state(database, message_id)
    assert (kept.next_try_at, kept.body_encrypted, kept.sent_at) == (None, None, None)


def test_without_a_server_mail_is_a_file_and_shown_to_admins(
    settings: Settings, database: Database, vault: Vault, person: Callable[..., TestClient]
) -> None:
    with sending(settings, database, vault, None):
        message_id = post(database, vault)
        until(lambda: state(database, message_id).next_try_at is None)
    file = settings.mail_dir / f"{message_id}.eml"
    assert "A secret link." in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.mail_dir.stat().st_mode) == 0o700
    admin = person("Ada", SystemRole.ADMIN)
    (shown,) = admin.get("/api/v1/mail").json()["items"]
    assert (shown["recipient"], shown["body"], shown["sent_at"], shown["error"]) == (TO, "A secret link.", None, None)
    assert person("Kim", SystemRole.MANAGER).get("/api/v1/mail").status_code == 403
    admin.app.state.settings = settings.model_copy(update={"smtp_url": SecretStr("smtp://x")})  # type: ignore[attr-defined]
    assert admin.get("/api/v1/mail").json()["items"][0]["body"] is None
    looked = audited(database, "mail.listed")
    assert [(event.actor_name, event.details) for event in looked] == [
        ("Ada", {"count": 1, "bodies": True}),
        ("Ada", {"count": 1, "bodies": False}),
    ]


def test_old_bodies_are_dropped(settings: Settings, database: Database, vault: Vault) -> None:
    message_id = post(database, vault)
    with database.transaction() as session:
        row = session.get_one(MailMessage, message_id)
        row.created_at, row.next_try_at = utcnow() - timedelta(days=31), None
    with sending(settings, database, vault, None):
        until(lambda: state(database, message_id).body_encrypted is None)
    assert state(database, message_id).recipient == TO, "the rest of it is kept"
    [event] = audited(database, "mail.expired")
    assert (event.actor_name, event.details) == ("system", {"count": 1, "kept_days": 30})


def test_two_senders_send_once(settings: Settings, database: Database, vault: Vault) -> None:
    with smtp_server() as server:
        url = f"smtp://127.0.0.1:{server.port}"
        ids = [post(database, vault, to=f"p{n}@example.com") for n in range(10)]
        with sending(settings, database, vault, url), sending(settings, database, vault, url):
            until(lambda: all(state(database, id_).sent_at is not None for id_ in ids))
    assert sorted(server.recipients) == sorted(f"p{n}@example.com" for n in range(10))


@pytest.mark.parametrize("to", ["a@x.test\r\nBcc: b@x.test", "a@x.test, b@x.test", "no address", "", "a@x.test\0"])
def test_a_recipient_is_one_address(to: str) -> None:
    with pytest.raises(Undeliverable):
        compose("nexus@localhost", to, "Hello", "Body")


def test_names_cannot_add_headers_or_placeholders(database: Database, vault: Vault) -> None:
    evil = "Kim\r\nBcc: evil@example.com $link ${link}"
    subject, body = mail.render("invitation", "en", inviter=evil, place="Team", days="14", link="https://x/join")
    assert "\n" not in subject
    assert "$link" in body, "values are not looked at for placeholders"
    message_id = post(database, vault, subject="a\r\nBcc: evil@example.com")
    assert state(database, message_id).subject == "a Bcc: evil@example.com"
    message = compose("nexus@localhost", TO, state(database, message_id).subject, body)
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    "text", sorted({p.name.split(".")[0] for p in (Path(mail.__file__).parent / "texts").iterdir()})
)
def test_every_text_is_there_in_both_languages_with_the_same_values(text: str) -> None:
    folder = Path(mail.__file__).parent / "texts"
    english, korean = (mail.Template((folder / f"{text}.{locale}.txt").read_text()) for locale in ("en", "ko"))
    assert set(english.get_identifiers()) == set(korean.get_identifiers())
    assert english.is_valid()
    values = dict.fromkeys(english.get_identifiers(), "x")
    assert mail.render(text, "de", **values) == mail.render(text, "en", **values)
    assert mail.render(text, "ko", **values) != mail.render(text, "en", **values)


def test_a_wrong_server_address_is_refused_at_the_start_without_telling_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="smtp_url") as refused:
        Settings(data_dir=tmp_path, smtp_url=SecretStr("http://user:hunter2@host"))
    assert "hunter2" not in str(refused.value)
