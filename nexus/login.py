"""`nexus login`: signs in at a server, and keeps an API key of it for the commands that follow."""

import platform
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from core_api.infra.errors import NexusError
from nexus.options import DataDirOption, load_settings

_KEY_DAYS = 90
_SCOPES = ["read", "write", "admin"]
_SECONDS = 30

_out = Console()


def login(
    server: Annotated[str | None, typer.Option(help="Its address (NEXUS_SERVER_URL).")] = None,
    email: Annotated[str | None, typer.Option(help="Your address; asked for when it is missing.")] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Sign in at a server. Set NEXUS_SERVER_URL to it, and all commands work there, with your permissions."""
    from nexus.credentials import store_key
    from nexus.datadir import DataDir

    settings = load_settings(data_dir, server_url=server)
    running = DataDir(settings.data_dir).running_server()
    url = settings.server_url or (running.url if running is not None else settings.resolved_public_url)
    email = email or typer.prompt("E-mail address")
    password = typer.prompt("Password", hide_input=True)
    try:
        with httpx.Client(base_url=url, timeout=_SECONDS) as client:
            path = store_key(url, _new_key(client, email, password))
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise NexusError(f"{url} does not answer ({error}). Name the server with --server.") from error
    _out.print(f"You are signed in at {url} for {_KEY_DAYS} days. The key is in {path}.", highlight=False)
    if settings.server_url is None or server is not None:
        _out.print(f"Commands work there with NEXUS_SERVER_URL={url} in the environment.", highlight=False)


def _new_key(client: httpx.Client, email: str, password: str) -> str:
    from nexus.connection import ServerError, checked

    body: dict[str, Any] = {"email": email, "password": password}
    try:
        tokens = checked(client.post("/api/v1/auth/login", json=body))
    except ServerError as error:
        if error.document.get("code") != "mfa_required":
            raise
        body["code"] = typer.prompt("Code of your authenticator app, or a recovery code")
        tokens = checked(client.post("/api/v1/auth/login", json=body))
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    name = f"nexus on {platform.node()}"[:200]
    key = checked(
        client.post("/api/v1/auth/api-keys", json={"name": name, "scopes": _SCOPES, "expires_in_days": _KEY_DAYS})
    )["key"]
    checked(client.post("/api/v1/auth/logout"))
    return str(key)
