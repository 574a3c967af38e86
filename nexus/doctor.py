"""What `nexus doctor` looks at: checks every part that the settings name, and says what to do about what is wrong."""

import platform
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text

from core_api.infra.database import Database
from core_api.infra.errors import NexusError
from core_api.infra.migrate import newest_revision, revision_of
from core_api.infra.settings import Settings
from core_api.models import utcnow

_OLDEST_POSTGRESQL = 14
_OLDEST_REDIS = 6
_MOST_SKEW_SECONDS = 2.0
_PING_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found; `todo` is empty where there is nothing to do."""

    part: str
    state: Literal["ok", "warning", "failed"]
    found: str
    todo: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Check every part, one after the other; a part that does not answer keeps no other from being checked."""
    checks: list[tuple[str, Callable[[Settings], Iterator[Finding]]]] = [
        ("python", _python),
        ("data directory", _data_dir),
        ("database", _database),
        ("embedding model", _model),
        ("file storage", _storage),
        ("assistant", _assistant),
    ]
    if settings.chroma_url is not None:
        checks.append(("chroma", _chroma))
    if settings.redis_url is not None:
        checks += [("redis", _redis), ("workers", _workers), ("beat", _beat), ("secret keys", _secret_keys)]
    for part, check in checks:
        try:
            yield from check(settings)
        except NexusError as error:
            yield Finding(part, "failed", error.title, error.detail)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            # SQLAlchemy adds the statement and an address of its manual to what the driver says, and libpq is wordy.
            says = " ".join(str(getattr(error, "orig", None) or error).split())
            yield Finding(part, "failed", f"{type(error).__name__}: {says}", f"See that the {part} can be reached.")


def _python(_settings: Settings) -> Iterator[Finding]:
    # Distributions compile with optimizations, and do not always say so.
    optimized = sys.base_prefix == "/usr" or "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    if optimized:
        yield Finding("python", "ok", platform.python_version())
    else:
        found = f"{platform.python_version()}, compiled without optimizations"
        todo = "A loop takes 1.4 times as long. Use your distribution's, or compile with --enable-optimizations."
        yield Finding("python", "warning", found, todo)


def _data_dir(settings: Settings) -> Iterator[Finding]:
    from nexus.datadir import DataDir

    DataDir(settings.data_dir).prepare()
    free = shutil.disk_usage(settings.data_dir).free
    place = f"{settings.data_dir}, {_size(free)} free"
    if free < settings.min_free_bytes:
        least = _size(settings.min_free_bytes)
        yield Finding("data directory", "failed", place, f"Nothing is taken in below {least}. Free some space.")
    elif free < 10 * settings.min_free_bytes:
        yield Finding("data directory", "warning", place, "It is filling up.")
    else:
        yield Finding("data directory", "ok", place)


