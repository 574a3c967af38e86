"""Recommendations, as the API takes and shows them."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from assistant.recommending.service import Expert, PastQuestion, Related

MAX_QUESTION_CHARS = 1_000


class RecommendRequest(BaseModel):
    """What to recommend for: a document, or a question or topic."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"question": "parental leave"}]})

    document_id: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] | None = None
    question: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_CHARS)] | None
    ) = None
    k: int = Field(default=5, ge=1, le=20, description="At most so many of each.")

    @model_validator(mode="after")
    def _one_thing(self) -> "RecommendRequest":
        if (self.document_id is None) == (self.question is None):
            raise ValueError("give one of `document_id` and `question`")
        return self


AskedStatus = Literal["open", "closed", "declined"]


class ProofRead(BaseModel):
    """A document that shows that somebody knows."""

    id: str
    title: str
    url: str


class ExpertRead(BaseModel):
    """Somebody who has written or changed documents about it that you may read."""

    user_id: str
    name: str
    documents: list[ProofRead]
    asked: AskedStatus | None = Field(
        default=None,
        description="Where you have asked them: whether the question is open, written down since, or they do not know.",
    )

    @classmethod
    def of(cls, expert: Expert) -> "ExpertRead":
        """An expert, for the API."""
        proof = [ProofRead(id=one.id, title=one.title, url=one.url) for one in expert.documents]
        return cls(user_id=expert.user_id, name=expert.name, documents=proof)


class RelatedRead(BaseModel):
    """A document about the same; `heading` is where it is nearest, `score` compares within the list only."""

    id: str
    title: str
    url: str
    space: str
    heading: str
    score: float

    @classmethod
    def of(cls, related: Related) -> "RelatedRead":
        """A related document, for the API."""
        passage = related.passage
        return cls(
            id=passage.source.id,
            title=passage.source.title,
            url=passage.source.url,
            space=passage.space_name,
            heading=passage.heading,
            score=round(related.score, 4),
        )


class PastQuestionRead(BaseModel):
    """A question that was asked before, by you or in a conversation shared with you."""

    message_id: str
    conversation_id: str
    text: str
    asked_at: datetime

    @classmethod
    def of(cls, question: PastQuestion) -> "PastQuestionRead":
        """A question, for the API."""
        return cls(
            message_id=question.message_id,
            conversation_id=question.conversation_id,
            text=question.text,
            asked_at=question.asked_at,
        )


class RecommendRead(BaseModel):
    """What to read, whom to ask, and what was asked before; each best first, and empty where there is nothing."""

    documents: list[RelatedRead]
    people: list[ExpertRead]
    questions: list[PastQuestionRead]
