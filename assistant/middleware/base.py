"""The types of our middleware: what a run needs is in its context. Nothing is kept between runs but how
an endpoint did (Breaking)."""

from collections.abc import Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain.tools.tool_node import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from assistant.context import AssistantContext

Middleware = AgentMiddleware[AgentState[Any], AssistantContext, Any]
Request = ModelRequest[AssistantContext]
Response = ModelResponse[Any]
CallModel = Callable[[Request], Response]
ToolReply = ToolMessage | Command[Any]
CallTool = Callable[[ToolCallRequest], ToolReply]


def context_of(request: Request | ToolCallRequest) -> AssistantContext:
    """The context of the run that a request is part of."""
    context: AssistantContext | None = request.runtime.context
    assert context is not None
    return context


def tool_error(request: ToolCallRequest, words: str) -> ToolMessage:
    """A reply that tells the model why its call of a tool was not done."""
    call = request.tool_call
    return ToolMessage(content=words, name=call["name"], tool_call_id=call["id"], status="error")
