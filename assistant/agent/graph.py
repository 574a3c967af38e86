"""The LangChain agent: a model, tools, and the middleware around them. Importing this imports LangChain; do it late.

The middleware, from the outside in. Each is a file of assistant/middleware, and all of it wraps calls of the model or
of a tool, so that it adds no step to the graph:

1. Cancellation  nothing begins after the asker has gone or the time is up
2. Limits        calls of model and tools, tokens, cost: before anything is spent
3. ToolErrors    inside Limits: a refused call counts as one
4. Reading       only tools that read, where nothing may be proposed
   and for a model of an endpoint:
5. SystemPrompt  before Compaction, which counts it
6. Compaction    what the model sees is bounded; before Masking, which need not look at what is left out
7. Masking       after everything that adds words to the request
8. Retries       around Breaking and Accounting: every try counts, and is paid for
9. Breaking      no try of an endpoint that has failed too often
10. Accounting   each call that is really made
11. Watching     innermost: the time-outs of one call
"""

from typing import Any

from langchain.agents import create_agent
from langgraph.graph.state import CompiledStateGraph

from assistant.context import AssistantContext
from assistant.middleware.accounting import Accounting, Counting
from assistant.middleware.base import Middleware
from assistant.middleware.breaking import Breaking
from assistant.middleware.cancellation import Cancellation
from assistant.middleware.compaction import Compaction
from assistant.middleware.limits import Limits
from assistant.middleware.masking import Masking
from assistant.middleware.reading import Reading
from assistant.middleware.retries import Retries
from assistant.middleware.system_prompt import SystemPrompt
from assistant.middleware.tool_errors import ToolErrors
from assistant.models.breaker import Breaker
from assistant.models.choosing import EXTRACTIVE
from assistant.tools import tools
from core_api.infra.settings import Settings
from retrieval.engine import RetrievalEngine


def build_graph(
    settings: Settings, engine: RetrievalEngine, model: str
) -> CompiledStateGraph[Any, AssistantContext, Any, Any]:
    """The agent with the model of that name, as a runnable graph. It can be used by many threads, and keeps nothing
    between runs but whether the endpoint works."""
    chat_model: Any
    middleware: list[Middleware] = [Cancellation(), Limits(), ToolErrors(), Reading()]
    if model == EXTRACTIVE:
        from assistant.agent.extractive import ExtractiveChatModel

        chat_model = ExtractiveChatModel(engine=engine)
        middleware.append(Counting())
    else:
        from assistant.middleware.watching import Watching
        from assistant.models.endpoint_model import endpoint_model

        chat_model = endpoint_model(settings, model)
        breaker = Breaker(model, settings.llm_breaker_failures, settings.llm_breaker_seconds)
        middleware += [SystemPrompt(), Compaction(), Masking(), Retries(), Breaking(breaker)]
        middleware += [Accounting(model), Watching()]
    return create_agent(chat_model, tools=tools(), middleware=middleware, context_schema=AssistantContext)
