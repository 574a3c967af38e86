"""What people say about answers, and what reviewers make of it, as the API takes and shows it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from assistant.recommending.schemas import AskedStatus, ExpertRead
from assistant.schemas import FeedbackRead, MessageRead
from core_api.domains.users.schemas import PersonRead

_NO_NUL = r"^[^\x00]*$"
_Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_NO_NUL)]
Reason = Literal["wrong", "incomplete", "outdated", "beside_the_point", "other"]
ReviewState = Literal["new", "golden", "dismissed"]
GapStatus = Literal["open", "closed"]


class FeedbackUpdate(BaseModel):
    """What you say about an answer. It shows the answer, your question and your comment to the reviewers, without your
    name; and only those, nothing else of the conversation."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"helpful": False, "reason": "outdated", "comment": "It is 16 weeks now."}},
    )

    helpful: bool
    reason: Reason | None = Field(default=None, description="What is wrong with it; null for a helpful answer.")
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000, pattern=_NO_NUL)] = ""

    @model_validator(mode="after")
    def _no_reason_to_be_helpful(self) -> "FeedbackUpdate":
        if self.helpful and self.reason is not None:
            raise ValueError("a helpful answer has no `reason`; leave it out, or say `helpful: false`")
        return self


class ReviewedAnswer(BaseModel):
    """An answer that its asker has said something about, as you may read it now; `id` is the answer's. Of a golden one
    `document_ids` are the documents that are right for the question."""

    id: str
    question: str
    answer: MessageRead
    feedback: FeedbackRead
    state: ReviewState
    document_ids: list[str]
    reviewed_by: PersonRead | None
    reviewed_at: datetime | None


class ReviewVerdict(BaseModel):
    """What you make of an answer. `golden`: its question becomes a test of search, with the documents that are right
    for it; by default those that the answer cites."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"verdict": "dismissed"}, {"verdict": "golden", "question": "How long is parental leave?"}]
        },
    )

    verdict: Literal["golden", "dismissed"]
    question: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=_NO_NUL)] | None
    ) = Field(default=None, description="golden: the question as it stands by itself; default: as it was asked.")
    document_ids: list[_Id] | None = Field(
        default=None, min_length=1, max_length=20, description="golden: the right documents, of those you may read."
    )


class GapCreate(BaseModel):
    """An answer to you that found nothing. Filing it shows your question and your name to the reviewers."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"message_id": "019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5a"}}
    )

    message_id: _Id = Field(description="The id of the answer, or of the question.")
    user_id: _Id | None = Field(
        default=None, description="One of the answer's `experts`: they are told of the question and of your name."
    )


class GapRead(BaseModel):
    """A question that nothing answered, as somebody has filed it."""

    id: str
    question: str
    filed_by: PersonRead
    filed_at: datetime
    status: GapStatus


class AskedRead(BaseModel):
    """A question that nothing answered and that somebody asks you. `closed`: it is written down; `declined`: you do not
    know."""

    id: str
    question: str
    asked_by: str = Field(description="Their name.")
    asked_at: datetime
    status: AskedStatus


class AskedUpdate(BaseModel):
    """What has become of a question that you were asked: it is written down (`closed`), you do not know (`declined`),
    or neither after all."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"status": "closed"}})

    status: AskedStatus


class GapCluster(BaseModel):
    """Questions that ask for the same: `count` of them, the first as its `question`, and the best person to write what
    is missing. `id` is that of the first."""

    id: str
    question: str
    count: int
    examples: list[GapRead]
    expert: ExpertRead | None
    status: GapStatus
    last_filed_at: datetime


class GapUpdate(BaseModel):
    """Close a cluster of questions, or open it again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"status": "closed"}})

    status: GapStatus


class GapsChanged(BaseModel):
    """How many questions were closed or opened."""

    status: GapStatus
    count: int
