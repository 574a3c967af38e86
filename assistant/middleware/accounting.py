"""Counts each call of the model: its tokens as the endpoint says, or about, and what they cost."""

import time
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from assistant.middleware.base import CallModel, Middleware, Request, Response, context_of
from assistant.models.choosing import EXTRACTIVE, ModelUnavailable, price
from assistant.models.run import Cancelled, LimitReached, Spent
from assistant.models.tokens import estimate_tokens
from core_api.infra import tracing
from core_api.infra.metrics import MODEL_CALLS, MODEL_SECONDS, MODEL_TOKENS


class Accounting(Middleware):
    """For a model of an endpoint. A call that fails counts too: what it was sent has been read."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self._model = model

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        context = context_of(request)
        sent = [*([request.system_message] if request.system_message else []), *request.messages]
        input_tokens, output_tokens = sum(map(_size, sent)), 0
        try:
            response = _measured(self._model, request, handler)
            written = [message for message in response.result if isinstance(message, AIMessage)]
            output_tokens = sum(map(_size, written))
            if (usage := written[0].usage_metadata if written else None) is not None:
                input_tokens, output_tokens = usage["input_tokens"], usage["output_tokens"]
            return response
        finally:
            MODEL_TOKENS.labels(self._model, "input").inc(input_tokens)
            MODEL_TOKENS.labels(self._model, "output").inc(output_tokens)
            cost = price(context.settings, self._model, input_tokens, output_tokens)
            context.run.add(Spent(input_tokens, output_tokens, model_calls=1, cost=cost))


class Counting(Middleware):
    """For the extractive model, which reads no tokens and costs nothing: its calls only."""

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        context_of(request).run.add(Spent(model_calls=1))
        return _measured(EXTRACTIVE, request, handler)


def _measured(model: str, request: Request, handler: CallModel) -> Response:
    started, outcome = time.perf_counter(), "error"
    try:
        with tracing.span("model call", kind="client", attributes={"gen_ai.request.model": model}):
            response = handler(request)
        outcome = "ok"
        return response
    except ModelUnavailable as error:
        outcome = error.failure.value
        raise
    except LimitReached:
        outcome = "limit"
        raise
    except Cancelled:
        outcome = "cancelled"
        raise
    finally:
        MODEL_CALLS.labels(model, outcome).inc()
        MODEL_SECONDS.labels(model).observe(time.perf_counter() - started)


def _size(message: BaseMessage) -> int:
    calls: list[Any] = message.tool_calls if isinstance(message, AIMessage) else []
    return estimate_tokens(message.text) + sum(estimate_tokens(str(call["args"])) for call in calls)
