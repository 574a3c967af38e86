"""A chat model that needs no network and no key: it answers in the sources' own sentences.

It speaks LangChain's protocol like any other model. On a person's turn it calls the tool that the wording asks for
(assistant.agent.intents), mostly `search` with a question that stands by itself. Of what a search finds it picks the
sentences that answer (assistant.answers.selection) and puts them together with markers, or says that it found nothing;
what another tool gives it says as it is, and where that found nothing of the name, it searches for the words.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import structlog
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from assistant.agent.intents import intent_of
from assistant.answers.composition import answer_parts, not_found
from assistant.answers.questions import Question, in_conversation, understand
from assistant.answers.selection import select
from assistant.outcomes import Outcome
from assistant.types import Selection
from core_api.infra.errors import Unavailable
from core_api.models import new_id
from retrieval.engine import RetrievalEngine
from retrieval.types import Hit

log = structlog.get_logger()

MODEL_NAME = "extractive"
SEARCH_TOOL = "search"
# Where the answer's message carries the Selection that it was made of.
SELECTION_KEY = "selection"


class ExtractiveChatModel(BaseChatModel):
    """Answers with quotations. Needs the `search` tool bound, and what assistant.agent.intents may call besides."""

    engine: Any
    """The RetrievalEngine whose embedder and term statistics judge the sentences."""
    bound: frozenset[str] = frozenset({SEARCH_TOOL})
    """The names of the tools that it may call."""

    @property
    def _llm_type(self) -> str:
        return MODEL_NAME

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": MODEL_NAME}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[Any, AIMessage]:
        """The model with these tools: it knows those that it uses."""
        names = {tool.name for tool in tools if isinstance(tool, BaseTool)}
        if SEARCH_TOOL not in names:
            raise ValueError(f"the extractive model needs a tool named {SEARCH_TOOL!r}, got {sorted(names)}")
        return self.model_copy(update={"bound": frozenset(names)})

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        whole: AIMessageChunk | None = None
        for part in self._stream(messages, stop, None, **kwargs):
            assert isinstance(part.message, AIMessageChunk)
            whole = part.message if whole is None else whole + part.message
        assert whole is not None
        message = AIMessage(
            content=whole.content, tool_calls=whole.tool_calls, response_metadata=whole.response_metadata, id=whole.id
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self._respond(messages):
            yield ChatGenerationChunk(message=chunk)

    def _respond(self, messages: Sequence[BaseMessage]) -> Iterator[AIMessageChunk]:
        turns = [message.text for message in messages if isinstance(message, HumanMessage)]
        if not turns:
            raise ValueError("there is no question to answer")
        question = in_conversation(turns)
        results = _results_of_last_turn(messages)
        if not results:
            intent = intent_of(turns[-1])
            if intent is not None and intent.tool in self.bound:
                yield _call(intent.tool, intent.arguments)
            else:
                yield from _search_calls(question)
            return
        outcomes = [result.artifact for result in results if isinstance(result.artifact, Outcome)]
        said = next((outcome for outcome in reversed(outcomes) if outcome.found), None)
        if said is None and not any(_is_search(result) for result in results):
            yield from _search_calls(question)  # in doubt, it was a question
            return
        if said is not None:
            for part in said.parts:
                yield AIMessageChunk(content=part.text)
            yield AIMessageChunk(content="", response_metadata={"model_name": MODEL_NAME})
            return
        hits = [hit for result in results for hit in _hits(result)]
        if sum(isinstance(result.artifact, list) for result in results) < len(question.sides):
            question = replace(question, sides=())  # not searched for: a limit allowed fewer calls
        selection = self._select(question, hits)
        metadata = {"model_name": MODEL_NAME, SELECTION_KEY: selection}
        if selection.abstained:
            yield AIMessageChunk(
                content=not_found(understand(turns[-1]).language, nearest=bool(hits)), response_metadata=metadata
            )
            return
        for part in answer_parts(selection):
            yield AIMessageChunk(content=part.text, response_metadata=metadata)
            metadata = {}

    def _select(self, question: Question, hits: Sequence[Hit]) -> Selection:
        engine: RetrievalEngine = self.engine
        try:
            embedder = engine.embedder
        except Unavailable as error:  # search goes on by keywords then, and so does this
            log.warning("answer_without_embedding", error=str(error))
            embedder = None
        return select(question, hits, embedder=embedder, weights=engine.keywords.rarity)


def _search_calls(question: Question) -> Iterator[AIMessageChunk]:
    """Of a comparison one for each side: together, what there is more of would hide the other."""
    for index, query in enumerate(question.sides or (question.text,)):
        yield _call(SEARCH_TOOL, {"query": query}, index)


def _call(tool: str, arguments: dict[str, str], index: int = 0) -> AIMessageChunk:
    words = json.dumps(arguments, ensure_ascii=False)
    call = tool_call_chunk(name=tool, args=words, id=f"call_{new_id()}", index=index)
    return AIMessageChunk(content="", tool_call_chunks=[call], response_metadata={"model_name": MODEL_NAME})


def _is_search(result: ToolMessage) -> bool:
    """Whether it is the result of a search: its passages, or that the search failed."""
    return isinstance(result.artifact, list) or result.name == SEARCH_TOOL


def _results_of_last_turn(messages: Sequence[BaseMessage]) -> list[ToolMessage]:
    results: list[ToolMessage] = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        if isinstance(message, ToolMessage):
            results.append(message)
    return results[::-1]


def _hits(result: ToolMessage) -> list[Hit]:
    return [hit for hit in result.artifact if isinstance(hit, Hit)] if isinstance(result.artifact, list) else []
