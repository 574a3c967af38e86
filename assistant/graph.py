"""The LangChain agent: a model, the search tool, and limits. Importing this imports LangChain; do it late."""

from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    ModelCallLimitMiddleware,
    ModelRequest,
    ToolCallLimitMiddleware,
    dynamic_prompt,
)
from langgraph.graph.state import CompiledStateGraph

from assistant.context import AssistantContext
from assistant.models import choose_model
from assistant.tools import tools
from core_api.infra.settings import Settings
from core_api.models import utcnow
from prompts.loader import load_prompt
from retrieval.engine import RetrievalEngine

# One answer: so many calls of the model, of which so many may search. A model that goes round in circles is stopped.
MOST_MODEL_CALLS = 6
MOST_SEARCHES = 4


@dynamic_prompt
def system_prompt(request: ModelRequest[AssistantContext]) -> str:
    """The standing instructions, with who asks and what day it is."""
    context: AssistantContext = request.runtime.context
    name = " ".join(context.subject.name.split())
    return load_prompt("assistant").render(today=utcnow().date().isoformat(), asker=name)


def build_graph(settings: Settings, engine: RetrievalEngine) -> CompiledStateGraph[Any, AssistantContext, Any, Any]:
    """The agent as a runnable graph; it keeps nothing between runs and can be used by many threads."""
    middleware: list[AgentMiddleware[Any, AssistantContext, Any]] = [
        system_prompt,
        ToolCallLimitMiddleware(run_limit=MOST_SEARCHES),
        ModelCallLimitMiddleware(run_limit=MOST_MODEL_CALLS),
    ]
    return create_agent(
        choose_model(settings, engine),
        tools=tools(),
        middleware=middleware,
        context_schema=AssistantContext,
    )
