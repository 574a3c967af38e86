"""The migrations make exactly the tables that the models describe."""

from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from fastapi.testclient import TestClient
from sqlalchemy import MetaData, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from core_api import audit, migrations
from core_api.app import create_app
from core_api.audit import SYSTEM
from core_api.auth.secret_tokens import digest
from core_api.domains.spaces.service import create_space
from core_api.domains.users.service import ensure_owner
from core_api.infra.database import Database
from core_api.infra.migrate import drop_schema, upgrade
from core_api.infra.settings import Settings
from core_api.models import Base, Document, SpaceKind, utcnow
from core_api.outbox import last_change, next_change


def test_migrations_and_models_agree(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrations_are_files_numbered_by_their_revisions() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    revisions = list(scripts.walk_revisions())
    assert [Path(script.path).name[:4] for script in revisions] == [script.revision for script in revisions]
    assert scripts.get_current_head() == max(script.revision for script in revisions)


def test_migrating_again_changes_nothing(database: Database) -> None:
    before = set(inspect(database.engine).get_table_names())
    upgrade(database)
    assert set(inspect(database.engine).get_table_names()) == before


def test_the_log_can_be_written_after_going_back_before_its_triggers_and_on_again(database: Database) -> None:
    def write() -> None:
        with database.transaction() as session:
            audit.record(session, SYSTEM, "user.changed", "user", "u1")

    write()
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0010")
        connection.execute(text("UPDATE audit_events SET details = details"))
        connection.commit()
    upgrade(database)
    write()
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(text("UPDATE audit_events SET details = details"))
    # A schema that is taken away and made anew, as an empty place is for a backup of an older version.
    drop_schema(database)
    upgrade(database)
    write()
    with database.reading() as session:
        assert (audit.verify(session), audit.end(session)[0]) == (None, 1)


def test_tags_from_before_their_origin_was_known_are_a_persons(database: Database) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with database.transaction() as session:
        owner, _ = ensure_owner(session)
        space = create_space(session, owner, "Team", SpaceKind.TEAM).id
        for tags in (["hr"], []):
            session.add(Document(space_id=space, title=f"{tags}", tags=tags, author_id=owner.user_id))
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0011")
        connection.commit()
    upgrade(database)
    with database.reading() as session:
        given = {document.title: document.tags_given for document in session.scalars(select(Document))}
    assert given == {"['hr']": True, "[]": False}


def test_change_numbers_follow_the_order_of_commits(database: Database) -> None:
    with database.transaction() as session:
        first = next_change(session)
    with database.transaction() as session:
        second = next_change(session)
    with database.reading() as session:
        assert (first, second, last_change(session)) == (1, 2, 2)


def test_who_is_signed_in_stays_so_when_accounts_come(bare_database: Database, settings: Settings) -> None:
    upgrade(bare_database, "0001")
    secrets = {
        kind: f"secret-of-{kind}" for kind in ("session", "bearer", "sign_in_link", "revoked", "expired", "used")
    }
    _before_accounts(bare_database, secrets)
    upgrade(bare_database)
    app = create_app(settings, bare_database)

    def status(**headers: str) -> int:
        return TestClient(app, headers=headers).get("/api/v1/users/me").status_code

    assert status(Cookie=f"nexus_session={secrets['session']}") == 200
    assert status(Authorization=f"Bearer {secrets['bearer']}") == 200
    for dead in ("revoked", "expired"):
        assert status(Authorization=f"Bearer {secrets[dead]}") == 401
    # What opened one door before opens no other now.
    assert status(Authorization=f"Bearer {secrets['session']}") == 401
    assert status(Cookie=f"nexus_session={secrets['bearer']}") == 401
    visitor = TestClient(app, headers={"Origin": "http://testserver"})
    assert visitor.post("/api/v1/auth/session", json={"token": secrets["used"]}).status_code == 401
    assert visitor.post("/api/v1/auth/session", json={"token": secrets["sign_in_link"]}).status_code == 204
    me = visitor.get("/api/v1/users/me").json()
    assert (me["name"], me["email"], me["has_password"]) == ("Kim", None, False)
    program = TestClient(app, headers={"Authorization": f"Bearer {secrets['bearer']}"})
    assert [team["name"] for team in program.get("/api/v1/teams").json()["items"]] == ["Handbook"]
    assert program.post("/api/v1/spaces", json={"name": "New"}).status_code == 201


def _before_accounts(database: Database, secrets: dict[str, str]) -> None:
    """A person with a space and tokens of every kind, as version 0001 had them."""
    old = MetaData()
    old.reflect(database.engine)
    now = utcnow()
    yesterday, tomorrow = now - timedelta(days=1), now + timedelta(days=1)
    tokens = [
        {"kind": "session", "of": "session"},
        {"kind": "bearer", "of": "bearer"},
        {"kind": "sign_in_link", "of": "sign_in_link"},
        {"kind": "bearer", "of": "revoked", "revoked_at": now},
        {"kind": "bearer", "of": "expired", "expires_at": yesterday},
        {"kind": "sign_in_link", "of": "used", "used_at": now},
    ]
    with database.transaction() as session:
        session.execute(insert(old.tables["users"]).values(id="u1", name="Kim", role="admin", created_at=now))
        space = insert(old.tables["spaces"]).values(id="s1", name="Handbook", kind="team", created_at=now)
        session.execute(space)
        session.execute(insert(old.tables["space_members"]).values(space_id="s1", user_id="u1", role="owner"))
        for number, token in enumerate(tokens):
            row = {"id": f"t{number}", "user_id": "u1", "label": "tests", "created_at": now, "expires_at": tomorrow}
            row["token_sha256"] = digest(secrets[token.pop("of")])
            session.execute(insert(old.tables["auth_tokens"]).values(**row | token))
