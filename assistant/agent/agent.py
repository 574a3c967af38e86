"""Runs the agent for one question, and tells what happens as it happens."""

import importlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistant.context import AssistantContext
from assistant.models.choosing import EXTRACTIVE, model_name, uses_llm
from assistant.models.masking import Unmasking
from assistant.models.run import Cancelled as Cancelled
from assistant.types import Selection
from assistant.types import Turn as Turn
from core_api.infra.settings import Settings
from retrieval.engine import RetrievalEngine

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

# Turns of the conversation that the extractive model looks at. For a language model, middleware bounds them in tokens.
MOST_TURNS = 12
# More than any limit of the options allows: a call of the model and of its tools are two steps of the graph.
_RECURSION_LIMIT = 250


@dataclass(frozen=True, slots=True)
class Searching:
    """The agent calls a tool; `query` is what the search looks for, or what else the tool is asked about."""

    query: str
    tool: str = "search"


@dataclass(frozen=True, slots=True)
class Searched:
    """The tool has answered; the search with so many passages."""

    query: str
    passages: int
    tool: str = "search"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text that the model wrote; the first of an extractive answer with what the answer is made of."""

    text: str
    selection: Selection | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The model's last message; `selection` is what an extractive answer was made of, None for a generated one."""

    text: str
    selection: Selection | None


AgentEvent = Searching | Searched | Token | Finished


class Agent:
    """The agent of one server. Thread-safe; the graph of a model is built on first use (`prepare`)."""

    def __init__(self, settings: Settings, engine: RetrievalEngine) -> None:
        self.settings = settings
        self.engine = engine
        self.model_name = model_name(settings)
        """The model that answers unless an admin chose otherwise."""
        self._graphs: dict[str, Any] = {}
        self._lock = threading.Lock()

    def prepare(self, model: str | None = None) -> Any:
        """Build the graph of a model; a second or two the first time in a process, for the imports."""
        name = model or self.model_name
        with self._lock:
            if name not in self._graphs:
                from assistant.agent.graph import build_graph

                self._graphs[name] = build_graph(self.settings, self.engine, name)
            return self._graphs[name]

    def run(self, context: AssistantContext, turns: Sequence[Turn], model: str | None = None) -> Iterator[AgentEvent]:
        """Answer the last of `turns` by a model, default: the one of the context's options. Ends with `Finished`.

        Raises ModelUnavailable when the language model's endpoint fails, LimitReached, Cancelled soon after the run's
        `stop` is set, and what the tools raise.
        """
        from langsmith import tracing_context

        name = model or model_name(self.settings, context.options)
        graph = self.prepare(name)
        masking = name != EXTRACTIVE and context.options.masking
        recent = turns[-MOST_TURNS:] if name == EXTRACTIVE else turns
        # Nothing that is asked or found here may be sent to a tracing service, whatever the environment says.
        with tracing_context(enabled=False):
            stream = graph.stream(
                {"messages": _messages(recent)},
                {"recursion_limit": _RECURSION_LIMIT},
                context=context,
                stream_mode=["messages", "updates"],
            )
            last: BaseMessage | None = None
            unmasking = Unmasking(context.run.masker)
            queries: dict[str, str] = {}
            for mode, data in stream:
                if context.run.stop.is_set():
                    raise Cancelled
                if mode == "messages":
                    message, metadata = data
                    if metadata.get("langgraph_node") == "model" and message.type == "AIMessageChunk" and message.text:
                        # Without masking there are no placeholders to put values in.
                        text = unmasking.feed(message.text) if masking else message.text
                        if text:
                            yield Token(text, _selection(message))
                    continue
                for update in data.values():
                    for message in (update or {}).get("messages", ()):
                        if message.type == "ai":
                            last = message
                            if rest := unmasking.finish():
                                yield Token(rest)
                        yield from _steps(message, queries)
        assert last is not None
        yield Finished(last.text, _selection(last))


def warm_up(settings: Settings | None = None) -> None:
    """Import what the first answer needs, so that it need not wait; some seconds, on a thread of the caller's."""
    importlib.import_module("assistant.agent.graph")
    importlib.import_module("assistant.agent.extractive")
    if settings is not None and uses_llm(settings):
        importlib.import_module("assistant.models.endpoint_model")


def _steps(message: Any, queries: dict[str, str]) -> Iterator[AgentEvent]:
    if message.type == "ai":
        for call in message.tool_calls:
            asked = [str(value) for name, value in call["args"].items() if name != "kind" and value]
            queries[call["id"]] = ", ".join(asked)
            yield Searching(queries[call["id"]], call["name"])
    elif message.type == "tool":
        found = message.artifact if isinstance(message.artifact, list) else []
        yield Searched(queries.get(message.tool_call_id, ""), len(found), message.name or "search")


def _messages(turns: Sequence[Turn]) -> "list[BaseMessage]":
    from langchain_core.messages import AIMessage, HumanMessage

    return [
        HumanMessage(content=turn.content) if turn.role == "user" else AIMessage(content=turn.content) for turn in turns
    ]


def _selection(message: Any) -> Selection | None:
    selection = message.response_metadata.get("selection")
    return selection if isinstance(selection, Selection) else None
