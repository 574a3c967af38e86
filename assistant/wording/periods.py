"""Since when: the beginning of a stretch of time as people name it."""

import re
from datetime import UTC, datetime, timedelta

_DAYS = re.compile(r"(\d{1,3})\s*(?:days?|일)")
_NAMED = (
    (re.compile(r"today|오늘", re.IGNORECASE), 0),
    (re.compile(r"yesterday|어제", re.IGNORECASE), 1),
    (re.compile(r"last month|this month|month|지난\s?달|이번\s?달|한\s?달", re.IGNORECASE), 30),
    (re.compile(r"last week|지난\s?주", re.IGNORECASE), 14),
)
_WEEK = 7
_YEARS = (1970, 2200)


def beginning_of(text: str, now: datetime) -> datetime:
    """The time from which on a text asks: a date, so many days, "today", "yesterday", "week", "month" (the last thirty
    days), in UTC; the last seven days where it says nothing else."""
    text = text.strip()
    try:
        day = datetime.fromisoformat(text[:32])
    except ValueError:
        pass
    else:
        if _YEARS[0] <= day.year <= _YEARS[1]:
            return day if day.tzinfo else day.replace(tzinfo=UTC)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if match := _DAYS.search(text):
        return midnight - timedelta(days=int(match.group(1)))
    for pattern, days in _NAMED:
        if pattern.search(text):
            return midnight - timedelta(days=days)
    return midnight - timedelta(days=_WEEK)
