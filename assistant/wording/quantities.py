"""The numbers, days and times of day that a text names, in English and Korean, however they are written.

What a sentence says in figures must be in its source: "twelve weeks" is "12 weeks", "1,000" is "1000", "150만" is
"1,500,000", "two weeks" is "14 days", "9 a.m." is "오전 9시"; 12 weeks are not 12 months.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from assistant.wording.number_words import with_digits

_Day = tuple[int | None, int | None, int | None]
_CACHED = 4_000


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number in the base unit of its kind (seconds, days, months, metres, a currency); "" where no unit is known,
    and then `noun` says whether a word follows that may be what is counted."""

    value: Decimal
    unit: str
    noun: bool = False


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day in minutes after midnight; `certain` where it is known which half of the day is meant."""

    minute: int
    certain: bool


@dataclass(frozen=True, slots=True)
class Measures:
    """What a text names in figures. `rates` are periods that something is said of: a week, 매월."""

    quantities: frozenset[Quantity]
    days: frozenset[_Day]
    weekdays: frozenset[int]
    clocks: frozenset[Clock]
    rates: frozenset[str]


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DATES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<!\d)(\d{4})\s?[-./]\s?(\d{1,2})\s?[-./]\s?(\d{1,2})(?!\d)\.?"), "ymd"),
    (re.compile(r"(?:(?<!\d)(\d{4})년\s*)?(?<!\d)(\d{1,2})월(?:\s*(\d{1,2})일)?"), "ymd"),
    (re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+{_MONTH}(?:,?\s+(\d{{4}})\b)?"), "dmy"),
    (re.compile(rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:,?\s+(\d{{4}})\b)?"), "mdy"),
    (re.compile(rf"\b{_MONTH},?\s+(\d{{4}})\b"), "my"),
    # "May" and "March" by themselves are words too.
    (re.compile(rf"(?:\b(?:in|of|by|before|after|since|until|during|from|to|this|next|last)\s+){_MONTH}"), "m"),
)
_YEAR = re.compile(r"(?<!\d)(1\d{3}|2[01]\d{2})년")
_WEEKDAYS = re.compile(r"\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b|([월화수목금토일])요일", re.IGNORECASE)
_WEEKDAY_NUMBERS = {name: n for n, name in enumerate(("mon", "tues", "wednes", "thurs", "fri", "satur", "sun"))} | {
    name: n for n, name in enumerate("월화수목금토일")
}
_CLOCKS = re.compile(
    r"\b(?P<h1>\d{1,2})(?:[:.](?P<m1>\d{2}))?\s*(?P<half>[ap])\.?m\b\.?"
    r"|\b(?P<h2>\d{1,2}):(?P<m2>\d{2})\b"
    r"|(?:(?P<ko>오전|오후|새벽|아침|낮|저녁|밤)\s*)?(?<!\d)(?P<h3>\d{1,2})시(?!간)(?:\s*(?P<m3>\d{1,2})분|\s*(?P<half3>반))?"
    r"|\b(?P<noon>noon)\b|(?P<noon2>정오)|\b(?P<midnight>midnight)\b|(?P<midnight2>자정)",
    re.IGNORECASE,
)
_RATES: dict[str, re.Pattern[str]] = {
    "day": re.compile(r"(?<!\bin )(?<!\bwithin )\b(?:a|per|each|every)\s+day\b|\bdaily\b|매일|하루에"),
    "week": re.compile(
        r"(?<!\bin )(?<!\bwithin )(?<!\bfor )\b(?:a|per|each|every)\s+week\b|\bweekly\b|매주|(?<![가-힣])주\s?(?=\d)"
        r"|주간(?=\s)|일주일에"
    ),
    "month": re.compile(
        r"(?<!\bin )(?<!\bwithin )(?<!\bfor )\b(?:a|per|each|every)\s+month\b|\bmonthly\b|매월|매달"
        r"|(?<![가-힣\d])월\s?(?=\d)|월간(?=\s)|한 달에"
    ),
    "year": re.compile(
        r"(?<!\bin )(?<!\bwithin )(?<!\bfor )\b(?:a|per|each|every)\s+year\b|\bannual(?:ly)?\b|\byearly\b|매년|해마다"
        r"|연간|(?<![가-힣])연\s?(?=\d)|일 년에"
    ),
}
_RATE_WORDS = re.compile(r"일주일에|한 달에|하루에|일 년에")

_SCALES = {
    **{"백": 10**2, "천": 10**3, "만": 10**4, "십만": 10**5, "백만": 10**6, "천만": 10**7, "억": 10**8, "조": 10**12},
    **{"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "bn": 10**9, "k": 10**3},
}
_SCALE = r"(?:천만|백만|십만|만|억|조|천|백)(?![가-힣]*도)|(?:thousand|million|billion|trillion|bn)\b|k\b(?=[^-\w]|$)"
_KOREAN_SCALE = r"천만|백만|십만|만|억|조|천|백"
_NUMBER = re.compile(
    rf"(?P<sign>[$€£₩¥])?\s?(?P<number>\d+(?:\.\d+)?)\s?(?P<scale>{_SCALE})?"
    rf"(?P<more>(?:\s?\d+(?:\.\d+)?\s?(?:{_KOREAN_SCALE}))*)",
    re.IGNORECASE,
)
_MORE = re.compile(rf"(\d+(?:\.\d+)?)\s?({_KOREAN_SCALE})")
_SIGNS = {"$": "usd", "€": "eur", "£": "gbp", "₩": "krw", "¥": "jpy"}
_UNITS: tuple[tuple[str, str, str], ...] = (
    ("%", "1", r"%|per ?cent\b|percentage points?\b|퍼센트|프로(?![가-힣])"),
    ("business day", "1", r"(?:business|working|work)[ -]days?\b|영업일"),
    ("s", "1", r"seconds?\b|secs?\b|초(?![기반])"),
    ("s", "60", r"minutes?\b|mins?\b|분(?![기석야의])"),
    ("s", "3600", r"hours?\b|hrs?\b|시간"),
    ("day", "7", r"weeks?\b|주(?:일|간)?(?![소문요년])"),
    ("month", "1", r"months?\b|개월|달(?!러)"),
    ("month", "12", r"years?\b|yrs?\b|년"),
    ("day", "1", r"days?\b|일(?![반정부요])"),
    ("usd", "1", r"(?:us )?dollars?\b|usd\b|달러"),
    ("eur", "1", r"euros?\b|eur\b|유로"),
    ("krw", "1", r"won\b|krw\b|원(?![칙인래])"),
    ("jpy", "1", r"yen\b|엔(?!진)"),
    ("m", "1000", r"km\b|kilomet(?:er|re)s?\b|킬로미터"),
    ("m", "0.01", r"cm\b|centimet(?:er|re)s?\b|센티미터"),
    ("m", "0.001", r"mm\b|millimet(?:er|re)s?\b|밀리미터"),
    ("m", "1", r"m\b|met(?:er|re)s?\b|미터"),
    ("ft", "1", r"f(?:ee|oo)t\b|ft\b|피트"),
    ("mile", "1", r"miles?\b|마일"),
    ("g", "1000", r"kg\b|kilograms?\b|킬로그램"),
    ("g", "1", r"g\b|grams?\b|그램"),
    ("byte", "1000", r"kb\b"),
    ("byte", "1000000", r"mb\b"),
    ("byte", "1000000000", r"gb\b"),
    ("byte", "1000000000000", r"tb\b"),
    ("person", "1", r"people\b|persons?\b|명"),
    ("time", "1", r"times\b|번(?!째)|회(?![사의계])"),
    ("floor", "1", r"(?:st|nd|rd|th) floor\b|층"),
)
_UNIT = re.compile(
    r"[\s-]?(?:(?:full|consecutive|calendar|whole|more|paid|additional)[\s-])?(?:"
    + "|".join(f"(?P<u{index}>{pattern})" for index, (_, _, pattern) in enumerate(_UNITS))
    + ")",
    re.IGNORECASE,
)
_NOUN = re.compile(r"\s[a-z]{3,}|\s?[가-힣]{2,}")


@lru_cache(maxsize=_CACHED)
def measures(text: str) -> Measures:
    """All that `text` names in figures or in words for figures."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", unicodedata.normalize("NFKC", text))
    rates = frozenset(name for name, pattern in _RATES.items() if pattern.search(text))
    text = with_digits(_RATE_WORDS.sub(" ", text))
    weekdays = frozenset(_WEEKDAY_NUMBERS[(match[1] or match[2]).lower()] for match in _WEEKDAYS.finditer(text))
    text, days = _take_days(_WEEKDAYS.sub(" ", text))
    text, clocks = _take_clocks(text)
    return Measures(frozenset(_quantities(text)), days, weekdays, clocks, rates)


