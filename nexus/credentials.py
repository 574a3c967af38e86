"""The API keys that `nexus login` has got from servers, in the person's own configuration folder."""

import json
import os
from pathlib import Path

import typer

from core_api.infra.errors import Unauthenticated


class NotSignedIn(Unauthenticated):
    """There is no key for this server."""


def stored_key(server_url: str) -> str:
    """The key for a server. Raises NotSignedIn."""
    key = _read().get(_name(server_url))
    if key is None:
        raise NotSignedIn(f"You are not signed in at {server_url}. Do so with `nexus login --server {server_url}`.")
    return key


def store_key(server_url: str, key: str) -> Path:
    """Keep the key for a server, for the eyes of this person only; where."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(_read() | {_name(server_url): key}, file, indent=2)
    temporary.replace(path)
    return path


def _read() -> dict[str, str]:
    try:
        keys: dict[str, str] = json.loads(_path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return keys


def _name(server_url: str) -> str:
    return server_url.rstrip("/")


def _path() -> Path:
    return Path(typer.get_app_dir("nexus")) / "keys.json"
