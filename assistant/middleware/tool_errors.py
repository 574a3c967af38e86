"""Tells the model what it did wrong with a tool: an id that the asker cannot read is one that does not exist."""

from langchain.tools.tool_node import ToolCallRequest

from assistant.middleware.base import CallTool, Middleware, ToolReply, tool_error
from core_api.infra.errors import NexusError


class ToolErrors(Middleware):
    """A refusal (4xx) becomes the tool's reply. What is wrong with the server goes on as an error."""

    def wrap_tool_call(self, request: ToolCallRequest, handler: CallTool) -> ToolReply:
        try:
            return handler(request)
        except NexusError as error:
            if error.status >= 500:
                raise
            return tool_error(request, f"Error: {error.detail}")