def unnamed_measure(said: Measures, source: Measures) -> str | None:
    """What `said` names that `source` does not: "number", "date" or None."""
    years = {Decimal(day[0]) for day in source.days if day[0] is not None}
    hours = {Decimal((clock.minute // 60 - 1) % 12 + 1) for clock in source.clocks} | {
        Decimal(clock.minute // 60) for clock in source.clocks
    }
    parts = {Decimal(part) for day in source.days for part in day[1:] if part is not None}
    for quantity in said.quantities:
        bare = not quantity.unit and quantity.value in years | hours | parts
        if not bare and not any(_same(quantity, other) for other in source.quantities):
            return "number"
    bare_years = {int(q.value) for q in source.quantities if not q.unit and q.value == q.value.to_integral_value()}
    if any(not _named(day, source.days, bare_years) for day in said.days) or not said.weekdays <= source.weekdays:
        return "date"
    if any(not any(_same_time(clock, other) for other in source.clocks) for clock in said.clocks):
        numbers = {q.value for q in source.quantities if not q.unit}
        if any(Decimal(clock.minute // 60) not in numbers for clock in said.clocks) or source.clocks:
            return "date"
    return None if said.rates <= source.rates else "number"


def _same(said: Quantity, source: Quantity) -> bool:
    if said.unit == source.unit:
        return said.value == source.value
    if said.value != source.value or (said.unit and source.unit):
        return False
    return not (said.unit and source.noun)


def _named(day: _Day, source: frozenset[_Day], bare_years: set[int]) -> bool:
    """Whether the source has this day; a year may stand apart from it ("In 2027 ... on 14 March")."""
    years = {other[0] for other in source if other[0] is not None} | bare_years
    for other in source:
        if all(part is None or part == there for part, there in zip(day[1:], other[1:], strict=True)) and (
            day[0] is None or day[0] == other[0] or (other[0] is None and day[0] in years)
        ):
            return True
    return day[1] is None and day[0] in years


def _same_time(said: Clock, source: Clock) -> bool:
    if said.certain and source.certain:
        return said.minute == source.minute
    return said.minute % 720 == source.minute % 720


def _take_days(text: str) -> tuple[str, frozenset[_Day]]:
    found: set[_Day] = set()
    for pattern, order in _DATES:

        def take(match: re.Match[str], order: str = order) -> str:
            parts: dict[str, int | None] = dict(zip(order, map(_number_of, match.groups()), strict=False))
            day = (parts.get("y"), parts.get("m"), parts.get("d"))
            if (day[1] is not None and not 1 <= day[1] <= 12) or (day[2] is not None and not 1 <= day[2] <= 31):
                return match.group()
            found.add(day)
            return " "

        text = pattern.sub(take, text)
    for match in _YEAR.finditer(text):
        found.add((int(match[1]), None, None))
    return _YEAR.sub(" ", text), frozenset(found)


def _number_of(text: str | None) -> int | None:
    if text is None:
        return None
    return int(text) if text.isdecimal() else _MONTHS.index(text[:3].lower()) + 1


def _take_clocks(text: str) -> tuple[str, frozenset[Clock]]:
    found: set[Clock] = set()

    def take(match: re.Match[str]) -> str:
        if match["noon"] or match["noon2"]:
            found.add(Clock(720, certain=True))
            return " "
        if match["midnight"] or match["midnight2"]:
            found.add(Clock(0, certain=True))
            return " "
        hour = int(match["h1"] or match["h2"] or match["h3"])
        minute = 30 if match["half3"] else int(match["m1"] or match["m2"] or match["m3"] or 0)
        half = (match["half"] or "").lower() or {"오전": "a", "새벽": "a", "아침": "a"}.get(match["ko"] or "", "")
        half = half or ("p" if match["ko"] else "")
        if hour > 24 or minute > 59:
            return match.group()
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        found.add(Clock(hour % 24 * 60 + minute, certain=bool(half) or hour > 12))
        return " "

    return _CLOCKS.sub(take, text), frozenset(found)


def _quantities(text: str) -> list[Quantity]:
    found: list[Quantity] = []
    for match in _NUMBER.finditer(text):
        value = Decimal(match["number"])
        if match["scale"]:
            value *= _SCALES[match["scale"].lower()]
        for number, scale in _MORE.findall(match["more"]):
            value += Decimal(number) * _SCALES[scale]
        unit, factor, noun = _SIGNS.get(match["sign"] or "", ""), Decimal(1), False
        if not unit:
            named = _UNIT.match(text, match.end())
            if named is not None and named.lastgroup is not None:
                unit, size, _ = _UNITS[int(named.lastgroup[1:])]
                factor = Decimal(size)
            else:
                noun = _NOUN.match(text, match.end()) is not None
        found.append(Quantity((value * factor).normalize(), unit, noun))
    return found
