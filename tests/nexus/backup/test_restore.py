"""A backup of a running company, restored into an empty place of either kind, is that company."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core_api.audit import verify
from core_api.infra.database import Database
from core_api.models import LoginSession, MailMessage, OutboxEvent, SigningKey, TotpDevice, User, new_id
from nexus.backup.live import LiveProduct, vectors_of
from retrieval.embedding.local import LocalEmbedder
from tests.factories import make_document, make_space
from tests.modes import environment_of
from tests.nexus.backup.company import (
    QUESTIONS,
    Source,
    as_json,
    citations,
    everything_found,
    found,
    until_indexed,
)
from tests.nexus.backup.conftest import Place
from tests.product import run_nexus, running_product


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passages that are embedded from now on, in this process."""
    passages: list[str] = []
    embed = LocalEmbedder.embed_passages

    def note(self: LocalEmbedder, texts: Any) -> Any:
        passages.extend(texts)
        return embed(self, texts)

    monkeypatch.setattr(LocalEmbedder, "embed_passages", note)
    return passages


@pytest.fixture(scope="module")
def quiet(source: Source) -> tuple[Path, dict[str, list[tuple[str, float]]]]:
    """An encrypted backup that was made while nobody wrote, and what was found then."""
    file = source.folder / f"quiet-{new_id()}.backup"  # the same source may have several
    (source.folder / "passphrase").write_text("correct horse battery\n")
    seen = everything_found(source.client)
    made = as_json(
        source.nexus("backup", str(file), "--passphrase-file", str(source.folder / "passphrase"), "--json"),
    )
    assert (made["encrypted"], made["has_key"], made["missing_files"]) == (True, True, [])
    assert made["vectors"] == source.client.get("/api/v1/index/status").json()["chunks"]
    assert file.stat().st_mode & 0o077 == 0
    assert not list(source.settings.exports_dir.glob("*"))
    return file, seen


@pytest.mark.parametrize("kind", ["embedded", "server"])
def test_it_is_found_answered_and_guarded_as_before(
    source: Source, quiet: Any, kind: str, new_place: Place, embedded: list[str]
) -> None:
    file, seen = quiet
    settings = new_place(kind)
    environment = {**environment_of(settings), "NEXUS_BACKUP_PASSPHRASE": "correct horse battery"}
    report = as_json(run_nexus(environment, "restore", str(file), "--json"))
    assert report["to_embed"] == 0
    assert report["missing_files"] == []
    database = Database(settings.resolved_database_url)
    with database.reading() as session:
        assert verify(session) is None
        sessions = session.scalars(select(LoginSession)).all()
        assert sessions
        assert all(row.revoked_at is not None for row in sessions)
        assert {row.next_try_at for row in session.scalars(select(MailMessage))} == {None}
    database.dispose()
    with running_product(settings) as client:
        assert client.post("/api/v1/index/reconcile", json={}).json()["consistent"]
        until_indexed(client)
        assert everything_found(client) == seen
        held = citations(client)
        assert held
        assert all(held)
        vault = client.app.state.vault  # type: ignore[attr-defined]
        with client.app.state.database.reading() as session:  # type: ignore[attr-defined]
            assert [vault.decrypt(row.secret_encrypted) for row in session.scalars(select(TotpDevice))] == ["a secret"]
            assert "another" in [vault.decrypt(row.secret_encrypted) for row in session.scalars(select(SigningKey))]
            person = session.scalars(select(User).where(User.avatar_sha256.is_not(None))).one()
        assert client.get(f"/api/v1/users/{person.id}/avatar").status_code == 200
        actions = [event["action"] for event in client.get("/api/v1/audit").json()["items"]]
        assert "backup.restored" in actions
        assert (settings.data_dir / "evals" / "golden.jsonl").read_text() == '{"query": "leave"}\n'
        assert embedded == []
        # And life goes on: new rows find their numbers, an edit is found.
        leave = source.documents["Leave"]
        assert client.patch(f"/api/v1/documents/{leave}", json={"text": "# Leave\n\nAsk the otter."}).status_code == 200
        until_indexed(client)
        assert found(client, "otter", "semantic")[0][0].startswith(f"document:{leave}")
        assert len(embedded) == 1


