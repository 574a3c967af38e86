"""HTTP for programs that speak to OpenAI's chat completions: the same answers, in that API's shape.

A request brings the whole conversation with it, and nothing of it is kept, so that programs do not fill anybody's list
of conversations; `store` keeps question and answer. Permissions and limits are those of the chat.
"""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from assistant.agent.agent import Agent
from assistant.chat import exchange as exchanges
from assistant.chat.endpoints import agent_of
from assistant.chat.exchange import ChatEvent, Exchange
from assistant.chat.streaming import from_thread, on_thread
from assistant.openai_api.reply import Chunk, Completion, ModelList, ModelRead, Reply
from assistant.openai_api.request import MODEL, Asked, CompletionRequest, asked, check_model
from assistant.schemas import ChatAnswer, DeltaEvent
from core_api.auth.dependencies import DatabaseDep, Reader, SettingsDep
from core_api.auth.subject import Subject
from core_api.http.openai_errors import OpenAIError, openai_error
from core_api.http.paths import OPENAI_PREFIX
from core_api.infra.database import Database
from core_api.infra.errors import NexusError

_REFUSED: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": OpenAIError, "description": "An error in OpenAI's shape."},
    "5XX": {"model": OpenAIError, "description": "An error in OpenAI's shape."},
}
_CREATED = 1_795_824_000  # clients want a time: 28 November 2026

router = APIRouter(prefix=OPENAI_PREFIX, tags=["openai"], responses=_REFUSED)


@router.get("/models")
async def list_models(subject: Reader) -> ModelList:
    """The models that can be asked: `nexus`, which answers by the model that is set up here."""
    return ModelList(data=[_model()])


@router.get("/models/{model}")
async def read_model(model: str, subject: Reader) -> ModelRead:
    """One of the models."""
    check_model(model)
    return _model()


@router.post(
    "/chat/completions",
    response_model=Completion,
    responses={
        200: {
            "description": "The answer; with `stream`, chunks as server-sent events, and `[DONE]` at the end.",
            "content": {"text/event-stream": {}},
        }
    },
)
async def complete(
    body: CompletionRequest, request: Request, subject: Reader, database: DatabaseDep, settings: SettingsDep
) -> Completion | StreamingResponse:
    """Answer the last of the messages from what you may read. What the answer rests on is in its message's `nexus`."""
    question = asked(body)
    agent = agent_of(request, settings)
    agent.engine.require_ready()  # a client tries again by itself as long as the stream has not begun
    exchange = await run_in_threadpool(_begin, agent, database, subject, question)
    reply = Reply(question.ignored)
    if not body.stream:
        answer = await on_thread(lambda: exchanges.answer(exchange), exchange.stop, request.is_disconnected)
        return reply.whole(answer)
    with_usage = bool(body.stream_options and body.stream_options.include_usage)
    return StreamingResponse(
        _stream(exchange, reply, with_usage),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


def _begin(agent: Agent, database: Database, subject: Subject, question: Asked) -> Exchange:
    if question.chat is not None:
        return exchanges.begin(agent, database, subject, question.chat)
    return exchanges.begin_unkept(agent, database, subject, question.turns, question.scope)


async def _stream(exchange: Exchange, reply: Reply, with_usage: bool) -> AsyncIterator[str]:
    def failed(error: NexusError) -> ChatEvent | NexusError:
        return error

    def events() -> Any:
        return exchanges.events(exchange)

    yield _sent(reply.begin())
    async for event in from_thread(events, exchange.stop, failed):
        if event is None:
            yield ": waiting\n\n"
        elif isinstance(event, NexusError):
            yield _sent(openai_error(event.problem()))
            return
        elif isinstance(event, DeltaEvent):
            yield _sent(reply.piece(event.text))
        elif isinstance(event, ChatAnswer):
            for chunk in reply.end(event):
                yield _sent(chunk)
            if with_usage:
                yield _sent(reply.usage(event))
    yield "data: [DONE]\n\n"


def _sent(data: Chunk | OpenAIError) -> str:
    return f"data: {data.model_dump_json()}\n\n"


def _model() -> ModelRead:
    return ModelRead(id=MODEL, created=_CREATED)
