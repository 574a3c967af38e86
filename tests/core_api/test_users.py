"""Profiles, pictures, exports, and managing people."""

import io
import json
import threading
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

from core_api import audit
from core_api.auth import sessions
from core_api.auth.passwords import hash_password
from core_api.auth.sessions import Device
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.settings import Settings
from core_api.models import (
    AuditEvent,
    Conversation,
    Document,
    Identity,
    LoginSession,
    MailMessage,
    OutboxEvent,
    Space,
    SpaceKind,
    SpaceMember,
    SystemRole,
    User,
    utcnow,
)
from tests.core_api.accounts import audited
from tests.factories import make_document, make_space

Person = Callable[..., TestClient]
ME = "/api/v1/users/me"


@pytest.fixture
def owned(database: Database) -> None:
    """A company with its owner."""
    with database.transaction() as session:
        ensure_owner(session)


@pytest.fixture
def kim(signed_in: Person) -> TestClient:
    return signed_in("Kim")


@pytest.fixture
def admin(signed_in: Person) -> TestClient:
    return signed_in("Ada", SystemRole.ADMIN)


@pytest.fixture
def signed_in(person: Person, database: Database) -> Person:
    """Like `person`, with a browser's session instead of an API key."""

    def make(name: str = "Kim", role: SystemRole = SystemRole.MEMBER) -> TestClient:
        client = person(name, role)
        del client.headers["authorization"]
        with database.transaction() as session:
            user_id = client.user_id  # type: ignore[attr-defined]
            secret = sessions.start_browser_session(session, user_id, timedelta(days=1), Device("test", "127.0.0.1"))
        client.cookies.set("nexus_session", secret)
        client.headers["sec-fetch-site"] = "same-origin"
        return client

    return make


def actions(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def jpeg(size: tuple[int, int] = (600, 300)) -> bytes:
    image = Image.new("RGB", size, "red")
    exif = image.getexif()
    exif[0x010E] = "where I live"
    target = io.BytesIO()
    image.save(target, "JPEG", exif=exif)
    return target.getvalue()


def test_a_profile_is_read_and_changed(kim: TestClient, database: Database) -> None:
    me = kim.get(ME).json()
    assert (me["name"], me["role"], me["email_verified"], me["mfa_enabled"]) == ("Kim", "member", False, False)
    assert "groups:create" in me["permissions"]
    assert "users:manage" not in me["permissions"]
    changed = kim.patch(ME, json={"name": "Kim Minji", "locale": "ko", "time_zone": "Asia/Seoul"}).json()
    assert (changed["name"], changed["locale"], changed["time_zone"]) == ("Kim Minji", "ko", "Asia/Seoul")
    assert kim.patch(ME, json={"locale": None}).json()["locale"] is None
    assert kim.patch(ME, json={"name": None}).json()["name"] == "Kim Minji"
    assert actions(database) == ["user.changed"] * 2
    for bad in ({"locale": "fr"}, {"time_zone": "Mars/Base"}, {"name": " "}, {"name": "a\nb"}, {"role": "admin"}):
        response = kim.patch(ME, json=bad)
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == next(iter(bad))


def test_a_new_address_counts_only_when_its_link_is_opened(kim: TestClient, database: Database) -> None:
    with database.transaction() as session:
        user = session.get_one(User, kim.user_id)  # type: ignore[attr-defined]
        user.email, user.email_verified_at = "old@example.com", utcnow()
        session.add(User(name="Lee", email="lee@example.com", role="member"))
    assert kim.patch(ME, json={"email": "New@Example.com"}).json()["email"] == "old@example.com"
    # That an address is taken is not told: the answer is the same, and no link is mailed.
    assert kim.patch(ME, json={"email": "lee@example.com"}).json()["email"] == "old@example.com"
    with database.reading() as session:
        to = sorted(session.scalars(select(MailMessage.recipient)))
    assert to == ["new@example.com", "old@example.com", "old@example.com"]


def test_a_picture_is_cut_to_a_small_png_without_what_the_camera_wrote(kim: TestClient, settings: Settings) -> None:
    assert kim.get(ME).json()["avatar_url"] is None
    response = kim.put(f"{ME}/avatar", files={"file": ("me.jpg", jpeg(), "image/jpeg")})
    assert response.status_code == 200, response.text
    picture = kim.get(response.json()["avatar_url"])
    assert picture.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(picture.content)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("PNG", (256, 256), {})
    assert b"where I live" not in picture.content
    assert len(list(settings.files_dir.rglob("*/*"))) == 1
    assert kim.delete(f"{ME}/avatar").status_code == 204
    assert list(settings.files_dir.rglob("*/*")) == []
    assert kim.get(f"/api/v1/users/{kim.user_id}/avatar").status_code == 404  # type: ignore[attr-defined]


def test_what_is_no_picture_or_too_large_a_one_is_refused(kim: TestClient) -> None:
    huge = io.BytesIO()
    Image.new("1", (6000, 6000)).save(huge, "PNG")
    for content, status in (
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422),
        (jpeg()[:200], 422),
        (b"", 422),
        (huge.getvalue(), 413),
    ):
        response = kim.put(f"{ME}/avatar", files={"file": ("me.png", content, "image/png")})
        assert response.status_code == status, response.text
        assert status != 422 or response.json()["errors"][0]["field"] == "file"
    assert kim.get(ME).json()["avatar_url"] is None


