"""Whether a sentence holds the kind of thing that a question asks for: a number, a date, a name, a step, a reason."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import takewhile

from assistant.answers.questions import QuestionType
from retrieval.analyzer import analyze

_SUBJECT_CHARS = 80

_PATTERNS: dict[QuestionType, re.Pattern[str]] = {
    QuestionType.NUMBER: re.compile(
        r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion"
        r"|half|third|quarter|once|twice|double|no limit)\b"
        r"|[일이삼사오육칠팔구십백천만억]\s?(?:명|개|번|회|년|달러|원|%)",
        re.IGNORECASE,
    ),
    QuestionType.DURATION: re.compile(
        r"\b(?:\d[\d,.]*|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|several|few|half)"
        r"(?:\s|-|\s\(\d+\)\s)(?:full |business |calendar |working |consecutive |work )?"
        r"(?:seconds?|minutes?|hours?|days?|nights?|weeks?|fortnights?|months?|quarters?|years?|decades?)\b"
        r"|\d+\s?(?:초|분|시간|일|주|개월|달|년)|하루|이틀|사흘|일주일",
        re.IGNORECASE,
    ),
    QuestionType.TIME: re.compile(
        r"\b\d{3,4}s?\b|\b\d{1,2}(?:st|nd|rd|th)?\b.{0,12}\b(?:century|day|week|month|year|hour|minute)"
        r"|\b(?:january|february|march|april|may|june|july|august|september|october|november|december"
        r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday|days?|weeks?|months?|years?|hours?"
        r"|annually|quarterly|daily|immediately|century|decade|today|before|after|until|during)\b"
        r"|\d+\s?[년월일세시분주]|세기|시대|매[년월주일]",
        re.IGNORECASE,
    ),
    QuestionType.HOW_TO: re.compile(
        r"\b(?:submit|send|fill|go to|open|click|select|complete|request|ask|contact|email|enter|use|follow|create|add"
        r"|make sure|log in|sign|you (?:can|must|should|need|will|may))\b"
        r"|하세요|합니다|해요|하면|해야|십시오|신청|제출",
        re.IGNORECASE,
    ),
    QuestionType.REASON: re.compile(
        r"\b(?:because|since|due to|reason|in order to|so that|therefore|caused?|led to|as a result)\b"
        r"|때문|위해|이유|므로|따라서|어서|여서",
        re.IGNORECASE,
    ),
    QuestionType.DEFINITION: re.compile(
        r"\b(?:is|are|was|were) (?:an?|the|any|one|our)\b|\b(?:means|refers to|stands for|is defined as)\b"
        r"|이?란 |을 말한다|를 말한다|을 의미|를 의미|[은는] .{2,60}(?:이다|입니다|예요|이에요)",
        re.IGNORECASE,
    ),
}
# A name: a capitalised word that does not begin a sentence, or an abbreviation.
_NAME = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z][a-z]+|\b[A-Z]{2,}\b|^(?:[A-Z][\w.]+\s){2,}")
# What people are in a company, where no name is given.
_ROLE = re.compile(
    r"\b(?:supervisors?|managers?|directors?|officers?|officials?|leads?|leadership|teams?|administrators?|heads?|specialists?"
    r"|committees?|employees?|staff|owners?|members?|partners?|HR|you|anyone|everyone|president|chief)\b"
    r"|팀장|담당자|관리자|부서|직원|대표|사장|책임자",
)
_POINTER = re.compile(
    r"^\s*(?:[-*\d.)]+\s+)?(?:please |you can )?(?:refer to|see|check out|read|visit|take a look|learn more|look at)\b"
    r"|\bfor more (?:information|details?)\b|\b(?:guide|page|document) (?:has|contains|explains)\b"
    r"|참고하세요|참고해 ?주세요|살펴보세요|자세한 (?:내용|설명)은",
    re.IGNORECASE,
)
_CASE = re.compile(
    r"^\s*(?:[-*\d.)]+\s+)?(?:if|when|while|unless|in case)\b|\bif\b.*\?$|경우|만약|다면 ", re.IGNORECASE
)
_NAMED = frozenset({QuestionType.PERSON, QuestionType.PLACE})
_DIGITS = re.compile(r"\d[\d,.]*\d|\d")
_NUMBER_WORDS = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|million|billion|half"
    r"|third|quarter|once|twice|double)"
)
_NUMBER_WORD = re.compile(rf"\b{_NUMBER_WORDS}\b", re.IGNORECASE)
# What is counted: "how many square miles", "몇 명". Some counters count the same.
_COUNTED = re.compile(r"\bhow many ((?:[\w'’-]+ ?){1,3})", re.IGNORECASE)
_COUNTER = re.compile(r"몇\s?([가-힣]|[a-zA-Z]+)")
_SAME_COUNTER = {"번": "회", "회": "번", "살": "세", "명": "인", "달": "개월"}
_KOREAN_NUMBER = r"(?:한|두|세|네|다섯|여섯|일곱|여덟|아홉|열|스물|서른|[십백천만억])"
_PERCENT_ASKED = re.compile(r"\bpercent(?:age)?\b|퍼센트|몇\s?(?:%|프로)", re.IGNORECASE)
_PERCENT = re.compile(r"%|\bper ?cent\b|퍼센트|\d\s?프로\b", re.IGNORECASE)
_UNIT = re.compile(
    r"[$€£₩]\s?\d|\d\s?(?:%|percent|miles?|km|kilomet|met(?:er|re)s?|feet|ft|acres|million|billion|people|days?|hours?"
    r"|명|개|원|달러|번|회|위|살|세|㎏|kg|㎞|m\b)"
)
_WHEN = re.compile(
    r"\b1\d{3}s?\b|\b20\d\d\b|\d+\s?[년월일]|\bcentur(?:y|ies)\b|세기"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
)
# A capitalised word inside a sentence, or an abbreviation.
_CAPITALISED = re.compile(r"(?<![.?!] )(?<!^)\b[A-Z][\w’'-]+|\b[A-Z]{2,}\b")
# Written like names, but of times.
_CALENDAR = re.compile(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)s?"
)
_DECIDING = re.compile(
    r"\b(?:must|may|shall|should|can|cannot|can't|not|never|always|only|no|yes|required|allowed|permitted|prohibited"
    r"|eligible|entitled|mandatory|optional)\b|수 있|수 없|안 됩|않습니다|않는다|아닙니다|아니다|해야|금지|가능|필수",
    re.IGNORECASE,
)


def gives(kind: QuestionType, text: str, question: str) -> bool:
    """Whether `text` gives a number, a time or a name, whichever is asked for, that the question does not say itself.

    False for other kinds, and for names in Korean, which nothing tells from other words.
    """
    if kind is QuestionType.NUMBER:
        return _NUMBER_WORD.search(text) is not None or bool(
            set(_DIGITS.findall(text)) - set(_DIGITS.findall(question))
        )
    if kind is QuestionType.TIME:
        return any(found not in question for found in _WHEN.findall(text))
    if kind in _NAMED:
        names = [name for name in _CAPITALISED.findall(text) if not _CALENDAR.fullmatch(name)]
        return not set(analyze(question)).issuperset(analyze(" ".join(names)))
    return False


def counts(question: str, text: str) -> bool:
    """Whether a number in `text` counts what is asked for ("nine nations" of "how many nations", "300명" of "몇 명").

    Where the question does not say what is counted, whether a number has a unit or a sign of money.
    """
    return (_counting(question) or _UNIT).search(text) is not None


@lru_cache(maxsize=64)
def _counting(question: str) -> re.Pattern[str] | None:
    """A number with what the question counts; None where it names nothing."""
    if _PERCENT_ASKED.search(question):
        return _PERCENT
    if asked := _COUNTER.search(question):
        counter = asked.group(1)
        return re.compile(rf"(?:\d|{_KOREAN_NUMBER})\s?(?:여\s?)?(?:{counter}|{_SAME_COUNTER.get(counter, counter)})")
    if asked := _COUNTED.search(question):
        words = list(takewhile(analyze, asked.group(1).lower().split()))
        if words:
            counted = "|".join(re.escape(word.removesuffix("s")) for word in words)
            number = rf"(?:\d|\b{_NUMBER_WORDS}\b)[\w,.–-]*"
            return re.compile(rf"{number}(?: [\w-]+){{0,2}}[ -](?:{counted})", re.IGNORECASE)
    return None


def decides(text: str) -> bool:
    """Whether a sentence says what must, may or cannot be."""
    return _DECIDING.search(text) is not None


def holds(kind: QuestionType, text: str) -> bool:
    """Whether `text` holds what a question of this kind asks for; false for kinds that show in no words."""
    if kind is QuestionType.PERSON and _ROLE.search(text):
        return True
    if kind in _NAMED:
        return _NAME.search(text) is not None
    pattern = _PATTERNS.get(kind)
    return pattern is not None and pattern.search(text) is not None


def defines(subject: Sequence[str], text: str) -> bool:
    """Whether `text` says what the subject (its search terms) is: "Tock is an internal tool", "번들러란 ..."."""
    match = _PATTERNS[QuestionType.DEFINITION].search(text)
    return match is not None and set(subject) <= set(analyze(text[: match.end()])) and match.start() <= _SUBJECT_CHARS


def points_elsewhere(text: str) -> bool:
    """Whether a sentence only says where something can be read."""
    return _POINTER.search(text) is not None


def is_special_case(text: str) -> bool:
    """Whether a text is about a condition: "If you are running out of leave, ..."."""
    return _CASE.search(text) is not None
