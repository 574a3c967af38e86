"""Whether a sentence holds the kind of thing that a question asks for: a number, a date, a name, a step, a reason."""

import re
from collections.abc import Sequence

from assistant.questions import QuestionType
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