def test_guests_see_only_whom_they_share_a_space_with(signed_in: Person) -> None:
    kim, lee, guest = signed_in("Kim"), signed_in("Lee"), signed_in("Guest", SystemRole.GUEST)
    space = make_space(kim)
    assert kim.put(f"/api/v1/spaces/{space}/members/{guest.user_id}", json={"role": "viewer"}).status_code == 200
    assert guest.get(f"/api/v1/users/{kim.user_id}").json()["name"] == "Kim"
    assert guest.get(f"/api/v1/users/{lee.user_id}").status_code == 404
    assert guest.get("/api/v1/users").status_code == 403
    assert kim.get(f"/api/v1/users/{lee.user_id}").json()["email"] is None


def test_an_export_holds_what_is_mine_and_no_secrets(signed_in: Person, database: Database) -> None:
    kim, lee = signed_in("Kim"), signed_in("Lee")
    mine, theirs = make_space(kim, "Mine"), make_space(lee, "Theirs")
    kept = make_document(kim, mine, "Plan", "First words of Kim.")
    assert kim.patch(f"/api/v1/documents/{kept}", json={"text": "Words of Kim."}).status_code == 200
    shared = make_document(lee, theirs, "Shared", "Words of Lee for Kim.")
    lee.put(f"/api/v1/documents/{shared}/grants", json={"user_id": kim.user_id, "role": "viewer"})
    make_document(lee, theirs, "Other", "Words of Lee.")
    lee.put(f"/api/v1/spaces/{theirs}/members/{kim.user_id}", json={"role": "editor"})
    lost = make_document(kim, theirs, "Lost", "Written by Kim, but no longer for her to read.")
    lee.delete(f"/api/v1/spaces/{theirs}/members/{kim.user_id}")
    kim.put(f"{ME}/avatar", files={"file": ("me.jpg", jpeg(), "image/jpeg")})
    for who, name in ((kim, "Leave"), (lee, "Lee's")):
        assert who.post("/api/v1/saved-searches", json={"name": name, "query": "leave"}).status_code == 201
    response = kim.get(f"{ME}/export")
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        content = {name: archive.read(name) for name in archive.namelist()}
    assert json.loads(content["profile.json"])["name"] == "Kim"
    documents = json.loads(content["documents.json"])
    assert [document["id"] for document in documents] == [kept]
    assert content[documents[0]["file"]] == b"Words of Kim."
    (older,) = documents[0]["older_versions"]
    assert (older["number"], content[older["file"]]) == (1, b"First words of Kim.")
    assert [grant["document_id"] for grant in json.loads(content["grants.json"])] == [shared]
    assert json.loads(content["second_factor.json"]) == {"enabled": False}
    assert json.loads(content["invitations.json"]) == []
    assert {m["name"] for m in json.loads(content["memberships.json"])} == {"Mine", "Kim (personal)"}
    assert [(one["name"], one["found"]) for one in json.loads(content["saved_searches.json"])] == [("Leave", [])]
    everything = b"".join(content.values())
    assert lost.encode() not in b"".join(content[name] for name in content if name != "audit_events.json")
    assert b"sha256" not in everything
    assert actions(database)[-1] == "user.exported"