@pytest.fixture
def writing(source: Source) -> Iterator[None]:
    """People who write, edit and delete all the time."""
    stop = threading.Event()
    space = make_space(source.client, "Busy")
    first = make_document(source.client, space, "Edited", "It begins.")

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            new = make_document(source.client, space, f"Note {number}", f"Note {number} says what was decided then.")
            text = {"text": f"It was edited {number} times."}
            source.client.patch(f"/api/v1/documents/{first}", json=text)
            if number % 2:
                source.client.delete(f"/api/v1/documents/{new}")

    writer = threading.Thread(target=write)
    writer.start()
    yield
    stop.set()
    writer.join()


def test_a_backup_while_people_write_is_of_one_moment(
    source: Source, new_place: Place, writing: None, tmp_path: Path
) -> None:
    file = tmp_path / "busy.backup"
    made = source.nexus("backup", str(file))
    assert made.returncode == 0, made.stderr
    assert "--encrypt" in made.stderr
    settings = new_place("server" if source.settings.database_url is None else "embedded")
    report = as_json(run_nexus(environment_of(settings), "restore", str(file), "--json"))
    assert report["missing_files"] == []
    with running_product(settings) as client:
        until_indexed(client)
        report = client.post("/api/v1/index/reconcile", json={}).json()
        assert report["consistent"], report
        assert report["sources"] > 5
        for question in QUESTIONS:
            assert [id_ for id_, _ in found(client, question, "semantic")] == [
                id_ for id_, _ in found(source.client, question, "semantic")
            ]


def test_a_backup_can_be_restored_into_a_temporary_place_to_prove_it(source: Source, quiet: Any) -> None:
    file, _ = quiet
    passphrase = str(source.folder / "passphrase")
    proved = source.nexus("backup", "verify", str(file), "--restore", "--passphrase-file", passphrase)
    assert proved.returncode == 0, proved.stderr
    assert "everything there is as it was" in proved.stdout


def test_a_place_that_is_not_empty_is_left_alone(source: Source, quiet: Any) -> None:
    file, _ = quiet
    environment = {**source.environment, "NEXUS_BACKUP_PASSPHRASE": "correct horse battery"}
    in_use = run_nexus(environment, "restore", str(file))
    assert in_use.returncode == 1
    assert "in use by a server" in in_use.stderr
    elsewhere = {**environment, "NEXUS_DATA_DIR": str(source.folder / "elsewhere")}
    if source.settings.database_url is not None:
        refused = run_nexus(elsewhere, "restore", str(file))
        assert refused.returncode == 1
        assert "empty place" in refused.stderr
    wrong = run_nexus({**elsewhere, "NEXUS_BACKUP_PASSPHRASE": "incorrect horse"}, "restore", str(file))
    assert (wrong.returncode, "The passphrase is not the one" in wrong.stderr) == (1, True)
    again = source.nexus("backup", str(file))
    assert (again.returncode, "exists already" in again.stderr) == (1, True)


def test_what_is_left_out_is_only_what_does_not_fit(source: Source) -> None:
    """Vectors that were written after the rows had been read are not taken."""
    if source.settings.chroma_url is None:
        pytest.skip("the embedded store is open in the server")
    leave = source.documents["Leave"]
    settings = source.settings
    with vectors_of(settings) as vectors, LiveProduct(settings, vectors) as product:
        source.client.patch(f"/api/v1/documents/{leave}", json={"text": "# Leave\n\nSomething else altogether."})
        until_indexed(source.client)
        for _ in product.parts(lambda *_: None):
            pass
    with Database(settings.resolved_database_url).reading() as session:
        assert session.scalars(select(OutboxEvent)).all() == []
    rows = product.summary.tables["chunks"].rows
    assert rows - sum(product.summary.vectors.values()) in (1, 2)
