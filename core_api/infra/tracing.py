"""Traces over OpenTelemetry, where an OTLP endpoint is set. Without one nothing is imported, and a span costs nothing.

The provider is ours and not the global one: FastAPI and Gradio would send their own spans through that, with the
queries of addresses in them. A span's attributes are ids, counts and names of steps, never content.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Literal

from core_api.infra.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, SpanContext, Tracer

Attribute = str | int | float | bool
Kind = Literal["internal", "server", "client", "producer", "consumer"]

_EXPORT_SECONDS = 5
_NOTHING: AbstractContextManager[None] = nullcontext()
_provider: TracerProvider | None = None
_tracer: Tracer | None = None


def start(settings: Settings, part: str) -> None:
    """Send spans to the endpoint of the settings, if there is one; `part` of the product is what this process does."""
    global _provider, _tracer
    if settings.otlp_endpoint is None or _provider is not None:
        return
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    _provider = TracerProvider(
        resource=Resource.create({"service.name": f"nexus-{part}", "service.namespace": "nexus-stream"}),
        sampler=ParentBased(TraceIdRatioBased(settings.otlp_sample_share)),
        shutdown_on_exit=False,
    )
    # Plain HTTP/2 to an `http://` endpoint, TLS to an `https://` one.
    exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint, timeout=_EXPORT_SECONDS)
    _provider.add_span_processor(BatchSpanProcessor(exporter, export_timeout_millis=_EXPORT_SECONDS * 1000))
    _tracer = _provider.get_tracer("nexus")
    atexit.register(stop)


def stop() -> None:
    """Send what waits, and no more after it."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider is not None:
        atexit.unregister(stop)
        provider.shutdown()


def is_on() -> bool:
    """Whether spans are sent."""
    return _tracer is not None


def span(
    name: str,
    *,
    kind: Kind = "internal",
    origins: Sequence[str] = (),
    attributes: dict[str, Attribute] | None = None,
) -> AbstractContextManager[Span | None]:
    """A span around a block, below the current one; None where traces are off.

    `origins` are the `traceparent`s of what caused it elsewhere: one is its parent; of several it is the common work,
    in a trace of its own that is linked to theirs.
    """
    if _tracer is None:
        return _NOTHING
    return _open(_tracer, name, kind, origins, attributes)


def mark_failed(span: Span) -> None:
    """What a span is about has failed, though no error passed through it."""
    from opentelemetry.trace import StatusCode

    span.set_status(StatusCode.ERROR)


def traceparent() -> str | None:
    """The current span, in the form that another process can take up (W3C Trace Context); None where there is none."""
    if _tracer is None:
        return None
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@contextmanager
def _open(
    tracer: Tracer, name: str, kind: Kind, origins: Sequence[str], attributes: dict[str, Attribute] | None
) -> Iterator[Span]:
    from opentelemetry import trace

    causes = [cause for cause in map(_context_of, origins) if cause is not None]
    context = None  # the current one
    if len(causes) == 1:
        context = trace.set_span_in_context(trace.NonRecordingSpan(causes[0]))
    with tracer.start_as_current_span(
        name,
        context=context,
        kind=trace.SpanKind[kind.upper()],
        attributes=attributes,
        links=[trace.Link(cause) for cause in causes] if len(causes) > 1 else None,
        # An error's words may be content; its kind is not.
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield opened
        except Exception as error:
            opened.set_attribute("error.type", type(error).__name__)
            mark_failed(opened)
            raise


def _context_of(traceparent: str) -> SpanContext | None:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
    context = trace.get_current_span(found).get_span_context()
    return context if context.is_valid else None
