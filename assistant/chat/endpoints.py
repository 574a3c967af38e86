"""HTTP for the assistant: chat, and the routers of what it leaves."""

import threading
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from assistant.agent.agent import Agent
from assistant.chat import exchange as exchanges
from assistant.chat.streaming import from_thread, on_thread, server_sent
from assistant.conversations import endpoints as conversation_endpoints
from assistant.review import endpoints as review_endpoints
from assistant.schemas import (
    ChatAnswer,
    ChatRequest,
    ConversationEvent,
    DeltaEvent,
    ErrorEvent,
    StepEvent,
)
from core_api.auth.dependencies import DatabaseDep, Reader, SettingsDep
from core_api.infra.errors import NexusError
from core_api.infra.settings import Settings

router = APIRouter(prefix="/assistant", tags=["assistant"])
router.include_router(conversation_endpoints.router)
router.include_router(review_endpoints.router)

_EVENT_NAMES = {
    ConversationEvent: "conversation",
    StepEvent: "step",
    DeltaEvent: "delta",
    ChatAnswer: "answer",
    ErrorEvent: "error",
}
_making = threading.Lock()


def agent_of(request: Request, settings: Settings) -> Agent:
    """The app's agent, made at the first question."""
    state = request.app.state
    with _making:
        agent: Agent | None = getattr(state, "agent", None)
        if agent is None or agent.engine is not state.engine:
            agent = state.agent = Agent(settings, state.engine)
        return agent


@router.post(
    "/chat",
    response_model=ChatAnswer,
    responses={
        200: {
            "description": "The answer; with `stream`, server-sent events `conversation`, `step`, `delta`, and at the "
            "end `answer` (the same JSON) or `error`.",
            "content": {"text/event-stream": {}},
        },
        404: {"description": "You have no such conversation."},
        422: {"description": "The message is blank or too long."},
        503: {"description": "The indexes are still loading, or the language model cannot be reached."},
    },
)
async def chat(
    body: ChatRequest, request: Request, subject: Reader, database: DatabaseDep, settings: SettingsDep
) -> ChatAnswer | StreamingResponse:
    """Ask a question. The answer comes from what you may read, each sentence with its source."""
    agent = agent_of(request, settings)
    exchange = await run_in_threadpool(exchanges.begin, agent, database, subject, body)
    if not body.stream:
        return await on_thread(lambda: exchanges.answer(exchange), exchange.stop, request.is_disconnected)

    def failed(error: NexusError) -> ErrorEvent:
        return ErrorEvent(problem=error.problem() | {"request_id": request.scope.get("request_id", "")})

    async def stream() -> AsyncIterator[str]:
        async for event in from_thread(lambda: exchanges.events(exchange), exchange.stop, failed):
            yield ": waiting\n\n" if event is None else server_sent(_EVENT_NAMES[type(event)], event)

    return StreamingResponse(
        stream(), media_type="text/event-stream", headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    )
