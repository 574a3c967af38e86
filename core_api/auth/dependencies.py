"""What an endpoint's signature can ask for: who calls, a session, the settings."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from core_api.auth.api_keys import subject_of_key
from core_api.auth.permissions import Permission
from core_api.auth.sessions import subject_of_cookie
from core_api.auth.subject import Subject
from core_api.http.cookies import SESSION_COOKIE
from core_api.http.rate_limits import RateLimiter
from core_api.infra.database import Database
from core_api.infra.errors import Forbidden, Unauthenticated
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore
from core_api.infra.vault import Vault


def bearer_token(request: Request) -> str | None:
    """The bearer token that came with a request."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() or None if scheme.lower() == "bearer" else None


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _files(request: Request) -> FileStore:
    files: FileStore = request.app.state.files
    return files


def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


def _limiter(request: Request) -> RateLimiter:
    limiter: RateLimiter = request.app.state.limiter
    return limiter


SettingsDep = Annotated[Settings, Depends(_settings)]
DatabaseDep = Annotated[Database, Depends(_database)]
FilesDep = Annotated[FileStore, Depends(_files)]
VaultDep = Annotated[Vault, Depends(_vault)]
LimiterDep = Annotated[RateLimiter, Depends(_limiter)]


def authenticate(request: Request, session: Session) -> Subject | None:
    """The person behind a request's bearer token or, where there is none, its session cookie; None for nobody."""
    if (token := bearer_token(request)) is not None:
        return subject_of_key(session, token)
    if (cookie := request.cookies.get(SESSION_COOKIE)) is not None:
        return subject_of_cookie(session, cookie)
    return None


def _subject(request: Request, database: DatabaseDep, settings: SettingsDep, limiter: LimiterDep) -> Subject:
    with database.reading() as session:
        subject = authenticate(request, session)
    if subject is None:
        raise Unauthenticated(
            "Sign in, or send `Authorization: Bearer …` with an access token or an API key.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if request.client is not None:  # the command line in this process has no address, and no limit
        limiter.hit(settings.rate_limit_requests, "person", subject.user_id)
    return subject


CurrentSubject = Annotated[Subject, Depends(_subject)]


class requires:
    """A dependency that gives the subject, if they have a permission. Raises Forbidden with what is missing."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(self, subject: CurrentSubject) -> Subject:
        if not subject.may(self.permission):
            reason = "This API key's scopes do" if subject.scopes is not None else f"The role {subject.role.value} does"
            raise Forbidden(f"{reason} not include `{self.permission.value}`.")
        return subject


# Every endpoint names one of these as its rule (or `Anybody`): a test walks all routes.
Reader = Annotated[Subject, Depends(requires(Permission.CONTENT_READ))]
Writer = Annotated[Subject, Depends(requires(Permission.CONTENT_WRITE))]
AccountOwner = Annotated[Subject, Depends(requires(Permission.ACCOUNT_MANAGE))]
PeopleReader = Annotated[Subject, Depends(requires(Permission.PEOPLE_READ))]
GroupMaker = Annotated[Subject, Depends(requires(Permission.GROUPS_CREATE))]
Inviter = Annotated[Subject, Depends(requires(Permission.PEOPLE_INVITE))]
UserManager = Annotated[Subject, Depends(requires(Permission.USERS_MANAGE))]
AuditReader = Annotated[Subject, Depends(requires(Permission.AUDIT_READ))]
IndexManager = Annotated[Subject, Depends(requires(Permission.INDEX_MANAGE))]


def anybody() -> None:
    """The rule of an endpoint that needs no sign-in; it stands in the route's `dependencies`."""


Anybody = Depends(anybody)


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
