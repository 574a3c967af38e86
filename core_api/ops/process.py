"""Metrics and traces of a process that serves no HTTP otherwise: a worker, or beat."""

import socket
import threading
from collections.abc import Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from core_api.infra import tracing
from core_api.infra.errors import NexusError, Unavailable
from core_api.infra.settings import Settings
from core_api.ops.access import allow_metrics
from core_api.ops.state import DiskState, Everything


def observe(settings: Settings, part: str) -> None:
    """Begin to send traces and to serve metrics, as far as the settings say; `part` is `worker` or `beat`.

    Raises Unavailable when the port is taken.
    """
    tracing.start(settings, part)
    if settings.metrics_port is not None:
        serve_metrics(settings, settings.metrics_port)


def serve_metrics(settings: Settings, port: int) -> int:
    """Serve the metrics of this process on a thread until it ends, to whom `/metrics` would give them; gives the port
    (0 asks for any)."""
    app = make_wsgi_app(Everything([DiskState(settings)]))

    def guarded(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        try:
            allow_metrics(settings, environ.get("REMOTE_ADDR"), environ.get("HTTP_AUTHORIZATION", ""))
        except NexusError as error:
            start_response(f"{error.status} {error.title}", [("Content-Type", "text/plain"), *error.headers.items()])
            return [error.detail.encode()]
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    family = _Server6 if ":" in settings.metrics_host else ThreadingWSGIServer
    try:
        server = make_server(settings.metrics_host, port, guarded, family, _Quiet)
    except OSError as error:
        raise Unavailable(
            f"Metrics cannot be served on {settings.metrics_host}:{port}: {error.strerror}. "
            "Choose another NEXUS_METRICS_PORT for each process."
        ) from error
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return int(server.server_address[1])


class _Server6(ThreadingWSGIServer):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """A scrape is no news."""
