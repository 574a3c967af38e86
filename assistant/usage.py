"""What the assistant takes, summed by day, person and model. Counts only: no words are kept."""

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from assistant.run import Spent
from core_api.models import AssistantUsage, utcnow


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
