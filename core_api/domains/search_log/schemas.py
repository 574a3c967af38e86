"""The search log, as the API shows it."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field


class PastSearch(BaseModel):
    """One of your searches. `query` is what you typed."""

    id: str
    query: str
    mode: str
    hits: int
    asked_at: datetime


class ClickCreate(BaseModel):
    """A hit that was opened."""

    model_config = ConfigDict(extra="forbid")

    chunk_id: str = Field(min_length=1, max_length=96, pattern=r"^[^\x00]*$")
    position: int = Field(ge=1, le=10_000, description="Its place in the list, from 1.")


class Day(BaseModel):
    """The searches of a day (UTC)."""

    day: date
    searches: int
    success_rate: float


class TopQuery(BaseModel):
    """A query that many people typed, as queries are counted together (lower case, white space joined)."""

    query: str
    searches: int
    success_rate: float


class FailingQuery(BaseModel):
    """A query of several people that often ends with nothing found, or nothing opened."""

    query: str
    searches: int
    zero_results: int
    abandoned: int


class Counts(BaseModel):
    """Queries of which only the number is told."""

    queries: int
    searches: int


class SearchAnalytics(BaseModel):
    """How well search serves people. Each search is a success (a hit was opened), had zero results, or was abandoned
    (there were hits, none was opened): the three rates add up to 1, and are 0 where nobody searched.

    Queries that fewer than three people typed are told as counts only, in `rare`.
    """

    days: int
    searches: int
    people: int
    success_rate: float
    zero_results_rate: float
    abandoned_rate: float
    median_ms: float | None
    p95_ms: float | None
    by_day: list[Day]
    top: list[TopQuery]
    failing: list[FailingQuery]
    rare: Counts
