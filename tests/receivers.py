"""Where traces and error reports go, on this machine: an OTLP collector and a Sentry, which keep what they are sent."""

import gzip
import importlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from tests.services import http_server


@dataclass(frozen=True)
class Received:
    """A span as it was sent."""

    name: str
    service: str
    trace: str
    id: str
    parent: str
    kind: int
    links: tuple[str, ...]
    attributes: dict[str, Any]
    failed: bool


@dataclass
class Collector:
    """The running collector: its address and what it got; `raw` is all of it in text."""

    url: str = ""
    spans: list[Received] = field(default_factory=list)
    raw: str = ""

    def named(self, name: str, request_id: str | None = None) -> Received:
        """The first span of that name (of that request); waits for it."""

        def find() -> Received | None:
            for span in list(self.spans):
                if span.name == name and request_id in (None, span.attributes.get("nexus.request_id")):
                    return span
            return None

        found = until(find)
        assert found is not None, (name, sorted({span.name for span in self.spans}))
        return found

    def below(self, parent: Received) -> set[str]:
        """The names of all spans under one."""
        children = [span for span in self.spans if span.parent == parent.id]
        return {child.name for child in children}.union(*(self.below(child) for child in children))


def until(look: Callable[[], Any], seconds: float = 30) -> Any:
    """What `look` gives as soon as it is true; what it gave last when it does not become so."""
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@contextmanager
def otlp_collector() -> Iterator[Collector]:
    """An OTLP collector that speaks gRPC."""
    collector = Collector()

    class Service(trace_service_pb2_grpc.TraceServiceServicer):  # type: ignore[misc]
        def Export(self, request: Any, context: Any) -> Any:
            for resource in request.resource_spans:
                service = _values(resource.resource.attributes)["service.name"]
                for scope in resource.scope_spans:
                    collector.spans += [_received(service, span) for span in scope.spans]
            collector.raw += str(request)
            return trace_service_pb2.ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Service(), server)  # type: ignore[no-untyped-call]
    collector.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()


def _received(service: str, span: Any) -> Received:
    return Received(
        span.name,
        service,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.kind,
        tuple(link.span_id.hex() for link in span.links),
        _values(span.attributes),
        span.status.code == 2,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@dataclass
class Sentry:
    """The running Sentry: its DSN, the events that it got, and all bodies in text."""

    dsn: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    raw: str = ""


# Its library packs with Brotli where that is installed.
_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": lambda body: importlib.import_module("brotli").decompress(body),
}


@contextmanager
def sentry_server() -> Iterator[Sentry]:
    """Takes envelopes (https://develop.sentry.dev/sdk/data-model/envelopes/)."""
    sentry = Sentry()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if (encoding := self.headers.get("Content-Encoding")) is not None:
                body = _UNPACK[encoding](body)
            sentry.raw += body.decode()
            lines = body.splitlines()
            for head, payload in zip(lines[1::2], lines[2::2], strict=True):
                if json.loads(head)["type"] == "event":
                    sentry.events.append(json.loads(payload))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    with http_server(Handler) as url:
        sentry.dsn = url.replace("http://", "http://public@") + "/1"
        yield sentry
