"""What every request passes through, outermost first: request id, log and metrics, body limit, cross-site check,
headers."""

import re
import time
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core_api.http.cookies import SESSION_COOKIE, is_in_process
from core_api.http.paths import is_api
from core_api.http.problems import problem_response
from core_api.infra import tracing
from core_api.infra.errors import Forbidden, Invalid, NexusError, TooLarge
from core_api.infra.metrics import HTTP_REQUESTS, HTTP_SECONDS
from core_api.models import new_id

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# What the web app needs: Gradio builds its pages with inline scripts and eval; nothing comes from another host.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_PERMISSIONS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
_FOREIGN = "The request came from another site, or does not say where it comes from (`Sec-Fetch-Site`, `Origin`)."
_STRICT_TRANSPORT = "max-age=31536000"
# Where files are sent to. Anywhere else a body is read into memory as a whole.
_UPLOADS = re.compile(r"/api/v1/(documents(/.*)?|users/me/avatar)")
_FORM_BYTES = 64 * 2**10
# Metrics are labelled with these and no others, whatever is sent.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WEB_APP, _NO_ROUTE = "(web app)", "(none)"


class RequestLog:
    """Gives each request an id (the client's own, when it is well-formed), and logs, counts and times it; where traces
    are on, it is the first span."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        scope["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        address = (scope.get("client") or ("",))[0]
        structlog.contextvars.bind_contextvars(request_id=request_id, address=address)
        if tracing.is_on() and is_api(scope["path"]):
            await self._traced(scope, receive, send, request_id, headers.getlist("traceparent"))
        else:
            await self._run(scope, receive, send, request_id)

    async def _traced(
        self, scope: Scope, receive: Receive, send: Send, request_id: str, origins: Sequence[str]
    ) -> None:
        method = _method_of(scope)
        attributes: dict[str, tracing.Attribute] = {"http.request.method": method, "nexus.request_id": request_id}
        with tracing.span(method, kind="server", origins=origins[:1], attributes=attributes) as span:
            status = 500
            try:
                status = await self._run(scope, receive, send, request_id)
            finally:
                if span is not None:
                    route = _route_of(scope)
                    span.update_name(f"{method} {route}")
                    span.set_attributes({"http.route": route, "http.response.status_code": status})
                    if status >= 500:
                        tracing.mark_failed(span)

    async def _run(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            method, route = _method_of(scope), _route_of(scope)
            HTTP_REQUESTS.labels(method, route, f"{status // 100}xx").inc()
            HTTP_SECONDS.labels(method, route).observe(seconds)
            if is_api(scope["path"]):
                took_ms = round(seconds * 1000, 1)
                log.info("request", method=scope["method"], path=scope["path"], status=status, took_ms=took_ms)
        return status


def _method_of(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "(other)"


def _route_of(scope: Scope) -> str:
    """The template of the route that took a request (`/api/v1/documents/{document_id}`)."""
    if "app_root_path" in scope:  # the mounted web app took it, which has what is left
        return _NO_ROUTE if is_api(scope["path"]) else _WEB_APP
    # FastAPI keeps the template of an included route with its prefixes here and nowhere else.
    matched = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    template: str = getattr(matched, "path_format", _NO_ROUTE)
    return template


class BodyLimit:
    """Refuses bodies over the limit: by their declared length before reading, otherwise while reading."""

    def __init__(self, app: ASGIApp, json_bytes: int, upload_bytes: int) -> None:
        self.app = app
        self.json_bytes = json_bytes
        self.upload_bytes = upload_bytes + 2**20  # the other form fields and the boundaries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = self._limit(scope, headers.get("content-type", "").lower())
        size = f"{limit // 2**20} MB" if limit >= 2**20 else f"{limit // 2**10} KB"
        error = TooLarge(f"The body may have {size} at most.", max_bytes=limit)
        declared = headers.get("content-length", "0")
        if not declared.isdecimal():
            await _refuse(scope, receive, send, Invalid("`Content-Length` is not a number.", field="content-length"))
            return
        if int(declared) > limit:
            await _refuse(scope, receive, send, error)
            return
        received = 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise error  # whoever reads the body inside passes it on to the error handlers
            return message

        await self.app(scope, counted_receive, send)

    def _limit(self, scope: Scope, content_type: str) -> int:
        if content_type.startswith("multipart/") and _UPLOADS.fullmatch(scope["path"]):
            return self.upload_bytes
        if content_type.startswith("application/x-www-form-urlencoded"):
            return min(_FORM_BYTES, self.json_bytes)
        return self.json_bytes


class CrossSiteCheck:
    """Refuses a change that another site's page asks for: with the cookie of a signed-in person, or to sign them in
    as somebody else. Pages of `origins` may call the API, without a cookie."""

    def __init__(self, app: ASGIApp, origins: Collection[str], public_url: str) -> None:
        self.app = app
        self.origins = frozenset(origins)
        self.public = urlsplit(public_url).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS and self._is_foreign(scope):
            await _refuse(scope, receive, send, Forbidden(_FOREIGN))
            return
        await self.app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        # A page cannot send this header to another site unless CORS has allowed it.
        if "authorization" in headers or is_in_process(scope):
            return False
        has_session = any(f"{SESSION_COOKIE}=" in cookies for cookies in headers.getlist("cookie"))
        if not has_session and not is_api(scope["path"]):
            return False
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if not has_session and origin is not None and not self.origins.isdisjoint((origin, "*")):
            return False
        if site is not None:
            return site not in ("same-origin", "none")
        if origin is not None:
            return urlsplit(origin).netloc not in (headers.get("host"), self.public)
        # Browsers say where a change comes from. What says nothing has no business with a browser's cookie.
        return has_session


class SecurityHeaders:
    """Adds the headers that keep a browser from running, framing, keeping or sending in the clear what it should not;
    `https`: people come over TLS, though a proxy may not."""

    def __init__(self, app: ASGIApp, https: bool) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", _POLICY)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("X-Frame-Options", "DENY")
                headers.setdefault("Referrer-Policy", "same-origin")
                headers.setdefault("Permissions-Policy", _PERMISSIONS)
                headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                if is_api(scope["path"]):
                    headers.setdefault("Cache-Control", "no-store")
                if self.https or scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", _STRICT_TRANSPORT)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


async def _refuse(scope: Scope, receive: Receive, send: Send, error: NexusError) -> None:
    error.headers["Connection"] = "close"
    await problem_response(Request(scope), error)(scope, receive, send)
