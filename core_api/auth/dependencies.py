"""What an endpoint's signature can ask for: who calls, a session, the settings."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Annotated

from fastapi import BackgroundTasks, Depends, Request
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from structlog.contextvars import bind_contextvars

from core_api.auth.access_tokens import caller_of_token, is_access_token
from core_api.auth.api_keys import caller_of_key
from core_api.auth.callers import Caller, Executor, note_use
from core_api.auth.permissions import Permission
from core_api.auth.sessions import caller_of_cookie
from core_api.auth.subject import Subject
from core_api.http.cookies import session_cookie
from core_api.http.rate_limits import RateLimiter
from core_api.infra.database import Database
from core_api.infra.errors import Forbidden, Unauthenticated
from core_api.infra.settings import Settings
from core_api.infra.storage import FileStore
from core_api.infra.vault import Vault

# What an admin without a second factor may do where one is required: see who they are and that it is missing, and set
# it up. (Signing out asks for nobody.)
_WITHOUT_SECOND_FACTOR = re.compile(r"GET /api/v1/(users/me|auth/mfa)|POST /api/v1/auth/mfa/(setup|confirm)")
# For the API's documentation; `bearer_token` reads the header.
_bearer_scheme = OAuth2PasswordBearer("/api/v1/auth/token", auto_error=False)


class MfaSetupRequired(Forbidden):
    """An admin here needs a second factor, and has none."""

    code, title = "mfa_setup_required", "Set up a second factor first"


def bearer_token(request: Request) -> str | None:
    """The bearer token that came with a request."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() or None if scheme.lower() == "bearer" else None


# What waits for nothing is async: the framework gives the others a thread each, which costs more than they do.
async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


async def _files(request: Request) -> FileStore:
    files: FileStore = request.app.state.files
    return files


async def _vault(request: Request) -> Vault:
    vault: Vault = request.app.state.vault
    return vault


async def _limiter(request: Request) -> RateLimiter:
    limiter: RateLimiter = request.app.state.limiter
    return limiter


SettingsDep = Annotated[Settings, Depends(_settings)]
DatabaseDep = Annotated[Database, Depends(_database)]
FilesDep = Annotated[FileStore, Depends(_files)]
VaultDep = Annotated[Vault, Depends(_vault)]
LimiterDep = Annotated[RateLimiter, Depends(_limiter)]


def authenticate(request: Request, session: Session) -> Subject | None:
    """The person behind a request's bearer token or, where there is none, its session cookie; None for nobody."""
    caller = caller_of(request, session)
    return caller.subject if caller is not None else None


def caller_of(request: Request, session: Executor) -> Caller | None:
    """The person as in `authenticate`, with the credential that they have shown."""
    if (token := bearer_token(request)) is not None:
        if is_access_token(token):
            return caller_of_token(session, request.app.state.vault, request.app.state.settings, token)
        return caller_of_key(session, token)
    if (cookie := request.cookies.get(session_cookie(request.url.scheme))) is not None:
        return caller_of_cookie(session, cookie)
    return None


async def _subject(
    request: Request, background: BackgroundTasks, _documented: Annotated[str | None, Depends(_bearer_scheme)]
) -> Subject:
    state = request.app.state
    # What is asked of a file, in less time than it takes to hand it to a thread and back, is asked here.
    if state.database.is_local and not state.limiter.waits:
        caller = _identify(request)
    else:
        caller = await run_in_threadpool(_identify, request)
    bind_contextvars(user_id=caller.subject.user_id)
    if (
        state.settings.admin_mfa_required
        and caller.needs_second_factor
        and not _WITHOUT_SECOND_FACTOR.fullmatch(f"{request.method} {request.scope['path']}")
    ):
        raise MfaSetupRequired("Admins need a second factor here. Set one up under Account, Security.")
    if caller.is_due:
        # After the answer: a read does not wait for whoever is writing.
        background.add_task(_note_use, state.database, caller, timedelta(days=state.settings.session_days))
    return caller.subject


def _identify(request: Request) -> Caller:
    """Who calls, counted towards how often they may. Raises Unauthenticated, TooManyRequests."""
    state = request.app.state
    with state.database.asking() as connection:
        caller = caller_of(request, connection)
    if caller is None:
        raise Unauthenticated(
            "Sign in, or send `Authorization: Bearer …` with an access token or an API key.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if request.client is not None:  # the command line in this process has no address, and no limit
        state.limiter.hit(state.settings.rate_limit_requests, "person", caller.subject.user_id)
    return caller


def _note_use(database: Database, caller: Caller, browser_lifetime: timedelta) -> None:
    with database.transaction() as session:
        note_use(session, caller, browser_lifetime)


CurrentSubject = Annotated[Subject, Depends(_subject)]


class requires:
    """A dependency that gives the subject, if they have a permission. Raises Forbidden with what is missing."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, subject: CurrentSubject) -> Subject:
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
AnswerReviewer = Annotated[Subject, Depends(requires(Permission.ANSWERS_REVIEW))]
UserManager = Annotated[Subject, Depends(requires(Permission.USERS_MANAGE))]
AuditReader = Annotated[Subject, Depends(requires(Permission.AUDIT_READ))]
IndexManager = Annotated[Subject, Depends(requires(Permission.INDEX_MANAGE))]
AnalyticsReader = Annotated[Subject, Depends(requires(Permission.ANALYTICS_READ))]
AssistantManager = Annotated[Subject, Depends(requires(Permission.ASSISTANT_MANAGE))]


async def anybody() -> None:
    """The rule of an endpoint that needs no sign-in; it stands in the route's `dependencies`."""


Anybody = Depends(anybody)


async def _read_session(database: DatabaseDep) -> AsyncIterator[Session]:
    # Nothing is asked of the database before the endpoint does, and to end what only reads takes no waiting; to have a
    # thread do it would.
    session = database.open_reader()
    try:
        yield session
    finally:
        session.close()


def _write_session(database: DatabaseDep) -> Iterator[Session]:
    with database.transaction() as session:
        yield session


# Function scope: the transaction is committed before the response leaves, so that a client that has its answer can
# read what it wrote.
ReadSession = Annotated[Session, Depends(_read_session, scope="function")]
WriteSession = Annotated[Session, Depends(_write_session, scope="function")]
