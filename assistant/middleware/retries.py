"""Tries a call of the model again when its endpoint fails for a moment, as long as nobody has seen a word of it."""

import random
import time

import structlog

from assistant.middleware.base import CallModel, Middleware, Request, Response, context_of
from assistant.models.choosing import ModelUnavailable

log = structlog.get_logger()

# Waits double from the first, and vary by half, so that many askers do not come back at once.
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 20.0


class Retries(Middleware):
    """Waits as long as the endpoint says (Retry-After), or with exponential backoff; a wait that would be too long is
    none. The wait ends when the run is stopped."""

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        context = context_of(request)
        tries = context.settings.llm_retries
        for attempt in range(tries + 1):
            try:
                return handler(request)
            except ModelUnavailable as error:
                wait = _FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311  no secret
                wait = min(wait, _LONGEST_WAIT_SECONDS) if error.retry_after is None else error.retry_after
                left = context.options.most_seconds - context.run.seconds
                # Written so that a wait that is not a number is too long as well.
                if not error.temporary or attempt == tries or not wait <= min(_LONGEST_WAIT_SECONDS, left):
                    raise
                log.info("model_call_again", after_seconds=round(wait, 1), error=error.detail)
                deadline = time.monotonic() + wait
                context.run.stop.wait(max(0.0, deadline - time.monotonic()))
                context.check()
        raise AssertionError("the last try returns or raises")
