"""Structured logs: one line an event, with the request's id; no content and no secrets in them."""

import logging
import sys
import warnings
from typing import TextIO

import structlog

from core_api.infra import error_reports
from core_api.infra.settings import Settings


def configure_logging(settings: Settings) -> None:
    """Set up structlog for the process, and send the standard library's records the same way; unexpected errors to
    Sentry besides, where a DSN is set."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.log_format == "json":
        render: list[structlog.types.Processor] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    else:
        # Plain: the default prints the values of variables as well, which are content and secrets.
        render = [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Through the standard library, which bears a stream that is closed or full.
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    handlers: list[logging.Handler] = [handler]
    if (reporter := error_reports.start(settings)) is not None:
        handlers.append(reporter)
    # Libraries speak up when something is wrong; our own packages, and the worker's, at the level that was asked for.
    logging.basicConfig(handlers=handlers, level=max(level, logging.WARNING), force=True)
    warnings.showwarning = _log_warning
    for package in ("nexus", "ui_gradio", "evals", "assistant", "ingest", "retrieval", "core_api", "celery"):
        logging.getLogger(package).setLevel(level)


def _log_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning of Python's as a line of the log, and not of standard error as it comes. Its words stay out: Pydantic's
    quote the values that they are about."""
    structlog.get_logger("core_api").warning("python_warning", category=category.__name__, place=f"{filename}:{lineno}")
