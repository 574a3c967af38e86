"""What an endpoint's signature can ask for: who calls, a session, the settings."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from core_api.auth.subject import Subject
from core_api.auth.tokens import authenticate
from core_api.infra.database import Database
from core_api.infra.errors import Forbidden, Unauthenticated
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore

SESSION_COOKIE = "nexus_session"


def request_secret(request: Request) -> str | None:
    """The secret that came with a request: the bearer token, or the session cookie."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials:
        return credentials.strip()
    return request.cookies.get(SESSION_COOKIE)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _files(request: Request) -> FileStore:
    files: FileStore = request.app.state.files
    return files


SettingsDep = Annotated[Settings, Depends(_settings)]
DatabaseDep = Annotated[Database, Depends(_database)]
FilesDep = Annotated[FileStore, Depends(_files)]


def _subject(request: Request, database: DatabaseDep) -> Subject:
    secret = request_secret(request)
    if secret is not None:
        with database.reading() as session:
            subject = authenticate(session, secret)
        if subject is not None:
            return subject
    raise Unauthenticated(
        "Sign in with the link that the server printed (`nexus token` prints a new one), "
        "or send `Authorization: Bearer …` (`nexus token --bearer`).",
        headers={"WWW-Authenticate": "Bearer"},
    )


CurrentSubject = Annotated[Subject, Depends(_subject)]


def _admin(subject: CurrentSubject) -> Subject:
    if not subject.is_admin:
        raise Forbidden("Only an admin may do this.")
    return subject


AdminSubject = Annotated[Subject, Depends(_admin)]


def _read_session(database: DatabaseDep) -> Iterator[Session]:
    with database.reading() as session:
        yield session


def _write_session(database: DatabaseDep) -> Iterator[Session]:
    with database.transaction() as session:
        yield session


# Function scope: the transaction is committed before the response leaves, so that a client that has its answer can
# read what it wrote.
ReadSession = Annotated[Session, Depends(_read_session, scope="function")]
WriteSession = Annotated[Session, Depends(_write_session, scope="function")]