def _database(settings: Settings) -> Iterator[Finding]:
    database = Database(settings.resolved_database_url)
    try:
        there, newest = revision_of(database), newest_revision()
        with database.engine.connect() as connection:
            if database.is_local:
                yield Finding("database", "ok", f"SQLite {connection.scalar(text('SELECT sqlite_version()'))}")
            else:
                version = int(connection.scalar(text("SHOW server_version_num")) or 0)
                yield _version("database", "PostgreSQL", version // 10_000, f"{version // 10_000}", _OLDEST_POSTGRESQL)
                yield _clock("database", connection.scalar(text("SELECT clock_timestamp()")))
    finally:
        database.dispose()
    if there == newest:
        yield Finding("schema", "ok", there)
    elif there is None or there < newest:
        todo = f"The next start brings it to {newest}."
        yield Finding("schema", "warning", there or "no tables yet", todo)
    else:
        todo = f"This version knows {newest} at most. Run the newer version."
        yield Finding("schema", "failed", there, todo)


def _model(settings: Settings) -> Iterator[Finding]:
    from retrieval.active_model import ModelSpec

    embedder = ModelSpec.of_settings(settings).load(settings)
    yield Finding("embedding model", "ok", f"{embedder.name}, {embedder.dimensions} dimensions")


def _storage(settings: Settings) -> Iterator[Finding]:
    from core_api.infra.storage import open_files

    open_files(settings).check()
    yield Finding("file storage", "ok", settings.storage_url or str(settings.files_dir))


def _assistant(settings: Settings) -> Iterator[Finding]:
    from assistant.models.choosing import model_name
    from assistant.models.configuration import costs_not_limited

    database = Database(settings.resolved_database_url)
    try:
        if revision_of(database) != newest_revision():
            return  # told of the schema
        with database.reading() as session:
            unlimited = costs_not_limited(session, settings)
    finally:
        database.dispose()
    if unlimited:
        todo = "Set NEXUS_LLM_PRICES: without their price, the cost limits that an admin has set do nothing."
        yield Finding("assistant", "warning", f"no price of {', '.join(unlimited)}", todo)
    else:
        yield Finding("assistant", "ok", f"model {model_name(settings)}")


def _chroma(settings: Settings) -> Iterator[Finding]:
    assert settings.chroma_url is not None
    from retrieval.chroma_client import server_version

    yield Finding("chroma", "ok", f"{settings.chroma_url}, version {server_version(settings.chroma_url)}")


def _redis(settings: Settings) -> Iterator[Finding]:
    import redis

    client = redis.Redis.from_url(str(settings.redis_url), socket_timeout=5, socket_connect_timeout=5)
    try:
        facts: Any = client.info()
        version = str(facts["redis_version"])
        yield _version("redis", "Redis", int(version.split(".")[0]), version, _OLDEST_REDIS)
        seconds, microseconds = client.time()
        yield _clock("redis", datetime.fromtimestamp(seconds + microseconds / 1e6, utcnow().tzinfo))
        policy = facts.get("maxmemory_policy", "noeviction")
        if facts.get("maxmemory") and policy != "noeviction":
            todo = "Set `maxmemory-policy noeviction`: Redis drops tasks otherwise, which then wait for their lease."
            yield Finding("redis", "warning", f"maxmemory-policy {policy}", todo)
    finally:
        client.close()


def _workers(settings: Settings) -> Iterator[Finding]:
    from ingest.tasks import Queue, create_celery

    app = create_celery(settings, lambda keys: None)
    served = app.control.inspect(timeout=_PING_SECONDS).active_queues() or {}
    queues = {str(queue["name"]) for declared in served.values() for queue in declared}
    missing = [queue.value for queue in Queue if queue not in queues]
    if not served:
        yield Finding("workers", "failed", "none answers", "Start one with `nexus worker`: nothing is indexed.")
    elif missing:
        todo = f"Nobody looks into {', '.join(missing)}: start a `nexus worker` that does."
        yield Finding("workers", "failed", ", ".join(sorted(served)), todo)
    else:
        yield Finding("workers", "ok", ", ".join(sorted(served)))


def _beat(settings: Settings) -> Iterator[Finding]:
    from nexus.beat import is_led

    database = Database(settings.resolved_database_url)
    try:
        if is_led(database):
            yield Finding("beat", "ok", "one leads")
        else:
            todo = "Start `nexus beat`: retries, alerts, reminders and upkeep wait for it."
            yield Finding("beat", "failed", "none leads", todo)
    finally:
        database.dispose()


def _secret_keys(settings: Settings) -> Iterator[Finding]:
    if settings.secret_keys:
        yield Finding("secret keys", "ok", f"{len(settings.secret_keys)} set")
    else:
        todo = "Set NEXUS_SECRET_KEYS to the same on every host (`nexus secret-key` makes one)."
        yield Finding("secret keys", "warning", "in the data directory of this host", todo)


def _version(part: str, name: str, major: int, version: str, oldest: int) -> Finding:
    if major < oldest:
        return Finding(part, "failed", f"{name} {version}", f"Install {name} {oldest} or newer.")
    return Finding(part, "ok", f"{name} {version}")


def _clock(part: str, there: datetime | None) -> Finding:
    skew = abs((utcnow() - there).total_seconds()) if there is not None else 0.0
    if skew > _MOST_SKEW_SECONDS:
        todo = "Let both hosts keep time with NTP: leases and links end by the clock."
        return Finding(f"{part} clock", "failed", f"{skew:.1f} s from this host's", todo)
    return Finding(f"{part} clock", "ok", f"within {_MOST_SKEW_SECONDS:.0f} s of this host's")


def _size(number: float) -> str:
    return f"{number / 2**30:.1f} GB" if number >= 2**30 else f"{number / 2**20:.0f} MB"
