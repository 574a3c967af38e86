"""Chroma itself: in a directory, or a server. What fails is told with what to do.

Only this module and retrieval.vectors import chromadb, and they do so when a store is opened (1-2 s), not before.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from core_api.infra.errors import StorageFull, Unavailable, Unreachable

if TYPE_CHECKING:
    from chromadb.api import ClientAPI

_T = TypeVar("_T")

_TRIES = 6
_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 30.0


class VectorIndexBroken(Unavailable):
    """The embedded Chroma cannot read its files."""

    code, title = "vector_index_broken", "The vector index cannot be read"


def open_directory(path: Path) -> "ClientAPI":
    """The embedded Chroma in a directory. Raises VectorIndexBroken when its files cannot be read."""
    import chromadb
    from chromadb.config import Settings as ChromaSettings

    path.mkdir(parents=True, exist_ok=True)
    try:
        return chromadb.PersistentClient(str(path), settings=ChromaSettings(anonymized_telemetry=False))
    except (KeyboardInterrupt, SystemExit):
        raise
    # Chroma's Rust core answers damaged files with a panic, which is no Exception.
    except BaseException as error:
        raise _broken(str(path), error) from error


def server_version(url: str) -> str:
    """The version of the Chroma server at a URL. Raises Unavailable when it does not answer."""
    return str(connect(url).get_version())


def connect(url: str) -> "ClientAPI":
    """The Chroma server at a URL. Raises Unavailable when it does not answer."""
    import chromadb
    import httpx
    from chromadb.config import Settings as ChromaSettings

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Unavailable(f"NEXUS_CHROMA_URL is {url!r}; it has to look like http://host:8000.")
    try:
        client = chromadb.HttpClient(
            host=parts.hostname,
            port=parts.port or (443 if parts.scheme == "https" else 8000),
            ssl=parts.scheme == "https",
            settings=ChromaSettings(anonymized_telemetry=False),
        )
        # Chroma's client waits for ever, and has no setting for it: a server that hangs would hang the product.
        session: httpx.Client = client._server._session  # type: ignore[attr-defined]
        session.timeout = httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
        return client
    # Chroma answers a server that is not there with a bare ValueError.
    except (ValueError, httpx.HTTPError) as error:
        raise _unreachable(url, error) from error


def call(where: str, act: Callable[[], _T]) -> _T:
    """Run a call of Chroma; what fails for the store as a whole becomes an error that says what to do."""
    import httpx
    from chromadb.errors import InternalError

    for attempt in range(_TRIES):
        try:
            return act()
        except httpx.TransportError as error:
            raise _unreachable(where, error) from error
        except InternalError as error:
            message = str(error)
            if "disk is full" in message or "No space left" in message:
                raise StorageFull(f"The disk of {where} is full: the vector index was not written.") from error
            # A filtered query fails when one of the ids that its filter found is deleted before its search.
            if "finding id" not in message or attempt == _TRIES - 1:
                raise _broken(where, error) from error
            time.sleep(0.01 * (attempt + 1))
    raise AssertionError("unreachable")


def _unreachable(where: str, error: BaseException) -> Unreachable:
    return Unreachable(
        f"The Chroma server at {where} does not answer ({error}). Start it, or correct NEXUS_CHROMA_URL."
    )


def _broken(where: str, error: BaseException) -> VectorIndexBroken:
    return VectorIndexBroken(
        f"The vector index in {where} cannot be used ({type(error).__name__}: {error}). It can be rebuilt from the "
        "database: stop the server, move that directory away, start again and run `nexus index reindex`."
    )
