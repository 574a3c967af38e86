"""Summaries, as the API takes and shows them."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from assistant.citations import Citation, cite
from assistant.summaries.service import Length, Summary, sentence_text

MAX_QUERY_CHARS = 1_000
_YEARS = (1970, 2200)

_Id = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]


class SummarizeRequest(BaseModel):
    """What to summarise: a document, what is new in a space `since` a day or time, or what is found for a query."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"document_id": "019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5a"},
                {"space_id": "019ab0c2-7f7e-7d2b-8a55-0f1e2d3c4b5b", "since": "2026-11-20"},
                {"query": "parental leave", "length": "short"},
            ]
        },
    )

    document_id: _Id | None = None
    space_id: _Id | None = None
    since: datetime | date | None = Field(default=None, description="Without a zone: in UTC.")
    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUERY_CHARS)] | None = (
        None
    )
    space_ids: list[_Id] = Field(default=[], max_length=200, description="With `query`: look in these spaces only.")
    length: Length = Length.MEDIUM

    @model_validator(mode="after")
    def _one_thing(self) -> "SummarizeRequest":
        if sum(value is not None for value in (self.document_id, self.space_id, self.query)) != 1:
            raise ValueError("give one of `document_id`, `space_id` and `query`")
        if (self.space_id is None) != (self.since is None):
            raise ValueError("`space_id` and `since` go together")
        if self.since is not None and not _YEARS[0] <= self.since.year <= _YEARS[1]:
            raise ValueError(f"`since` lies between the years {_YEARS[0]} and {_YEARS[1]}")
        return self


class SummarySentence(BaseModel):
    """A sentence, and the markers of the citations that it rests on."""

    text: str
    markers: list[int]


class SummarySection(BaseModel):
    """Sentences under a heading: a section of the document, or the title of one of several documents."""

    heading: str
    sentences: list[SummarySentence]


class SummaryRead(BaseModel):
    """A summary in the sources' own sentences, each with its citation. No sections: there was nothing to tell."""

    title: str
    sections: list[SummarySection]
    citations: list[Citation]

    @classmethod
    def of(cls, summary: Summary) -> "SummaryRead":
        """A summary with its citations, which are not verified yet."""
        sections: list[SummarySection] = []
        marker = 0
        for section in summary.sections:
            sentences = []
            for evidence in section.evidence:
                marker += 1
                sentences.append(SummarySentence(text=sentence_text(evidence), markers=[marker]))
            sections.append(SummarySection(heading=section.heading, sentences=sentences))
        citations = [cite(evidence, number) for number, evidence in enumerate(summary.evidence, start=1)]
        return cls(title=summary.title, sections=sections, citations=citations)
