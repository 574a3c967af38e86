"""What the assistant's API takes and gives."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from assistant.citations import Citation
from assistant.proposals.schemas import ProposalRead
from assistant.recommending.schemas import ExpertRead
from assistant.types import Confidence
from core_api.domains.users.schemas import PersonRead
from core_api.http.fields import Name
from retrieval.endpoints import HitRead

MAX_MESSAGE_CHARS = 4_000

_Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
_LAST_DAY = date(9998, 12, 31)


class Scope(BaseModel):
    """Where a question looks: in these spaces, documents and kinds only (an empty list: in all), and in what has not
    changed after a day (UTC). It narrows what the asker may read and never widens it."""

    space_ids: list[_Id] = Field(default=[], max_length=200, description="Look in these spaces only.")
    document_ids: list[_Id] = Field(default=[], max_length=200, description="Look in these documents only.")
    kinds: list[_Id] = Field(default=[], max_length=20, description="Look in these kinds of sources only.")
    as_of: date | None = Field(
        default=None, le=_LAST_DAY, description="Look only in what was last changed on this day (UTC) or before."
    )


class ChatRequest(Scope):
    """A question, in a new conversation or a running one.

    The scope stays with the conversation: a question that names none of its fields looks where the one before did, and
    one that names any of them says the whole scope anew.
    """

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
    replaces: _Id | None = Field(
        default=None,
        description="A question of yours (`question_id`): once there is an answer, it and all that came after it are "
        "dropped, and `message` takes its place. Edit with another message, retry with the same.",
    )
    stream: bool = Field(default=False, description="Answer with server-sent events.")


class AnswerUsage(BaseModel):
    """What an answer took: tokens in and out of the model, its calls, the time from question to answer, and the cost by
    the prices of the settings, in their currency."""

    input_tokens: int = 0
    output_tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0
    milliseconds: int = 0
    cost: float = 0.0


class AnswerAbout(BaseModel):
    """What an answer says of itself. All of it is kept with the message, and comes back when it is read again."""

    confidence: Confidence | None = Field(
        description="The word for `support`; `none` where no answer was given, null where `support` is."
    )
    support: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="The probability that the answer is right, fitted on evaluation data: for sentences that the "
        "embedded model has chosen. Null for summaries, lists and recommendations, and for what a language model "
        "wrote: nothing was fitted for them, and what is known is that each sentence has its source.",
    )
    abstained: bool
    stopped: bool = Field(
        default=False, description="Whoever asked stopped it; it is what had been said until then, and not rounded off."
    )
    model: str
    notice: str | None = Field(
        default=None, description="How the answer came about, where that was not as usual: a limit, a fallback."
    )
    usage: AnswerUsage | None = None
    prompts: dict[str, int] = Field(default={}, description="Versions of the prompts that the model was given.")
    unsupported: list[str] = Field(
        default=[],
        description="Sentences of the answer that no source supports, marked as such in its text; by default such "
        "sentences are left out. They are not kept with the message.",
    )
    left_out: int = Field(default=0, description="How many sentences were left out since no source supports them.")
    suggestions: list[str] = Field(default=[], description="Questions to ask next, which your sources can answer.")
    experts: list[ExpertRead] = Field(default=[], description="Who could be asked, where nothing answers.")
    proposals: list[ProposalRead] = Field(default=[], description="What would be done once you confirm it.")


class ChatAnswer(AnswerAbout):
    """An answer. Each [n] in `answer` is the marker of a citation. When `abstained`, nothing that you may read supports
    an answer, and `nearest` are the passages that came closest. `question_id` is the message that asked."""

    answer: str
    citations: list[Citation]
    conversation_id: str
    message_id: str
    question_id: str
    nearest: list[HitRead] = []


class AnswerRead(AnswerAbout):
    """What an answer said of itself, with the passages that came closest, of those that the reader may read now."""

    nearest: list[HitRead] = []


class FeedbackRead(BaseModel):
    """What you said about an answer."""

    helpful: bool
    reason: Literal["wrong", "incomplete", "outdated", "beside_the_point", "other"] | None
    comment: str
    updated_at: datetime


class ConversationUpdate(BaseModel):
    """A new title for a conversation."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"title": "Leave for contractors"}})

    title: Name


class ConversationBrief(BaseModel):
    """A conversation in a list. One that is not `mine` was shared with you by its `owner`; `shared`: others see it."""

    id: str
    title: str
    updated_at: datetime
    mine: bool
    owner: PersonRead
    shared: bool


class MessageRead(BaseModel):
    """One turn. The citations of an answer are verified anew each time; what you may not read any more is left out."""

    id: str
    role: str
    content: str
    citations: list[Citation]
    answer: AnswerRead | None = Field(description="What the answer says of itself; null for a question.")
    feedback: FeedbackRead | None = Field(description="What you said about the answer; null for nothing.")
    created_at: datetime


class ConversationRead(ConversationBrief):
    """A whole conversation, and where its next question looks. Only its owner can go on with it; others see of it what
    they may read themselves."""

    scope: Scope
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
