"""How often somebody may ask: a moving window per address and person, in memory or, for several servers, in Redis."""

import ipaddress
import math
import threading
import time
from collections.abc import Callable
from functools import lru_cache

import structlog
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.storage.memory import Entry
from limits.strategies import MovingWindowRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from core_api.http.paths import is_api
from core_api.http.problems import problem_response
from core_api.infra.errors import TooManyRequests
from core_api.infra.settings import Settings

log = structlog.get_logger()

_REDIS_SECONDS = 0.5
_SWEEP_SECONDS = 60.0
# Of a limiter about one limit of somebody: the seconds that they have to wait, if they do.
_Question = Callable[[MovingWindowRateLimiter, RateLimitItem, tuple[str, ...]], int | None]


class RateLimiter:
    """Counts requests. Where Redis does not answer, this process counts alone: nobody is locked out by that, and
    nobody gets in unlimited."""

    def __init__(self, settings: Settings) -> None:
        self._local = MovingWindowRateLimiter(_Windows())
        self._shared: MovingWindowRateLimiter | None = None
        if settings.redis_url is not None:
            storage = RedisStorage(
                settings.redis_url,
                wrap_exceptions=True,
                socket_timeout=_REDIS_SECONDS,
                socket_connect_timeout=_REDIS_SECONDS,
            )
            self._shared = MovingWindowRateLimiter(storage)

    @property
    def waits(self) -> bool:
        """Whether counting waits for the network."""
        return self._shared is not None

    def hit(self, limit: str, *keys: str) -> None:
        """Count one request of whoever `keys` name under `limit` (`10/minute`, `10/minute; 50/hour`).

        Raises TooManyRequests, with the seconds to wait in `Retry-After`, when that was one too many.
        """
        for item in _parsed(limit):
            wait = self._ask(_hit, item, keys)
            if wait is not None:
                raise _too_many(wait)

    def check(self, limit: str, *keys: str) -> None:
        """Raise TooManyRequests where `hit` would, without counting."""
        for item in _parsed(limit):
            wait = self._ask(_test, item, keys)
            if wait is not None:
                raise _too_many(wait)

    def forget(self, limit: str, *keys: str) -> None:
        """Begin counting anew for whoever `keys` name."""
        for item in _parsed(limit):
            self._ask(_clear, item, keys)

    def _ask(self, question: _Question, item: RateLimitItem, keys: tuple[str, ...]) -> int | None:
        if self._shared is not None:
            try:
                return question(self._shared, item, keys)
            except StorageError as error:
                log.warning("rate_limit_redis_unavailable", error=str(error.storage_error))
        return question(self._local, item, keys)


class AddressLimit:
    """Limits the API's requests per address, before anything is looked at. Calls by this process itself have no
    address (the command line), or that of the person whom the web app calls for."""

    def __init__(self, app: ASGIApp, limiter: RateLimiter, limit: str) -> None:
        self.app = app
        self.limiter = limiter
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_api(scope["path"]) and scope.get("client"):
            key = ("address", network_of(scope["client"][0]))
            try:
                if self.limiter.waits:
                    await run_in_threadpool(self.limiter.hit, self.limit, *key)
                else:
                    self.limiter.hit(self.limit, *key)
            except TooManyRequests as error:
                await problem_response(Request(scope), error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the /64, which one customer has all of."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # not an IP connection: the name of a test client, or of a socket
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class _Windows(MemoryStorage):
    """The library's own walks over every key after every hit, and keeps each for ever; this one sweeps once a while."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._swept = time.time()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` hits, unless that makes more than `limit` in the last `expiry` seconds."""
        with self._lock:
            now = time.time()
            if now - self._swept > _SWEEP_SECONDS:
                self._sweep(now)
            entries = self.events.setdefault(key, [])  # newest first
            if amount > limit or (len(entries) > limit - amount and entries[limit - amount].atime >= now - expiry):
                return False
            entries[:0] = [Entry(expiry)] * amount
            del entries[limit:]
            return True

    def _sweep(self, now: float) -> None:
        self._swept = now
        for key in [key for key, entries in self.events.items() if not entries or entries[0].expiry <= now]:
            del self.events[key]


def _hit(limiter: MovingWindowRateLimiter, item: RateLimitItem, keys: tuple[str, ...]) -> int | None:
    return None if limiter.hit(item, *keys) else _seconds_left(limiter, item, keys)


def _test(limiter: MovingWindowRateLimiter, item: RateLimitItem, keys: tuple[str, ...]) -> int | None:
    return None if limiter.test(item, *keys) else _seconds_left(limiter, item, keys)


def _clear(limiter: MovingWindowRateLimiter, item: RateLimitItem, keys: tuple[str, ...]) -> None:
    limiter.clear(item, *keys)


def _too_many(wait: int) -> TooManyRequests:
    return TooManyRequests(f"Too many requests. Try again in {wait} seconds.", headers={"Retry-After": str(wait)})


def _seconds_left(limiter: MovingWindowRateLimiter, item: RateLimitItem, keys: tuple[str, ...]) -> int:
    return max(1, math.ceil(limiter.get_window_stats(item, *keys).reset_time - time.time()))


@lru_cache(maxsize=64)
def _parsed(limit: str) -> list[RateLimitItem]:
    return parse_many(limit)
