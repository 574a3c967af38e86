"""Answers as OpenAI's API gives them, whole and in chunks; `nexus` in a message is what that API has no place for."""

import time
from typing import Any, Literal

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from assistant.citations import Citation
from assistant.openai_api.request import MODEL
from assistant.schemas import ChatAnswer
from assistant.types import Confidence
from core_api.models import new_id
from retrieval.endpoints import HitRead


class NexusPart(BaseModel):
    """What an answer says of itself. Each [n] in the text is the marker of a citation; `support` is the fitted
    probability that the answer is right and `confidence` the word for it, null where none was fitted (summaries, lists,
    what a language model wrote). `conversation_id` is null where nothing was kept; `model` wrote the answer;
    `ignored` names what of the request had no effect."""

    citations: list[Citation]
    confidence: Confidence | None
    support: float | None = None
    abstained: bool
    conversation_id: str | None
    message_id: str | None
    model: str
    notice: str | None = None
    nearest: list[HitRead] = []
    ignored: list[str] = []


class CompletionUsage(BaseModel):
    """Tokens in and out of the model; the embedded one counts what it read and what it chose."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ReplyMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    nexus: NexusPart


class Choice(BaseModel):
    """The one answer that there is."""

    index: Literal[0] = 0
    message: ReplyMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Completion(BaseModel):
    """An answer, as OpenAI's API has it."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(description="Seconds since 1970.")
    model: str = MODEL
    choices: list[Choice]
    usage: CompletionUsage


class Delta(BaseModel):
    """What a chunk adds."""

    role: Literal["assistant"] | None = None
    content: str | None = None
    nexus: NexusPart | None = None

    @model_serializer(mode="wrap")
    def _present(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # To some clients a null is an empty piece.
        return {name: value for name, value in handler(self).items() if value is not None}


class ChunkChoice(BaseModel):
    """What a chunk adds to the one answer."""

    index: Literal[0] = 0
    delta: Delta
    logprobs: None = None
    finish_reason: Literal["stop"] | None = None


class Chunk(BaseModel):
    """A piece of an answer, as OpenAI's API has it. The last that adds to the answer has `nexus` in its delta."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str = MODEL
    choices: list[ChunkChoice]
    usage: CompletionUsage | None = None


class ModelRead(BaseModel):
    """A model that can be asked."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "nexus-stream"


class ModelList(BaseModel):
    """The models that can be asked."""

    object: Literal["list"] = "list"
    data: list[ModelRead]


class Reply:
    """Makes one answer's completion, or its chunks, which share id and time."""

    def __init__(self, ignored: list[str]) -> None:
        self._ignored = ignored
        self._id = f"chatcmpl-{new_id()}"
        self._created = int(time.time())
        self._sent = ""

    def whole(self, answer: ChatAnswer) -> Completion:
        """The whole answer."""
        message = ReplyMessage(content=answer.answer, nexus=self._part(answer))
        return Completion(id=self._id, created=self._created, choices=[Choice(message=message)], usage=_usage(answer))

    def begin(self) -> Chunk:
        """The first chunk: who speaks."""
        return self._chunk(Delta(role="assistant", content=""))

    def piece(self, text: str) -> Chunk:
        """The next piece of the text."""
        self._sent += text
        return self._chunk(Delta(content=text))

    def end(self, answer: ChatAnswer) -> list[Chunk]:
        """What was not sent of the answer's text, and the last chunk, which says what the answer rests on.

        A client cannot be told to forget what it has: an answer that became another one begins anew, after a line.
        """
        rest = answer.answer.removeprefix(self._sent)
        if self._sent and not answer.answer.startswith(self._sent):
            rest = f"\n\n{answer.answer}"
        pieces = [self.piece(rest)] if rest else []
        return [*pieces, self._chunk(Delta(nexus=self._part(answer)), finish_reason="stop")]

    def usage(self, answer: ChatAnswer) -> Chunk:
        """The chunk that says what was taken."""
        return Chunk(id=self._id, created=self._created, choices=[], usage=_usage(answer))

    def _part(self, answer: ChatAnswer) -> NexusPart:
        fields = {name: value for name, value in dict(answer).items() if name in NexusPart.model_fields}
        kept = {name: fields[name] or None for name in ("conversation_id", "message_id")}
        return NexusPart(**(fields | kept), ignored=self._ignored)

    def _chunk(self, delta: Delta, finish_reason: Literal["stop"] | None = None) -> Chunk:
        choice = ChunkChoice(delta=delta, finish_reason=finish_reason)
        return Chunk(id=self._id, created=self._created, choices=[choice])


def _usage(answer: ChatAnswer) -> CompletionUsage:
    read, written = (answer.usage.input_tokens, answer.usage.output_tokens) if answer.usage is not None else (0, 0)
    return CompletionUsage(prompt_tokens=read, completion_tokens=written, total_tokens=read + written)
