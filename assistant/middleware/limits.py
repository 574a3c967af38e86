"""Holds a run to the limits of its options: calls of the model and of tools, tokens, cost. (Time: Cancellation.)

A model that may call no more tools is told so, and can still answer from what it has found. Every other limit ends the
run with LimitReached; whoever runs the agent then gives an answer by other means, and says which limit it was.
"""

from collections.abc import Sequence

from langchain.tools.tool_node import ToolCallRequest
from langchain_core.messages import BaseMessage

from assistant.middleware.base import (
    CallModel,
    CallTool,
    Middleware,
    Request,
    Response,
    ToolReply,
    context_of,
    tool_error,
)
from assistant.models.run import LimitReached
from assistant.models.tokens import estimate_tokens

_NO_MORE_TOOLS = "No more calls of tools are allowed in this answer. Answer from what you have found."


class Limits(Middleware):
    """Looks before each call whether it may still be made."""

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        context = context_of(request)
        options, spent = context.options, context.run.spent
        if spent.model_calls >= options.most_model_calls:
            raise LimitReached("most_model_calls")
        if options.most_cost is not None and spent.model_calls and spent.cost >= options.most_cost:
            raise LimitReached("most_cost")
        # Before the first call nothing is spent, and one question always gets one call.
        used = spent.input_tokens + spent.output_tokens
        if used and used + _size(request.messages) > options.most_tokens:
            raise LimitReached("most_tokens")
        return handler(request)

    def wrap_tool_call(self, request: ToolCallRequest, handler: CallTool) -> ToolReply:
        context = context_of(request)
        if not context.run.take_tool_call(context.options):
            return tool_error(request, _NO_MORE_TOOLS)
        return handler(request)


def _size(messages: Sequence[BaseMessage]) -> int:
    return sum(estimate_tokens(message.text) for message in messages)
