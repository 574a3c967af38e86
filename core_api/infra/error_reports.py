"""Unexpected errors to Sentry, where a DSN is set: what an error is and where it came up, not what it was about.

An error's own words stay here, since they may quote a document, a query or a secret: the log has them, under the
request id or task id that the report carries.
"""

from __future__ import annotations

import atexit
import logging
import sys
from typing import TYPE_CHECKING

import structlog

from core_api.infra.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

_FLUSH_SECONDS = 2.0
_IDS = ("request_id", "task_id")
# What the library may add that tells of content or people.
_LEFT_OUT = ("breadcrumbs", "extra", "logentry", "request", "server_name", "user")


def start(settings: Settings) -> logging.Handler | None:
    """Begin to report; gives the handler that takes errors out of the log, None where no DSN is set."""
    if settings.sentry_dsn is None:
        return None
    import sentry_sdk
    from sentry_sdk.integrations.dedupe import DedupeIntegration

    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        # Integrations collect requests, queries and log lines by themselves. All that is reported is what the handler
        # takes; an error that several logs tell of is reported once.
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[DedupeIntegration()],
        include_local_variables=False,
        send_default_pii=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=None,
        spotlight=False,
        before_send=_without_content,
    )
    atexit.register(sentry_sdk.flush, _FLUSH_SECONDS)
    return _Reporter(logging.ERROR)


class _Reporter(logging.Handler):
    """Reports the exceptions of error lines."""

    def emit(self, record: logging.LogRecord) -> None:
        import sentry_sdk

        error = _exception_of(record)
        if error is None:
            return
        with sentry_sdk.new_scope() as scope:
            known = structlog.contextvars.get_contextvars()
            for name in _IDS:
                if name in known:
                    scope.set_tag(name, str(known[name]))
            scope.set_tag("logger", record.name)
            scope.capture_exception(error)


def _exception_of(record: logging.LogRecord) -> BaseException | None:
    """The exception of a line of the standard library, or of structlog, whose lines are dictionaries on their way."""
    told = record.msg.get("exc_info") if isinstance(record.msg, dict) else record.exc_info
    if told is True:
        told = sys.exc_info()
    if isinstance(told, tuple):
        told = told[1]
    return told if isinstance(told, BaseException) else None


def _without_content(event: Event, _hint: Hint) -> Event:
    for name in _LEFT_OUT:
        event.pop(name, None)  # type: ignore[misc]
    for error in event.get("exception", {}).get("values", []):
        error.pop("value", None)
        for frame in (error.get("stacktrace") or {}).get("frames", []):
            frame.pop("vars", None)
    return event
