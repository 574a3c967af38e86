"""How a command reaches the product: over HTTP to the data directory's server, else to the same app in process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

from core_api.infra.errors import NexusError, TooManyRequests, Unavailable
from core_api.infra.settings import Settings
from nexus.credentials import stored_key
from nexus.datadir import DataDir

if TYPE_CHECKING:
    from core_api.infra.database import Database

KEY_LIFETIME = timedelta(hours=12)
REQUEST_SECONDS = 300
READY_SECONDS = 120
IN_PROCESS = "http://nexus.local"


class ServerError(NexusError):
    """The server refused; the problem document says why."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(str(document.get("detail", "The server did not say why.")))
        self.document = document

    def problem(self) -> dict[str, Any]:
        """The server's own problem document."""
        return self.document


class Patient(httpx.AsyncHTTPTransport):
    """Waits as long as the server says where there were too many requests: an import is many at once."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request until it is taken."""
        while True:
            response = await super().handle_async_request(request)
            wait = response.headers.get("retry-after", "")
            if response.status_code != TooManyRequests.status or not wait.isdecimal():
                return response
            await response.aclose()
            await asyncio.sleep(int(wait))


@contextlib.asynccontextmanager
async def connect(settings: Settings, key_lifetime: timedelta = KEY_LIFETIME) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API, signed in as the owner of the data directory, with a key that lives so long at most; of the
    server of the settings, where one is named, as whoever has signed in there with `nexus login`. Where the settings
    have an API key, as its person.

    Raises NotSignedIn, DataDirUnusable, and DataDirLocked when another command (not a server) works on the directory.
    """
    if settings.server_url is not None:
        async with httpx.AsyncClient(
            base_url=settings.server_url, transport=Patient(), timeout=REQUEST_SECONDS
        ) as client:
            _authorize(client, _given_key(settings) or stored_key(settings.server_url))
            await _until_ready(client)
            yield client
        return
    # A command loads what it needs, so that it begins quickly: the database where it signs itself in, and all that is
    # served only where nobody serves it yet.
    from core_api.infra.database import Database

    datadir = DataDir(settings.data_dir)
    datadir.prepare()
    if (server := datadir.running_server()) is not None:
        database = Database(settings.resolved_database_url)
        async with (
            httpx.AsyncClient(base_url=server.url, transport=Patient(), timeout=REQUEST_SECONDS) as client,
            _signed_in(client, database, settings, key_lifetime),
        ):
            await _until_ready(client)
            yield client
        database.dispose()
        return
    from core_api.infra.logging import configure_logging
    from nexus.owner import open_database
    from nexus.server import build_app

    datadir.lock()
    try:
        configure_logging(settings.model_copy(update={"log_level": "warning"}))
        database = open_database(settings)
        app = build_app(settings, database, web=False)
        # Calls within this process have no address, and so no limit.
        transport = httpx.ASGITransport(app, client=None)  # type: ignore[arg-type]
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(base_url=IN_PROCESS, transport=transport, timeout=REQUEST_SECONDS) as client,
            _signed_in(client, database, settings, key_lifetime),
        ):
            await asyncio.to_thread(app.state.engine.wait)
            yield client
        database.dispose()
    finally:
        datadir.unlock()


@contextlib.asynccontextmanager
async def _signed_in(
    client: httpx.AsyncClient, database: "Database", settings: Settings, lifetime: timedelta
) -> AsyncIterator[None]:
    """Sign the client in with the key of the settings, else with one of the owner's that lives as long as the
    command."""
    from core_api.auth.api_keys import delete_api_key
    from nexus.owner import owner_key

    if (given := _given_key(settings)) is not None:
        _authorize(client, given)
        yield
        return
    key = owner_key(database, lifetime, "command line")
    _authorize(client, key)
    try:
        yield
    finally:
        with database.transaction() as session:
            delete_api_key(session, key)


async def _until_ready(client: httpx.AsyncClient) -> None:
    for _ in range(READY_SECONDS * 5):
        response = await client.get("/health/ready")
        if response.status_code != Unavailable.status:
            break
        await asyncio.sleep(0.2)
    checked(response)


def _given_key(settings: Settings) -> str | None:
    return settings.api_key.get_secret_value() if settings.api_key is not None else None


def _authorize(client: httpx.AsyncClient, token: str) -> None:
    client.headers["Authorization"] = f"Bearer {token}"


def checked(response: httpx.Response) -> Any:
    """The JSON of a successful response; raises ServerError for another."""
    if response.is_success:
        return response.json() if response.content else None
    try:
        document = response.json()
    except ValueError:
        document = {"detail": f"The server answered {response.status_code} without a reason."}
    raise ServerError(document)
