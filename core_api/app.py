"""The HTTP application without its front ends: routers, middleware, errors and health."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel, Field
from sqlalchemy import text
from starlette.middleware.cors import CORSMiddleware

from core_api.auth.dependencies import Anybody, DatabaseDep
from core_api.auth.oidc.providers import Providers
from core_api.domains.accounts.endpoints import router as auth_router
from core_api.domains.audit.endpoints import router as audit_router
from core_api.domains.documents.endpoints import router as documents_router
from core_api.domains.documents.grants.endpoints import router as grants_router
from core_api.domains.identities.endpoints import router as identities_router
from core_api.domains.invitations.endpoints import router as invitations_router
from core_api.domains.mail.endpoints import router as mail_router
from core_api.domains.projects.endpoints import router as projects_router
from core_api.domains.saved_searches.endpoints import router as saved_searches_router
from core_api.domains.search_log.endpoints import router as search_log_router
from core_api.domains.search_log.recording import SearchRecorder
from core_api.domains.spaces.endpoints import router as spaces_router
from core_api.domains.teams.endpoints import router as teams_router
from core_api.domains.users.endpoints import router as users_router
from core_api.http import problems
from core_api.http.middleware import BodyLimit, CrossSiteCheck, RequestLog, SecurityHeaders
from core_api.http.rate_limits import AddressLimit, RateLimiter
from core_api.infra.database import Database
from core_api.infra.errors import Unavailable
from core_api.infra.settings import Settings
from core_api.infra.storage import open_files
from core_api.infra.vault import Vault
from core_api.ops.endpoints import router as ops_router
from core_api.ops.state import DatabaseState, DiskState

API_PREFIX = "/api/v1"

# Routes are looked through in order, so what is asked for most comes first.
_ROUTERS = (
    users_router,
    documents_router,
    spaces_router,
    projects_router,
    teams_router,
    saved_searches_router,
    auth_router,
    identities_router,
    invitations_router,
    grants_router,
    mail_router,
    audit_router,
    search_log_router,
)


class Lifespan(Protocol):
    """What starts with the app and stops with it."""

    def __call__(self, app: FastAPI) -> AbstractAsyncContextManager[None]: ...


class FieldProblem(BaseModel):
    """What is wrong with one field; `field` is its name, with dots where it is inside of others."""

    field: str
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it; `code` is stable."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldProblem] = Field(default=[], description="The fields of the request that are to blame.")


class Health(BaseModel):
    """The state of the server."""

    status: str


health_router = APIRouter(prefix="/health", tags=["ops"], dependencies=[Anybody])


@health_router.get("/live")
def live() -> Health:
    """The process runs."""
    return Health(status="ok")


@health_router.get("/ready", responses={503: {"model": Problem}})
def ready(request: Request, database: DatabaseDep) -> Health:
    """The product can be used: the database answers and the indexes are open."""
    with database.reading() as session:
        session.execute(text("SELECT 1"))
    if not request.app.state.is_ready():
        raise Unavailable("The server is starting. Try again in a second.", headers={"Retry-After": "1"})
    return Health(status="ok")


def create_app(
    settings: Settings, database: Database, routers: Sequence[APIRouter] = (), lifespan: Lifespan | None = None
) -> FastAPI:
    """The application; `routers` are those of the packages above, put under the API prefix like core_api's own.

    `app.state.is_ready` tells /health/ready whether all is open; whoever opens more replaces it.
    """
    app = FastAPI(
        title="Nexus Stream",
        description="A company's memory that answers, with proof, and only from what the asker may see.",
        version="0.1.0",
        lifespan=lifespan,
        responses={"4XX": {"model": Problem, "description": "A problem document (RFC 9457)."}},
        # Its own would put the queries of addresses into spans (core_api.infra.tracing makes ours).
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.settings = settings
    app.state.database = database
    app.state.files = open_files(settings)
    app.state.vault = Vault.open(settings)
    app.state.limiter = RateLimiter(settings)
    app.state.export_parts = {}
    app.state.search_recorder = SearchRecorder(settings, database)
    app.state.providers = Providers(settings)
    app.state.is_ready = lambda: True
    app.state.database_state = DatabaseState(database)
    app.state.collectors = [app.state.database_state, DiskState(settings)]
    problems.install(app)
    # The last one added is the outermost.
    app.add_middleware(CrossSiteCheck, origins=settings.cors_origins, public_url=settings.resolved_public_url)
    app.add_middleware(BodyLimit, json_bytes=settings.max_json_bytes, upload_bytes=settings.max_upload_bytes)
    app.add_middleware(AddressLimit, limiter=app.state.limiter, limit=settings.rate_limit_requests)
    if settings.cors_origins:
        # Without credentials: other sites' pages call with a token, never with somebody's cookie.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    app.add_middleware(SecurityHeaders, https=settings.resolved_public_url.startswith("https://"))
    app.add_middleware(RequestLog)
    app.include_router(health_router)
    app.include_router(ops_router)
    # Asked one after the other: what is wanted most often goes first.
    for router in (*routers, *_ROUTERS):
        app.include_router(router, prefix=API_PREFIX)
    return app
