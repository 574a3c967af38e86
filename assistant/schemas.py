"""What the assistant's API takes and gives."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from assistant.citations import Citation
from assistant.types import Confidence
from retrieval.endpoints import HitRead

MAX_MESSAGE_CHARS = 4_000

_Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ChatRequest(BaseModel):
    """A question, in a new conversation or a running one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"message": "How do I request leave?"},
                {"message": "And for contractors?", "conversation_id": "019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5a"},
            ]
        },
    )

    message: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_MESSAGE_CHARS)] = (
        Field(description="The question, in English or Korean.")
    )
    conversation_id: _Id | None = Field(default=None, description="One of your conversations; default: a new one.")
    stream: bool = Field(default=False, description="Answer with server-sent events.")
    space_ids: list[_Id] = Field(default=[], max_length=200, description="Look in these spaces only.")


class AnswerUsage(BaseModel):
    """What an answer took: tokens in and out of the model, its calls, the time from question to answer, and the cost by
    the prices of the settings, in their currency."""

    input_tokens: int = 0
    output_tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    milliseconds: int = 0
    cost: float = 0.0


class ChatAnswer(BaseModel):
    """An answer. Each [n] in `answer` is the marker of a citation. When `abstained`, nothing that you may read supports
    an answer, and `nearest` are the passages that came closest."""

    answer: str
    citations: list[Citation]
    confidence: Confidence
    abstained: bool
    conversation_id: str
    message_id: str
    model: str
    nearest: list[HitRead] = []
    notice: str | None = Field(
        default=None, description="How the answer came about, where that was not as usual: a limit, a fallback."
    )
    usage: AnswerUsage | None = None
    prompts: dict[str, int] = Field(default={}, description="Versions of the prompts that the model was given.")


class ConversationBrief(BaseModel):
    """A conversation in a list."""

    id: str
    title: str
    updated_at: datetime


class MessageRead(BaseModel):
    """One turn. The citations of an answer are verified anew each time; what you may not read any more is left out."""

    id: str
    role: str
    content: str
    citations: list[Citation]
    answer: dict[str, Any] = Field(description="Of an answer: confidence, abstained, model.")
    created_at: datetime


class ConversationRead(BaseModel):
    """A whole conversation."""

    id: str
    title: str
    updated_at: datetime
    messages: list[MessageRead]


class ConversationEvent(BaseModel):
    """Stream event `conversation`: where the exchange is kept."""

    conversation_id: str


class StepEvent(BaseModel):
    """Stream event `step`: what the assistant is doing."""

    label: str
    state: Literal["running", "done"]
    detail: str = ""


class DeltaEvent(BaseModel):
    """Stream event `delta`: the next piece of the answer's text."""

    text: str


class ErrorEvent(BaseModel):
    """Stream event `error`: the answer failed; `problem` is a problem document (RFC 9457)."""

    problem: dict[str, Any]
