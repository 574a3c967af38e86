"""Things that tests need, made through the product's own services."""

from datetime import timedelta

import httpx

from core_api.auth.api_keys import create_api_key
from core_api.auth.permissions import Scope
from core_api.auth.subject import Subject
from core_api.domains.users.service import as_subject, create_user
from core_api.infra.database import Database
from core_api.models import SystemRole


def make_user(database: Database, name: str = "Kim", role: SystemRole = SystemRole.MEMBER) -> Subject:
    """A person."""
    with database.transaction() as session:
        return as_subject(create_user(session, name, role))


def bearer(database: Database, subject: Subject, lifetime: timedelta = timedelta(hours=1)) -> dict[str, str]:
    """The header that signs the person in."""
    with database.transaction() as session:
        _, secret = create_api_key(session, subject.user_id, "tests", list(Scope), lifetime)
    return {"Authorization": f"Bearer {secret}"}


def make_space(client: httpx.Client, name: str = "Team") -> str:
    """A space owned by whoever the client is signed in as; gives its id."""
    response = client.post("/api/v1/spaces", json={"name": name})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


def make_document(client: httpx.Client, space_id: str, title: str = "Note", text: str = "Words.") -> str:
    """A document written by whoever the client is signed in as; gives its id."""
    response = client.post("/api/v1/documents", json={"space_id": space_id, "title": title, "text": text})
    assert response.status_code == 201, response.text
    return str(response.json()["id"])
