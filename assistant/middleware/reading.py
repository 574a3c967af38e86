"""Takes the tools that propose something from a run in which nothing may be written, or nobody could confirm it."""

from langchain.tools.tool_node import ToolCallRequest
from langchain_core.tools import BaseTool

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
from assistant.tools import PROPOSING

_READING_ONLY = "Nothing can be saved, changed or set here. Answer from what you find."


class Reading(Middleware):
    """The model is not told of such tools, and a call that it makes all the same is not done."""

    def wrap_model_call(self, request: Request, handler: CallModel) -> Response:
        if context_of(request).may_propose:
            return handler(request)
        kept = [tool for tool in request.tools if not (isinstance(tool, BaseTool) and tool.name in PROPOSING)]
        return handler(request.override(tools=kept))

    def wrap_tool_call(self, request: ToolCallRequest, handler: CallTool) -> ToolReply:
        if request.tool_call["name"] in PROPOSING and not context_of(request).may_propose:
            return tool_error(request, _READING_ONLY)
        return handler(request)
