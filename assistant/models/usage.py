"""What the assistant takes, summed by day, person and model. Counts only: no words are kept."""

from datetime import date
from typing import Any, cast

from pydantic import BaseModel
from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from assistant.models.run import Spent
from core_api.domains.users.schemas import PersonRead
from core_api.http.pagination import Page, page_rows
from core_api.models import AssistantUsage, User, utcnow


class UsageRead(BaseModel):
    """What a person's questions took of a model on a day (UTC). `fallbacks`: questions that another model had to
    answer; `limits`: those that a limit ended. The cost is by the prices of the environment."""

    day: date
    person: PersonRead
    model: str
    answers: int
    model_calls: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    milliseconds: int
    cost: float
    fallbacks: int
    limits: int


def list_usage(
    session: Session, since: date | None, until: date | None, cursor: str | None, limit: int
) -> Page[UsageRead]:
    """The sums, the latest day first; `since` and `until` are the first and the last day."""
    joined = select(AssistantUsage, User).join(User, User.id == AssistantUsage.user_id)
    statement = cast("Select[Any]", joined)
    if since is not None:
        statement = statement.where(AssistantUsage.day >= since)
    if until is not None:
        statement = statement.where(AssistantUsage.day <= until)
    keys = [AssistantUsage.day, AssistantUsage.user_id, AssistantUsage.model]
    rows, next_cursor = page_rows(session, statement, keys, cursor, limit)
    return Page(items=[_read(usage, user) for usage, user in rows], next_cursor=next_cursor)


def _read(usage: AssistantUsage, user: User) -> UsageRead:
    counts = {name: getattr(usage, name) for name in UsageRead.model_fields if name not in ("person",)}
    return UsageRead(person=PersonRead(id=user.id, name=user.name), **counts)


def record_usage(
    session: Session,
    user_id: str,
    model: str,
    spent: Spent,
    *,
    milliseconds: int = 0,
    answers: int = 0,
    fallbacks: int = 0,
    limits: int = 0,
) -> None:
    """Add to today's sums of a person and a model."""
    amounts = {
        "answers": answers,
        "model_calls": spent.model_calls,
        "tool_calls": spent.tool_calls,
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "milliseconds": milliseconds,
        "cost": spent.cost,
        "fallbacks": fallbacks,
        "limits": limits,
    }
    key = {"day": utcnow().date(), "user_id": user_id, "model": model}
    if _add(session, key, amounts):
        return
    try:
        with session.begin_nested():
            session.add(AssistantUsage(**key, **amounts))
    except IntegrityError:  # somebody else was first
        _add(session, key, amounts)


def _add(session: Session, key: dict[str, object], amounts: dict[str, float]) -> bool:
    columns = AssistantUsage.__table__.c
    found = session.execute(
        update(AssistantUsage.__table__)  # type: ignore[arg-type]
        .where(*(columns[name] == value for name, value in key.items()))
        .values({name: columns[name] + amount for name, amount in amounts.items()})
    )
    return bool(found.rowcount)  # type: ignore[attr-defined]
