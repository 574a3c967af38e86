"""Counts each call of the model: its tokens as the endpoint says, or about, and what they cost."""

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage

from assistant.middleware.base import CallModel, Middleware, Request, Response, context_of
from assistant.models.choosing import price
from assistant.models.run import Spent
from assistant.models.tokens import estimate_tokens


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
            response = handler(request)
            written = [message for message in response.result if isinstance(message, AIMessage)]
            output_tokens = sum(map(_size, written))
            if (usage := written[0].usage_metadata if written else None) is not None:
                input_tokens, output_tokens = usage["input_tokens"], usage["output_tokens"]
            return response
        finally:
            cost = price(context.settings, self._model, input_tokens, output_tokens)
            context.run.add(Spent(input_tokens, output_tokens, model_calls=1, cost=cost))


class Counting(Middleware):
    """For the extractive model, which reads no tokens and costs nothing: its calls only."""

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        context_of(request).run.add(Spent(model_calls=1))
        return handler(request)


def _size(message: BaseMessage) -> int:
    calls: list[Any] = message.tool_calls if isinstance(message, AIMessage) else []
    return estimate_tokens(message.text) + sum(estimate_tokens(str(call["args"])) for call in calls)
