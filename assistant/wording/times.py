"""Times as people say them ("on Friday at 9", "in two hours", "금요일 오전 9시에"), English and Korean."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KOREAN_WEEKDAYS = "월화수목금토일"
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NUMBERS = {
    **{"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10, "half an": 0.5},
    **{"한": 1, "두": 2, "세": 3, "네": 4, "일": 1, "이": 2, "삼": 3},
}
_UNITS = {
    **{"minute": 60, "min": 60, "hour": 3_600, "day": 86_400, "week": 604_800},
    **{"분": 60, "시간": 3_600, "일": 86_400, "주": 604_800, "주일": 604_800},
}
_MORNING = 9
_MOST_YEARS = 10

_COUNT = r"(\d{1,4}|half an|an?|one|two|three|four|five|six|ten|한|두|세|네)"
_IN = re.compile(
    rf"\bin {_COUNT} (minute|min|hour|day|week)s?\b|(?<!\d){_COUNT}\s?(분|시간|일|주일?)\s?(?:후|뒤|있다가)(?:에)?",
    re.IGNORECASE,
)
_ISO = re.compile(
    r"\b(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?\s?(Z\b|[+-]\d{2}:?\d{2})?)?"
)
_KOREAN_DATE = re.compile(r"(?:(\d{4})년\s?)?(\d{1,2})월\s?(\d{1,2})일(?:에)?")
_DATE = re.compile(
    rf"\b(?:on )?(?:(?:the )?(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({'|'.join(_MONTHS)})"
    rf"|({'|'.join(_MONTHS)}) (\d{{1,2}})(?:st|nd|rd|th)?)(?:,? (\d{{4}}))?\b",
    re.IGNORECASE,
)
_DAY = re.compile(r"\b(today|tonight|tomorrow|the day after tomorrow)\b|(오늘|내일|모레)(?:에)?", re.IGNORECASE)
_AHEAD = {"today": 0, "tonight": 0, "오늘": 0, "tomorrow": 1, "내일": 1, "the day after tomorrow": 2, "모레": 2}
_WEEKDAY = re.compile(
    rf"\b(?:on |this |(next ))?({'|'.join(_WEEKDAYS)})\b"
    rf"|(다음\s?주\s?)?(?:이번\s?주\s?)?([{_KOREAN_WEEKDAYS}])요일(?:에)?",
    re.IGNORECASE,
)
_NEXT_WEEK = re.compile(r"\bnext week\b|다음\s?주(?:에)?", re.IGNORECASE)
_CLOCK = re.compile(
    r"\bat (\d{1,2})(?::(\d{2}))?\s?(am|pm|a\.m\.|p\.m\.|o'clock)?(?!\w)"
    r"|\b(\d{1,2})(?::(\d{2}))?\s?(am|pm|a\.m\.|p\.m\.)(?!\w)"
    r"|\b(\d{1,2}):(\d{2})\b"
    r"|(오전|오후|아침|저녁|밤)?\s?(\d{1,2})시(?!간)(?:\s?(?:(\d{1,2})분|(반)))?(?:에)?",
    re.IGNORECASE,
)
_NAMED_CLOCK = re.compile(
    r"\b(?:at )?(noon|midday)\b|\b(?:in the )?(morning|afternoon|evening)\b|(정오)(?:에)?|(아침|점심|저녁)(?:에)",
    re.IGNORECASE,
)
_NAMED_HOURS = {"noon": 12, "midday": 12, "morning": 9, "afternoon": 14, "evening": 18} | {
    "정오": 12,
    "아침": 9,
    "점심": 12,
    "저녁": 18,
}


def read_time(text: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, str] | None:
    """The time in the future that a text names, in UTC, and the text without the words that name it; None for none.

    What is not said is taken as people mean it: nine in the morning, the next Friday, tomorrow where the hour has
    passed. ISO 8601 is understood too; without an offset it is in `zone`.
    """
    local = now.astimezone(zone)
    if match := _IN.search(text):
        count, unit = match.group(1) or match.group(3), match.group(2) or match.group(4)
        number = float(count) if count.isdigit() else _NUMBERS[count.lower()]
        return _future(now + timedelta(seconds=number * _UNITS[unit.lower()]), now, _without(text, match))
    try:
        return _named(text, local, zone, now)
    except (ValueError, OverflowError):  # the 30th of February
        return None


def _named(text: str, local: datetime, zone: ZoneInfo, now: datetime) -> tuple[datetime, str] | None:
    rest = text
    if match := _ISO.search(text):
        year, month, day, hour, minute, offset = match.groups()
        rest = _without(text, match)
        if hour is not None:
            named = datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=zone)
            if offset:
                named = datetime.fromisoformat(f"{named:%Y-%m-%dT%H:%M}{offset}")
            return _future(named, now, rest)
        day_named: datetime | None = datetime(int(year), int(month), int(day), tzinfo=zone)
        again = None
    else:
        day_named, again, rest = _day(text, local, zone)
    clock, rest = _clock(rest)
    if day_named is None:
        if clock is None:
            return None
        day_named, again = local, timedelta(days=1)
    hour_, minute_ = clock or (_MORNING, 0)
    named = day_named.replace(hour=hour_, minute=minute_, second=0, microsecond=0)
    if named <= local and again is not None:
        named += again
    return _future(named, now, rest)


def _day(text: str, local: datetime, zone: ZoneInfo) -> tuple[datetime | None, timedelta | None, str]:
    """The day, after how long it comes again (for a day of the week that has passed), and the rest of the text."""
    if (match := _KOREAN_DATE.search(text)) or (match := _DATE.search(text)):
        if match.re is _KOREAN_DATE:
            year, month, day = match.group(1), int(match.group(2)), int(match.group(3))
        else:
            year = match.group(5)
            month = _MONTHS.index((match.group(2) or match.group(3)).lower()) + 1
            day = int(match.group(1) or match.group(4))
        named = datetime(int(year) if year else local.year, month, day, tzinfo=zone)
        if not year and named.date() < local.date():
            named = named.replace(year=local.year + 1)
        return named, None, _without(text, match)
    if match := _DAY.search(text):
        word = (match.group(1) or match.group(2)).lower()
        day_named = local + timedelta(days=_AHEAD[word])
        rest = _without(text, match)
        if word == "tonight":
            rest += " at 20:00"
        return day_named, None, rest
    if match := _WEEKDAY.search(text):
        if match.group(2):
            number, next_week = _WEEKDAYS.index(match.group(2).lower()), match.group(1)
        else:
            number, next_week = _KOREAN_WEEKDAYS.index(match.group(4)), match.group(3)
        ahead = (number - local.weekday()) % 7
        if next_week:  # of the week that begins next Monday
            ahead = 7 - local.weekday() + number
        return local + timedelta(days=ahead), timedelta(days=7), _without(text, match)
    if match := _NEXT_WEEK.search(text):
        return local + timedelta(days=7 - local.weekday()), None, _without(text, match)
    return None, None, text


def _clock(text: str) -> tuple[tuple[int, int] | None, str]:
    if match := _CLOCK.search(text):
        groups = match.groups()
        hour = int(groups[0] or groups[3] or groups[6] or groups[9])
        minute = int(groups[1] or groups[4] or groups[7] or groups[10] or (30 if groups[11] else 0))
        half = (groups[2] or groups[5] or "").lower().replace(".", "")
        late = half == "pm" or groups[8] in ("오후", "저녁", "밤")
        if late and hour < 12:
            hour += 12
        elif (half == "am" or groups[8] in ("오전", "아침")) and hour == 12:
            hour = 0
        if hour > 23 or minute > 59:
            raise ValueError("no time of day")
        return (hour, minute), _without(text, match)
    if match := _NAMED_CLOCK.search(text):
        word = next(group for group in match.groups() if group).lower()
        return (_NAMED_HOURS[word], 0), _without(text, match)
    return None, text


def _future(named: datetime, now: datetime, rest: str) -> tuple[datetime, str] | None:
    when = named.astimezone(UTC)
    if not now < when <= now + timedelta(days=366 * _MOST_YEARS):
        return None
    return when, " ".join(rest.split())


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()]} {text[match.end() :]}"


_TO = re.compile(r"^\s*(?:to|that|about|of)\s+|^[\s,]+|[\s,]+$|\s*(?:이?라|하|으)$", re.IGNORECASE)
_WHEN_WORDS = (_IN, _ISO, _KOREAN_DATE, _DATE, _DAY, _WEEKDAY, _NEXT_WEEK, _CLOCK, _NAMED_CLOCK)


def split_reminder(text: str) -> tuple[str, str]:
    """What to remind of, and the words that name the time, of "on Friday at 9 to send the report"."""
    when: list[tuple[int, str]] = []
    rest = text
    for pattern in _WHEN_WORDS:
        if match := pattern.search(rest):
            when.append((text.find(match.group()), match.group()))
            rest = f"{rest[: match.start()]}  {rest[match.end() :]}"
    rest = " ".join(rest.split())
    previous = ""
    while previous != rest:
        previous, rest = rest, _TO.sub("", rest, count=1)
    return rest, " ".join(words for _, words in sorted(when))
