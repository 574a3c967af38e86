"""What a client of OpenAI's API asks, and what of that this server does."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from assistant.agent.agent import Turn
from assistant.schemas import MAX_MESSAGE_CHARS, ChatRequest, Scope
from core_api.infra.errors import NexusError, NotFound

MODEL = "nexus"
MOST_MESSAGES = 200
MOST_TURN_CHARS = 20_000

# They bear on how a model draws its words. Here the words are the sources' own, or are held to them.
_WITHOUT_EFFECT = frozenset({
    "frequency_penalty", "max_completion_tokens", "max_tokens", "metadata", "parallel_tool_calls", "presence_penalty",
    "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "safety_identifier", "seed", "service_tier",
    "temperature", "top_p", "user", "verbosity",
})  # fmt: skip
# What clients send for "not asked for", of parameters that are not served.
_NOT_ASKED: dict[str, tuple[Any, ...]] = {
    "audio": (),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "prediction": (),
    "response_format": ({"type": "text"},),
    "stop": ([],),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
    "web_search_options": (),
}


class BadRequest(NexusError):
    """The request is not one that this server can do; `param` names what is to blame."""

    status, code, title = 400, "invalid_value", "The request cannot be done"


class UnsupportedParameter(BadRequest):
    """A parameter of OpenAI's that is not served here: the answer would not be what it asks for."""

    code = "unsupported_parameter"


class UnknownModel(NotFound):
    """No model has this name."""

    code = "model_not_found"


def _text(content: Any) -> Any:
    """The text of a message's content, which may come in parts."""
    if content is None:
        return ""
    if not isinstance(content, list):
        return content
    texts = []
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise ValueError("only parts of the type `text` are read here")
        texts.append(part["text"])
    return "\n".join(texts)


_PART = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
}
_Content = Annotated[
    str,
    Field(max_length=MOST_TURN_CHARS),
    BeforeValidator(_text),
    WithJsonSchema({
        "anyOf": [
            {"type": "string", "maxLength": MOST_TURN_CHARS},
            {"type": "array", "items": _PART},
            {"type": "null"},
        ]
    }),
]  # fmt: skip


class ChatMessage(BaseModel):
    """One turn. `system` and `developer` are taken and have no effect: the house's own rules hold."""

    role: Literal["system", "developer", "user", "assistant"]
    content: _Content = ""
    tool_calls: Annotated[list[Any], Field(max_length=0)] | None = None


class StreamOptions(BaseModel):
    """What a stream has besides the answer."""

    include_usage: bool | None = Field(default=None, description="A last chunk says how many tokens were taken.")


class NexusRequest(Scope):
    """This product's own part of a request: where to look, and the conversation to go on with."""

    model_config = ConfigDict(extra="forbid")

    conversation_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] | None = Field(
        default=None, description="With `store`: one of your conversations; default: a new one."
    )


class CompletionRequest(BaseModel):
    """A request for the answer to the last message, as OpenAI's API has it. Of other parameters of that API, those that
    only tune a model's words have no effect, and those that ask for something else than text are refused."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [{"model": MODEL, "messages": [{"role": "user", "content": "How do I request leave?"}]}]
        },
    )

    model: Annotated[str, Field(min_length=1, max_length=200)] = Field(description=f"`{MODEL}`.")
    messages: list[ChatMessage] = Field(
        min_length=1,
        max_length=MOST_MESSAGES,
        description=f"The conversation, the question last ({MAX_MESSAGE_CHARS} characters at most).",
    )
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = Field(default=None, description="1.")
    store: bool | None = Field(
        default=None, description="Keep question and answer in your conversations; default: nothing is kept."
    )
    nexus: NexusRequest = NexusRequest()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what was said before it (itself last), where to look, and what of the request has no effect.
    `chat` is the question for a conversation that is kept, None when nothing is to be kept."""

    turns: list[Turn]
    scope: Scope
    ignored: list[str]
    chat: ChatRequest | None


def asked(request: CompletionRequest) -> Asked:
    """What a request asks. Raises UnknownModel, UnsupportedParameter, BadRequest."""
    check_model(request.model)
    ignored = _check_parameters(request)
    if any(message.role in ("system", "developer") for message in request.messages):
        ignored.insert(0, "messages[system]")
    turns = [
        Turn(message.role, message.content.strip())
        for message in request.messages
        if message.role in ("user", "assistant") and message.content.strip()
    ]
    last = request.messages[-1]
    if not turns or turns[-1].role != "user" or last.role == "assistant" or not last.content.strip():
        raise BadRequest("The last of `messages` has to be the question: role `user`, not blank.", param="messages")
    if len(turns[-1].content) > MAX_MESSAGE_CHARS:
        raise BadRequest(f"The question may have {MAX_MESSAGE_CHARS:,} characters at most.", param="messages")
    named = {name: getattr(request.nexus, name) for name in request.nexus.model_fields_set}
    chat = ChatRequest(message=turns[-1].content, **named) if request.store else None
    if chat is not None and len(turns) > 1:
        ignored.append("messages[before the last]")
    return Asked(turns, Scope(**{name: getattr(request.nexus, name) for name in Scope.model_fields}), ignored, chat)


def check_model(name: str) -> None:
    """Raises UnknownModel unless a model has this name."""
    if name != MODEL:
        raise UnknownModel(f"There is no model {_shown(name)} here. Ask `{MODEL}`.", param="model")


def _check_parameters(request: CompletionRequest) -> list[str]:
    if request.n not in (None, 1):
        raise UnsupportedParameter("There is one answer to a question: `n` can only be 1.", param="n")
    if request.stream_options is not None and not request.stream:
        raise BadRequest("`stream_options` needs `stream`.", param="stream_options")
    if request.nexus.conversation_id is not None and not request.store:
        raise BadRequest("To go on with a conversation, set `store`: it is kept there.", param="nexus.conversation_id")
    ignored = []
    for name, value in (request.model_extra or {}).items():
        if value is None or value in _NOT_ASKED.get(name, ()):
            continue
        if name not in _WITHOUT_EFFECT:
            _refuse(name)
        ignored.append(name)
    return sorted(ignored)


def _refuse(name: str) -> None:
    shown = _shown(name)
    if name in _NOT_ASKED:
        detail = f"{shown} is not served here: answers are text, with citations in `nexus`. Leave it out."
    else:
        detail = f"There is no parameter {shown}. Leave it out."
    raise UnsupportedParameter(detail, param=shown.strip("`"))


def _shown(name: str) -> str:
    """A name as a message can show it: it may hold anything."""
    return f"`{name[:64].encode('ascii', 'backslashreplace').decode()}`"
