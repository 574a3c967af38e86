"""HTTP for the assistant: chat, and the conversations it leaves."""

import threading
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from assistant import chat as exchanges
from assistant import conversations
from assistant.agent import Agent
from assistant.schemas import (
    ChatAnswer,
    ChatRequest,
    ConversationBrief,
    ConversationEvent,
    ConversationRead,
    DeltaEvent,
    ErrorEvent,
    StepEvent,
)
from assistant.streaming import from_thread, on_thread, server_sent
from core_api.auth.dependencies import DatabaseDep, Reader, ReadSession, SettingsDep, WriteSession
from core_api.http.pagination import Cursor, Limit, Page
from core_api.infra.errors import NexusError
from core_api.infra.settings import Settings

router = APIRouter(prefix="/assistant", tags=["assistant"])

_EVENT_NAMES = {
    ConversationEvent: "conversation",
    StepEvent: "step",
    DeltaEvent: "delta",
    ChatAnswer: "answer",
    ErrorEvent: "error",
}
_making = threading.Lock()


def _agent(request: Request, settings: Settings) -> Agent:
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
    agent = _agent(request, settings)
    exchange = await run_in_threadpool(exchanges.begin, agent, database, subject, body)
    if not body.stream:
        return await on_thread(lambda: exchanges.answer(exchange))

    def failed(error: NexusError) -> ErrorEvent:
        return ErrorEvent(problem=error.problem() | {"request_id": request.scope.get("request_id", "")})

    async def stream() -> AsyncIterator[str]:
        async for event in from_thread(lambda: exchanges.events(exchange), exchange.stop, failed):
            yield ": waiting\n\n" if event is None else server_sent(_EVENT_NAMES[type(event)], event)

    return StreamingResponse(
        stream(), media_type="text/event-stream", headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    )


@router.get("/conversations")
def list_conversations(
    subject: Reader, session: ReadSession, cursor: Cursor = None, limit: Limit = 50
) -> Page[ConversationBrief]:
    """Your conversations, last used first."""
    return conversations.list_conversations(session, subject, cursor, limit)


@router.get("/conversations/{conversation_id}")
def read_conversation(conversation_id: str, subject: Reader, session: ReadSession) -> ConversationRead:
    """A conversation with all its turns; every citation is verified now."""
    return conversations.read_conversation(session, subject, conversation_id)


@router.delete("/conversations/{conversation_id}", status_code=204)
def delete_conversation(conversation_id: str, subject: Reader, session: WriteSession) -> Response:
    """Delete a conversation for good."""
    conversations.delete_conversation(session, subject, conversation_id)
    return Response(status_code=204)