def test_deleting_oneself_removes_what_is_personal_and_keeps_what_was_written_for_others(
    signed_in: Person, owned: None, database: Database
) -> None:
    kim, lee = signed_in("Kim"), signed_in("Lee")
    team = make_space(lee, "Team")
    lee.put(f"/api/v1/spaces/{team}/members/{kim.user_id}", json={"role": "editor"})
    shared = make_document(kim, team, "Shared", "For all.")
    with database.transaction() as session:
        user = session.get_one(User, kim.user_id)
        user.email, user.password_hash = "kim@example.com", hash_password("correct horse battery")
        session.add(Identity(user_id=user.id, provider="google", subject="1"))
        session.add(Conversation(user_id=user.id, title="What?"))
        personal = session.scalar(
            select(Space.id)
            .join(SpaceMember, SpaceMember.space_id == Space.id)
            .where(SpaceMember.user_id == user.id, Space.kind == SpaceKind.PERSONAL)
        )
    secret = make_document(kim, str(personal), "Diary", "Mine alone.")
    with database.transaction() as session:
        for event in session.scalars(select(OutboxEvent)):
            session.delete(event)

    refused = kim.request("DELETE", ME, json={"password": "wrong"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (403, "password")
    assert kim.request("DELETE", ME, json={"password": "correct horse battery"}).status_code == 204
    assert kim.get(ME).status_code == 401
    assert lee.get(f"/api/v1/documents/{shared}").json()["author"]["name"] == "Former member"
    assert lee.get(f"/api/v1/users/{kim.user_id}").status_code == 404
    with database.reading() as session:
        user = session.get_one(User, kim.user_id)
        assert (user.email, user.password_hash, user.deleted_at is not None) == (None, None, True)
        for table in (Identity, Conversation, LoginSession, SpaceMember):
            assert session.scalars(select(table).where(table.user_id == kim.user_id)).all() == []
        assert session.get_one(Document, secret).deleted_at is not None
        # The indexes are told.
        assert session.scalars(select(OutboxEvent.source_id)).all() == [secret]
        assert audit.verify(session) is None
    assert actions(database)[-1] == "user.deleted"
    [failure] = audited(database, "auth.proof_failed")
    assert (failure.actor_id, failure.details) == (kim.user_id, {"purpose": "account_deletion", "factor": "password"})


def test_who_leaves_may_keep_their_name_on_what_they_wrote(signed_in: Person, owned: None, database: Database) -> None:
    kim, lee = signed_in("Kim"), signed_in("Lee")
    team = make_space(lee, "Team")
    lee.put(f"/api/v1/spaces/{team}/members/{kim.user_id}", json={"role": "editor"})
    document = make_document(kim, team, "Shared", "For all.")
    assert kim.request("DELETE", ME, json={"attribution": "keep"}).status_code == 204
    assert kim.get(ME).status_code == 401
    assert lee.get(f"/api/v1/documents/{document}").json()["author"] == {"id": kim.user_id, "name": "Kim"}
    [version] = lee.get(f"/api/v1/documents/{document}/versions").json()["items"]
    assert version["author"]["name"] == "Kim"
    assert lee.get(f"/api/v1/users/{kim.user_id}").status_code == 404
    assert "Kim" not in [person["name"] for person in lee.get("/api/v1/users").json()["items"]]
    [event] = audited(database, "user.deleted")
    assert event.details == {"attribution": "keep"}


def test_an_admin_manages_people(admin: TestClient, kim: TestClient, database: Database) -> None:
    new = admin.post("/api/v1/users", json={"name": "Lee", "email": "Lee@Example.com", "role": "manager"})
    assert new.status_code == 201, new.text
    lee = new.json()
    assert (lee["email"], lee["role"], lee["state"]) == ("lee@example.com", "manager", "active")
    assert admin.post("/api/v1/users", json={"name": "L", "email": "lee@example.com"}).status_code == 409
    mailed = admin.get("/api/v1/mail").json()["items"]
    assert [m["recipient"] for m in mailed] == ["lee@example.com"]
    assert "/reset?token=" in mailed[0]["body"]

    found = admin.get("/api/v1/users", params={"q": "example.com", "role": "manager"}).json()["items"]
    assert [user["id"] for user in found] == [lee["id"]]
    assert kim.get("/api/v1/users", params={"q": "example.com"}).json()["items"] == []
    seen = kim.get("/api/v1/users", params={"q": "lee"}).json()["items"]
    assert (seen[0]["name"], seen[0]["email"], seen[0]["role"]) == ("Lee", None, None)
    assert kim.get("/api/v1/users", params={"role": "admin"}).status_code == 403

    changed = admin.patch(f"/api/v1/users/{kim.user_id}", json={"role": "guest"}).json()  # type: ignore[attr-defined]
    assert changed["role"] == "guest"
    assert kim.get(ME).json()["role"] == "guest"
    assert admin.patch(f"/api/v1/users/{kim.user_id}", json={"disabled": True}).json()["state"] == "disabled"  # type: ignore[attr-defined]
    assert kim.get(ME).status_code == 401
    assert admin.get("/api/v1/users", params={"state": "disabled"}).json()["items"][0]["name"] == "Kim"
    admin.patch(f"/api/v1/users/{kim.user_id}", json={"disabled": False})  # type: ignore[attr-defined]
    assert kim.get(ME).status_code == 401, "a session that was ended stays so"

    assert admin.post(f"/api/v1/users/{lee['id']}/reset-password").status_code == 202
    assert admin.request("DELETE", f"/api/v1/users/{lee['id']}", json={"attribution": "keep"}).status_code == 204
    assert admin.get(f"/api/v1/users/{lee['id']}").status_code == 404
    gone = admin.get("/api/v1/users", params={"state": "deleted"}).json()["items"]
    assert [(user["name"], user["email"]) for user in gone] == [("Lee", None)]
    assert actions(database) == [
        "user.created",
        "mail.listed",
        "user.role_changed",
        "user.disabled",
        "user.enabled",
        "auth.password_reset_asked",
        "user.deleted",
    ]


def test_what_a_person_wrote_stays_under_the_name_that_they_choose(signed_in: Person, admin: TestClient) -> None:
    kim, lee = signed_in("Kim"), signed_in("Lee")
    team = make_space(admin, "Team")
    written = {}
    for who in (kim, lee):
        admin.put(f"/api/v1/spaces/{team}/members/{who.user_id}", json={"role": "editor"})
        written[who] = make_document(who, team, f"By {who.user_id}", "For all.")
    other = {"attribution": "other name"}
    for bad in (other, other | {"name": " "}, other | {"name": "x" * 201}, {"attribution": "keep", "name": "Bo"}):
        refused = kim.request("DELETE", ME, json=bad)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "name"), bad
    assert kim.request("DELETE", ME, json=other | {"name": "  The handbook team "}).status_code == 204
    assert admin.request("DELETE", f"/api/v1/users/{lee.user_id}", json=other | {"name": "L."}).status_code == 204
    names = [admin.get(f"/api/v1/documents/{written[who]}").json()["author"]["name"] for who in (kim, lee)]
    assert names == ["The handbook team", "L."]


def test_the_last_admin_stays_one(admin: TestClient, signed_in: Person, database: Database) -> None:
    me = f"/api/v1/users/{admin.user_id}"  # type: ignore[attr-defined]
    assert admin.patch(me, json={"role": "member"}).status_code == 409
    assert admin.patch(me, json={"disabled": True}).status_code == 409
    assert admin.delete(me).status_code == 409
    assert admin.request("DELETE", ME, json={}).status_code == 409
    other = signed_in("Eve", SystemRole.ADMIN)
    assert admin.patch(me, json={"role": "member"}).status_code == 200
    assert other.patch(f"/api/v1/users/{other.user_id}", json={"role": "member"}).status_code == 409  # type: ignore[attr-defined]


def test_members_cannot_manage_people(kim: TestClient, signed_in: Person) -> None:
    lee = f"/api/v1/users/{signed_in('Lee').user_id}"  # type: ignore[attr-defined]
    assert kim.post("/api/v1/users", json={"name": "X", "email": "x@example.com"}).status_code == 403
    assert kim.patch(lee, json={"role": "admin"}).status_code == 403
    assert kim.delete(lee).status_code == 403
    assert kim.post(f"{lee}/reset-password").status_code == 403
    assert kim.get("/api/v1/mail").status_code == 403


def test_a_document_name_cannot_leave_the_archive(signed_in: Person, tmp_path: Path) -> None:
    kim = signed_in("Kim")
    space = make_space(kim)
    kim.post(
        "/api/v1/documents/upload", data={"space_id": space}, files={"file": ("..\\..\\evil.txt", b"x", "text/plain")}
    )
    archive = zipfile.ZipFile(io.BytesIO(kim.get(f"{ME}/export").content))
    assert all(".." not in name.split("/") for name in archive.namelist())


def test_of_two_admins_who_demote_each_other_at_once_one_stays(signed_in: Person, database: Database) -> None:
    ada, eve = signed_in("Ada", SystemRole.ADMIN), signed_in("Eve", SystemRole.ADMIN)
    statuses: list[int] = []

    def demote(client: TestClient, other: TestClient) -> None:
        response = client.patch(f"/api/v1/users/{other.user_id}", json={"role": "member"})  # type: ignore[attr-defined]
        statuses.append(response.status_code)

    threads = [threading.Thread(target=demote, args=pair) for pair in ((ada, eve), (eve, ada))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        admins = session.scalars(select(User.id).where(User.role == SystemRole.ADMIN)).all()
    assert len(admins) == 1
    assert sorted(statuses)[0] == 200
    assert sorted(statuses)[1] in (403, 409)
