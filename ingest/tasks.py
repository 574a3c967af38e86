"""The Celery tasks. The same code runs in place (embedded) and in workers (server mode)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from structlog.contextvars import bound_contextvars

from core_api.infra import tracing
from core_api.infra.settings import Settings
from ingest.sources import SourceKey

if TYPE_CHECKING:
    from celery import Celery, Task  # type: ignore[import-untyped]

logger = logging.getLogger(__name__)

INDEX = "ingest.index_sources"
MAINTAIN = "ingest.maintain"
_TRACEPARENT = "traceparent"


class Queue(StrEnum):
    """Where tasks wait, most urgent first: a worker looks into them in this order."""

    INTERACTIVE = "interactive"
    BULK = "bulk"
    MAINTENANCE = "maintenance"


def create_celery(
    settings: Settings, index: Callable[[Sequence[SourceKey]], None], maintain: Callable[[], None] | None = None
) -> Celery:
    """A Celery application with the tasks `ingest.index_sources` and `ingest.maintain`.

    `index` and `maintain` do them, in the process that runs the task. With `redis_url` set the application
    sends over Redis; without it there is no broker, and tasks are run in place with `apply`.
    """
    from celery import Celery
    from kombu.transport import TRANSPORT_ALIASES

    # The scheme of the URL is what chooses the transport, whatever `broker_transport` says.
    TRANSPORT_ALIASES.update(redis="ingest.broker:Transport", rediss="ingest.broker:Transport")
    app = Celery("nexus", set_as_current=False)
    app.conf.update(
        broker_url=settings.redis_url or "memory://",
        task_ignore_result=True,
        task_acks_late=True,  # a worker that dies has not done its task
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,  # a broker that is away comes back
        broker_transport_options={
            "queue_order_strategy": "priority",
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
        },
        task_publish_retry=False,  # the relay keeps what it cannot send, and tries again
        task_default_queue=Queue.BULK.value,
        worker_send_task_events=False,
        task_serializer="json",
        accept_content=["json"],
        worker_hijack_root_logger=False,
    )

    @app.task(name=INDEX, shared=False, bind=True)  # type: ignore[untyped-decorator]
    def index_sources(task: Task, keys: Sequence[Sequence[str]]) -> None:
        # What is logged of it carries the task's id; its span is below that of whoever sent it.
        origin = (task.request.headers or {}).get(_TRACEPARENT)
        origins = [origin] if origin else []
        with (
            bound_contextvars(task_id=task.request.id),
            tracing.span(INDEX, kind="consumer", origins=origins, attributes={"nexus.sources": len(keys)}),
        ):
            index([SourceKey(kind, source_id) for kind, source_id in keys])

    @app.task(name=MAINTAIN, shared=False)  # type: ignore[untyped-decorator]
    def maintain_index() -> None:
        if maintain is not None:
            maintain()

    return app


def trace_headers() -> dict[str, str]:
    """Headers that take the current span along with a task that is sent."""
    current = tracing.traceparent()
    return {_TRACEPARENT: current} if current is not None else {}
