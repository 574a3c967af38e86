"""Puts the parts together: the API with the routers of every package, the indexes, ingestion and the web app."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Callable

import structlog
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

import assistant.actions.endpoints
import assistant.actions.reminders
import assistant.agent.agent
import assistant.chat.endpoints
import assistant.conversations.service
import assistant.models.endpoints
import assistant.openai_api.endpoints
import assistant.review.gaps
import assistant.summaries.endpoints
import ingest.endpoints
import ingest.model_endpoints
import retrieval.endpoints
import ui_gradio.app
from core_api.app import create_app
from core_api.domains.users.service import as_subject
from core_api.infra import tracing
from core_api.infra.database import Database
from core_api.infra.errors import NexusError
from core_api.infra.logging import configure_logging
from core_api.infra.settings import Settings
from core_api.mail.sender import MailSender
from core_api.models import User
from evals.model_gate import compare_models
from ingest.runtime import IngestRuntime
from nexus.background import Background
from nexus.datadir import DataDir
from nexus.owner import open_database, sign_in_link
from retrieval.engine import RetrievalEngine
from retrieval.service import search
from retrieval.types import Query

log = structlog.get_logger()
_START_SECONDS = 60
"""After so long garbage is looked for again, whatever is not open yet."""
_GC_THRESHOLD = 10_000, 20, 20
"""Python's own (700, 10, 10) looks for garbage some times during each request, and finds next to none."""
_REHEARSALS = 8
"""Searches side by side before the first: about as many as are done at once, each with a connection."""
_KEEP_ALIVE_SECONDS = 75
"""Longer than clients and proxies (nginx: 60 s) keep an idle connection: were it closed here first, a request on its
way would be lost."""


class PortInUse(NexusError):
    """The address cannot be bound."""

    status, code, title = 503, "port_in_use", "The address is not free"


def build_app(settings: Settings, database: Database, *, web: bool, warm: bool = False) -> FastAPI:
    """The whole product in one app; its lifespan opens and closes the indexes and ingestion, and with `warm` loads
    early what the first people need. In server mode workers and beat do their part elsewhere."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Both load what is heavy on threads of their own: the API answers at once.
        engine = RetrievalEngine.open(settings, database)
        runtime = IngestRuntime(settings, database, engine, gate=compare_models, relay_only=settings.is_server)
        runtime.start()
        mail = MailSender(settings, database, app.state.vault)
        mail.start()
        background = None if settings.is_server else Background(settings, database, engine, app.state.vault)
        if background is not None:
            background.start()
        app.state.search_recorder.start()
        app.state.engine = engine
        app.state.ingest = runtime
        app.state.is_ready = lambda: engine.ready
        app.state.database_state.keyword_position = lambda: engine.keyword_position
        warming = asyncio.create_task(_warm_up(app)) if warm else None
        try:
            yield
        finally:
            if warming is not None:
                warming.cancel()
            if background is not None:
                await asyncio.to_thread(background.stop)
            await asyncio.to_thread(mail.stop)
            await asyncio.to_thread(app.state.search_recorder.stop)
            await asyncio.to_thread(runtime.stop)
            await asyncio.to_thread(engine.close)

    routers = [
        retrieval.endpoints.router,
        ingest.endpoints.router,
        ingest.model_endpoints.router,
        assistant.chat.endpoints.router,
        assistant.models.endpoints.router,
        assistant.summaries.endpoints.router,
        assistant.actions.endpoints.router,
    ]
    app = create_app(settings, database, routers, lifespan)
    app.include_router(assistant.openai_api.endpoints.router)
    app.state.export_parts["conversations"] = assistant.conversations.service.export_conversations
    app.state.export_parts["reminders"] = assistant.actions.reminders.export_reminders
    app.state.export_parts["filed_questions"] = assistant.review.gaps.export_gaps
    if web:
        app.state.web = ui_gradio.app.mount(app, after=lambda: _until(lambda: app.state.is_ready()))
    return app


def serve(settings: Settings, announce: Callable[[str, str], None], *, web: bool = True) -> None:
    """Run the product until it is stopped. `announce` gets the address and a sign-in link when it is reachable.

    In server mode it is one of several processes, which may share a data directory. Raises DataDirUnusable,
    DataDirLocked or PortInUse before anything is started.
    """
    datadir = DataDir(settings.data_dir)
    datadir.prepare()
    if not settings.is_server:
        datadir.lock()
    try:
        listener = _bind(settings.host, settings.port)
        host, port = listener.getsockname()[:2]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        configure_logging(settings)
        tracing.start(settings, "server")
        public = (settings.public_url or url).rstrip("/")
        settings = settings.model_copy(update={"public_url": public})  # links in mail name the port that was found
        database = open_database(settings)
        app = build_app(settings, database, web=web, warm=True)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        server = _Server(config)

        def reachable() -> None:
            datadir.announce(url)
            announce(public, sign_in_link(settings, database, public))

        server.on_started = reachable
        server.run(sockets=[listener])
        database.dispose()
    finally:
        datadir.unlock()


class _Server(uvicorn.Server):
    """uvicorn, saying when it listens."""

    on_started: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await asyncio.to_thread(self.on_started)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"{host}:{port} cannot be used: {error.strerror}. "
            "Choose another with --port or NEXUS_PORT (0: any free one)."
        ) from error
    return listener


async def _warm_up(app: FastAPI) -> None:
    """Load what the first answer needs, after what people need first: the API, then the pages."""

    web = getattr(app.state, "web", None)

    def started() -> bool:
        return bool(app.state.is_ready() and (web is None or web.ready or web.failure is not None))

    with contextlib.suppress(TimeoutError):  # a part that cannot be opened yet is told by whoever opens it
        async with asyncio.timeout(_START_SECONDS):
            await _until(started)
    gc.enable()
    await _until(started)
    await asyncio.to_thread(assistant.agent.agent.warm_up, app.state.settings)
    await asyncio.to_thread(_load_titles, app)
    await asyncio.gather(*(asyncio.to_thread(_rehearse, app) for _ in range(_REHEARSALS)))
    # What is loaded by now stays: looking through it for garbage again and again would halt every request.
    await asyncio.to_thread(gc.collect)
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLD)
    log.info("warmed_up")


def _load_titles(app: FastAPI) -> None:
    with app.state.database.reading() as session:
        app.state.engine.titles.load(session)


def _rehearse(app: FastAPI) -> None:
    """Search once, as whoever came first: statements are compiled then, and vectors and a connection are there."""
    try:
        with app.state.database.reading() as session:
            first = session.scalars(select(User).order_by(User.created_at).limit(1)).first()
            if first is not None:
                words = Query("how to begin", paged=True, facets=True, correct=True)
                search(session, as_subject(first), app.state.engine, words)
    except (NexusError, SQLAlchemyError) as error:  # whoever searches first will be told
        log.warning("not_rehearsed", error=str(error))


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.05)
