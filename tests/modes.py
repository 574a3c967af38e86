"""The two modes of the product: what each is made of, for tests, is said here and nowhere else.

A test that uses `product_mode`, or a fixture that stands on it (`database` and `settings` of the core API, `library`,
`house`, `company`, `product`), runs in both modes. One that proves nothing which depends on the mode is marked
`one_mode` and runs embedded. docs/architecture.md tells what runs in both, what differs, and why.
"""

import itertools
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from core_api.infra.settings import Settings
from retrieval.vectors import VectorStore
from tests.databases import PostgresqlDatabases, SqliteDatabases
from tests.services import chroma, redis, running

MODES = ("embedded", "server")
ROOT = Path(__file__).resolve().parents[1]
# All requests of tests come from one address.
_QUIET: dict[str, Any] = {"log_level": "error", "rate_limit_requests": "1000000/minute"}


class Embedded:
    """SQLite, Chroma in the data directory, no Redis; one process does everything."""

    name = "embedded"

    def __init__(self, databases: SqliteDatabases) -> None:
        self.databases = databases

    @contextmanager
    def installation(self, folder: Path, *, bare: bool = False, **changes: Any) -> Iterator[Settings]:
        """The settings of an empty installation with its data directory in `folder`, which is gone at the end; `bare`:
        as before its first start, without tables."""
        if not bare:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.databases.template, folder / "nexus.db")
        yield Settings(data_dir=folder, **(_QUIET | changes))

    def redis(self) -> str | None:
        """The URL of an empty Redis: none."""
        return None

    def worker(self, settings: Settings) -> AbstractContextManager[None]:
        """Whoever indexes besides the process of the API: nobody."""
        return nullcontext()


class Server:
    """PostgreSQL, a Chroma server, Redis; a worker indexes what the processes of the API send it."""

    name = "server"

    def __init__(self, databases: PostgresqlDatabases, folder: Path, stack: ExitStack) -> None:
        self.databases = databases
        self._folder, self._stack = folder, stack
        self._redis: str | None = None
        self._numbers = itertools.count()
        self._empty: list[str] = []  # Chroma servers that nobody uses

    @contextmanager
    def installation(self, folder: Path, *, bare: bool = False, **changes: Any) -> Iterator[Settings]:
        """The settings of an empty installation with its data directory in `folder`, which is gone at the end; `bare`:
        as before its first start, without tables."""
        url, vectors = self.databases.bare() if bare else self.databases.copy(), self._chroma()
        servers = {"database_url": url, "chroma_url": vectors, "redis_url": self.redis()}
        settings = Settings(data_dir=folder, **(_QUIET | servers | changes))
        yield settings
        self.databases.drop(url)
        with VectorStore.open(settings) as store:
            for name in store.collections():
                store.drop(name)
        self._empty.append(vectors)

    def redis(self) -> str | None:
        """The URL of an empty Redis."""
        if self._redis is None:
            self._redis = self._stack.enter_context(redis(self._folder)).rpartition("/")[0]
        return f"{self._redis}/{next(self._numbers)}"

    def worker(self, settings: Settings) -> AbstractContextManager[None]:
        """Whoever indexes besides the process of the API: a worker, while the context lasts."""
        command = [sys.executable, "-m", "nexus", "worker"]
        return running(command, cwd=ROOT, env={**os.environ, **environment_of(settings)})

    def _chroma(self) -> str:
        if self._empty:
            return self._empty.pop()
        return self._stack.enter_context(chroma(self._folder / f"chroma-{next(self._numbers)}"))


ProductMode = Embedded | Server


def environment_of(settings: Settings) -> dict[str, str]:
    """What gives a process the settings that were set here."""
    environment = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if value is not None:
            plain = isinstance(value, (str, Path))
            environment[f"NEXUS_{name.upper()}"] = str(value) if plain else json.dumps(value)
    return environment
