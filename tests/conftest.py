"""Fixtures that all tests share."""

import ctypes
import gc
import os
import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from xdist.scheduler import LoadScopeScheduling

from core_api.auth import passwords
from core_api.infra.settings import Settings
from retrieval.embedding import Embedder, load_embedder
from tests.databases import Databases, PostgresqlDatabases, SqliteDatabases
from tests.modes import MODES, Embedded, ProductMode, Server
from tests.services import ObjectStorage, object_storage, postgresql

_settrace = sys.settrace


def _settrace_in_turn(function: Any) -> None:
    """Python 3.11 refuses to install a trace function (coverage's, in each new thread) while another thread is at it,
    which an audit hook (filelock has one) makes possible: the new thread would die before its first line."""
    while True:
        try:
            return _settrace(function)
        except RuntimeError:
            time.sleep(0)


sys.settrace = _settrace_in_turn


# Tests hash a thousand passwords in this process: at the least that Argon2 takes.
PRODUCT_HASHER = passwords._hasher
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def one_event_loop() -> Iterator[None]:
    """The requests of a TestClient that is not entered run on one loop, in place of a new one and its threads each."""
    with start_blocking_portal() as portal:
        TestClient.portal = portal
        yield
        TestClient.portal = None


def pytest_collection_finish() -> None:
    """What is imported by now stays: it need not be looked through for garbage again and again."""
    gc.freeze()


_MUCH_MEMORY = 2**30
_STATM = Path("/proc/self/statm")


@pytest.fixture(scope="module", autouse=True)
def memory_goes_back() -> Iterator[None]:
    """What a file's tests have let go of: glibc keeps it for threads that are gone, gigabytes in the end."""
    yield
    if _STATM.exists() and int(_STATM.read_text().split()[1]) * resource.getpagesize() > _MUCH_MEMORY:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)


@pytest.fixture
def product_hasher(monkeypatch: pytest.MonkeyPatch) -> PasswordHasher:
    """Passwords cost what they do in the product."""
    monkeypatch.setattr(passwords, "_hasher", PRODUCT_HASHER)
    return PRODUCT_HASHER


class TogetherScheduling(LoadScopeScheduling):
    """Gives tests that share what takes long to make to one worker, which makes it once: the tests of a file in one
    mode, and in each mode all of an indexed company, of a running site, of an installation that is broken, of the whole
    product."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        package = file.removeprefix("tests/").split("/")[0]
        mode = next((mode for mode in MODES if mode in re.split(r"[\[\]-]", test)), "")
        return f"{package if package in _TOGETHER else file} {mode}"


_TOGETHER = ("assistant", "e2e", "faults", "nexus")
# What takes minutes and goes to one worker begins first: at the end no worker waits long for another.
_FIRST = ("faults", "nexus", "e2e", "assistant", "ingest", "ui_gradio", "evals", "retrieval")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order in which they are shared out."""
    packages = {name: place for place, name in enumerate(_FIRST)}
    items.sort(key=lambda item: packages.get(item.nodeid.split("/")[1], len(_FIRST)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherScheduling:
    """How pytest-xdist shares the tests out."""
    config.option.loadscopereorder = False  # which would begin with what has most tests
    return TogetherScheduling(config, log)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The sample data beside the checkout (or in NEXUS_SHARED_DATA); tests that need it skip where it is absent."""
    named = os.environ.get("NEXUS_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the shared sample data is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def model_cache(request: pytest.FixtureRequest) -> Path:
    """For `Settings(models_cache=model_cache)`: one export of the embedding model for all workers and runs.

    What is in there is keyed by the weights' digest and guarded by a file lock (retrieval.embedding.cache).
    """
    named = os.environ.get("NEXUS_TEST_CACHE")
    folder = Path(named) / "models" if named else request.config.cache.mkdir("nexus-models")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    """Makes SQLite databases."""
    return SqliteDatabases(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def empty_database(sqlite_databases: SqliteDatabases) -> Path:
    """A database file after all migrations."""
    return sqlite_databases.template


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[PostgresqlDatabases]:
    """Makes databases on a PostgreSQL server of the session."""
    with postgresql() as url:
        yield PostgresqlDatabases(url)


@pytest.fixture(scope="session")
def embedded_mode(sqlite_databases: SqliteDatabases) -> Embedded:
    """Makes installations in embedded mode."""
    return Embedded(sqlite_databases)


@pytest.fixture(scope="session")
def server_mode(
    postgresql_databases: PostgresqlDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Makes installations in server mode."""
    with ExitStack() as stack:
        yield Server(postgresql_databases, tmp_path_factory.mktemp("server"), stack)


@pytest.fixture(scope="session")
def product_mode(request: pytest.FixtureRequest) -> ProductMode:
    """Each of the two modes (tests.modes)."""
    made: ProductMode = request.getfixturevalue(f"{request.param}_mode")
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What uses `product_mode` runs in both, or in one."""
    if "product_mode" in metafunc.fixturenames:
        one = metafunc.definition.get_closest_marker("one_mode") is not None
        metafunc.parametrize("product_mode", MODES[:1] if one else MODES, indirect=True, scope="session")


@pytest.fixture(scope="session")
def databases(product_mode: ProductMode) -> Databases:
    """Makes databases of the mode's kind."""
    return product_mode.databases


@pytest.fixture(scope="session")
def s3() -> Iterator[ObjectStorage]:
    """An S3 server; who stops it starts it again."""
    with object_storage() as server:
        yield server


@pytest.fixture(scope="session")
def embedder(model_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """The default embedding model."""
    return load_embedder(Settings(data_dir=tmp_path_factory.mktemp("embedder"), models_cache=model_cache))
