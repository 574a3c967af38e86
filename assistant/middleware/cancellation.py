"""Ends the run when the asker has gone: before a call of the model or of a tool, and after a tool.

Within a call the model's Watch looks (assistant.models.endpoint_model), and a tool that takes long asks
`context.check()`.
"""

from langchain.tools.tool_node import ToolCallRequest

from assistant.middleware.base import CallModel, CallTool, Middleware, Request, Response, ToolReply, context_of


class Cancellation(Middleware):
    """Raises Cancelled once the run's `stop` is set, LimitReached once its time is up."""

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        context_of(request).check()
        return handler(request)

    def wrap_tool_call(self, request: ToolCallRequest, handler: CallTool) -> ToolReply:
        context = context_of(request)
        context.check()
        reply = handler(request)
        context.check()
        return reply
