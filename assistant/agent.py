"""Runs the agent for one question, and tells what happens as it happens."""

import importlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistant.context import AssistantContext
from assistant.models import endpoint_errors, model_name, uses_llm
from assistant.types import Selection
from core_api.infra.settings import Settings
from retrieval.engine import RetrievalEngine

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

# Turns of the conversation that the model sees.
MOST_TURNS = 12
_RECURSION_LIMIT = 40


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said before: `role` is `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Searching:
    """The agent looks for `query`."""

    query: str


@dataclass(frozen=True, slots=True)
class Searched:
    """The agent has found so many passages."""

    query: str
    passages: int


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text that the model wrote."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The model's last message; `selection` is what an extractive answer was made of, None for a generated one."""

    text: str
    selection: Selection | None


AgentEvent = Searching | Searched | Token | Finished


class Cancelled(Exception):
    """The asker has gone; the run was stopped."""


class Agent:
    """The agent of one server. Thread-safe; the graph is built on first use (`prepare`)."""

    def __init__(self, settings: Settings, engine: RetrievalEngine) -> None:
        self.settings = settings
        self.engine = engine
        self.model_name = model_name(settings)
        self._graph: Any = None
        self._lock = threading.Lock()

    def prepare(self) -> Any:
        """Build the graph; a second or two the first time in a process, for the imports."""
        with self._lock:
            if self._graph is None:
                from assistant.graph import build_graph

                self._graph = build_graph(self.settings, self.engine)
            return self._graph

    def run(self, context: AssistantContext, turns: Sequence[Turn], stop: threading.Event) -> Iterator[AgentEvent]:
        """Answer the last of `turns`. Ends with `Finished`.

        Raises ModelUnavailable when the language model's endpoint fails, Cancelled soon after `stop` is set, and what
        the search raises.
        """
        from langsmith import tracing_context

        graph = self.prepare()
        config = {"callbacks": [_stopper(stop)], "recursion_limit": _RECURSION_LIMIT}
        # Nothing that is asked or found here may be sent to a tracing service, whatever the environment says.
        with tracing_context(enabled=False), endpoint_errors(self.settings):
            stream = graph.stream(
                {"messages": _messages(turns)}, config, context=context, stream_mode=["messages", "updates"]
            )
            last: BaseMessage | None = None
            queries: dict[str, str] = {}
            for mode, data in stream:
                if stop.is_set():
                    raise Cancelled
                if mode == "messages":
                    message, metadata = data
                    if metadata.get("langgraph_node") == "model" and message.type == "AIMessageChunk" and message.text:
                        yield Token(message.text)
                    continue
                for update in data.values():
                    for message in (update or {}).get("messages", ()):
                        if message.type == "ai":
                            last = message
                        yield from _steps(message, queries)
        assert last is not None
        yield Finished(last.text, _selection(last))


def warm_up(settings: Settings | None = None) -> None:
    """Import what the first answer needs, so that it need not wait; some seconds, on a thread of the caller's."""
    importlib.import_module("assistant.graph")
    if settings is not None and uses_llm(settings):
        importlib.import_module("langchain_openai")


def _steps(message: Any, queries: dict[str, str]) -> Iterator[AgentEvent]:
    if message.type == "ai":
        for call in message.tool_calls:
            queries[call["id"]] = str(call["args"].get("query", ""))
            yield Searching(queries[call["id"]])
    elif message.type == "tool":
        found = message.artifact if isinstance(message.artifact, list) else []
        yield Searched(queries.get(message.tool_call_id, ""), len(found))


def _messages(turns: Sequence[Turn]) -> "list[BaseMessage]":
    from langchain_core.messages import AIMessage, HumanMessage

    recent = list(turns[-MOST_TURNS:])
    return [
        HumanMessage(content=turn.content) if turn.role == "user" else AIMessage(content=turn.content)
        for turn in recent
    ]


def _selection(message: Any) -> Selection | None:
    selection = message.response_metadata.get("selection")
    return selection if isinstance(selection, Selection) else None


def _stopper(stop: threading.Event) -> Any:
    """A callback that ends the model's stream, and with it the connection to its endpoint, once `stop` is set."""
    from langchain_core.callbacks import BaseCallbackHandler

    class Stopper(BaseCallbackHandler):
        raise_error = True
        run_inline = True

        def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
            if stop.is_set():
                raise Cancelled

    return Stopper()
