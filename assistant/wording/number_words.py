"""Number words as digits: "twenty-one days" -> "21 days", "두 시간" -> "2 시간", "사흘" -> "3일"."""

import re


def _words(text: str) -> list[str]:
    return text.split()


_SMALL = {
    word: number
    for number, word in enumerate(
        _words(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen"
        )
    )
} | {"dozen": 12}
_TENS = {
    word: 10 * number
    for number, word in enumerate(_words("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
_LARGE = {"hundred": 100, "thousand": 1_000, "million": 10**6, "billion": 10**9}
_WORD = "|".join(sorted([*_SMALL, *_TENS, *_LARGE], key=len, reverse=True))
_ENGLISH = re.compile(rf"\b(?:{_WORD})(?:(?:[\s-]+and)?[\s-]+(?:{_WORD}))*\b", re.IGNORECASE)
# "One" is a pronoun more often than a number: only before what is counted does it count.
_COUNTED = re.compile(
    r"[\s-](?:second|minute|hour|day|night|week|month|year|percent|per cent|dollar|euro|person|time|business|working)",
    re.IGNORECASE,
)

_NATIVE = {
    **{"한": 1, "하나": 1, "두": 2, "세": 3, "네": 4, "다섯": 5, "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10},
    **{"스무": 20, "스물": 20, "서른": 30, "마흔": 40, "쉰": 50},
}
_ONES = "한|두|세|네|다섯|여섯|일곱|여덟|아홉"
_COUNTERS = (
    r"시간|시(?!작|장|스)|명|개|번|달|살|가지|주(?=\s|간|일|$)|곳|대|장|권|배|군데|사람|해|차례|건|분(?=[\s이은까])"
)
_KOREAN = re.compile(
    rf"(?<![가-힣])(?P<tens>열|스물|서른|마흔|쉰)?\s?(?P<ones>{_ONES}|하나|열|스무)?\s?(?=(?:{_COUNTERS}))(?<=[가-힣\s])"
)
_SINO = {name: number for number, name in enumerate("일이삼사오육칠팔구", start=1)}
_SINO_SCALES = {"십": 10, "백": 100, "천": 1_000, "만": 10_000, "억": 10**8}
_SINO_NUMBER = re.compile(
    r"(?<![가-힣\d])(?<!\d\s)([일이삼사오육칠팔구십백천만억]{2,}|[삼육칠팔구십백])\s?(?=년|개월|주일|층|퍼센트|원|명|일간|달러|미터)"
)
_DAYS = {
    **{"하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "엿새": 6, "이레": 7, "열흘": 10, "보름": 15},
}
_DAY_WORD = re.compile(rf"(?<![가-힣])({'|'.join(_DAYS)})(?=[\s까이간동마만은을에로의]|$)")
_ONE_WEEK = re.compile(r"(?<![가-힣])일주일")


def with_digits(text: str) -> str:
    """`text` with its number words as digits; everything else as it is."""
    text = _ENGLISH.sub(_english, text)
    if not text.isascii():
        text = _ONE_WEEK.sub("1주", text)
        text = _DAY_WORD.sub(lambda match: f"{_DAYS[match[1]]}일", text)
        text = _KOREAN.sub(_korean, text)
        text = _SINO_NUMBER.sub(lambda match: str(_sino(match[1])), text)
    return text


def _english(match: re.Match[str]) -> str:
    words = [word for word in re.split(r"[\s-]+", match.group().lower()) if word != "and"]
    if words == ["one"] and not _COUNTED.match(match.string, match.end()):
        return match.group()
    if words[0] in _LARGE:  # "5 million": the digits before it are read with it
        return match.group()
    total = part = 0
    for word in words:
        if word in _LARGE:
            if _LARGE[word] == 100:
                part *= 100
            else:
                total, part = total + part * _LARGE[word], 0
        else:
            part += _SMALL.get(word, 0) or _TENS.get(word, 0)
    return str(total + part)


def _korean(match: re.Match[str]) -> str:
    tens, ones = match["tens"], match["ones"]
    if not tens and not ones:
        return match.group()
    return str(_NATIVE.get(tens or "", 0) + _NATIVE.get(ones or "", 0)) + " "


def _sino(word: str) -> int:
    total = part = digit = 0
    for sign in word:
        if sign in _SINO:
            digit = _SINO[sign]
        elif _SINO_SCALES[sign] >= 10_000:
            total, part, digit = total + (part + digit or 1) * _SINO_SCALES[sign], 0, 0
        else:
            part, digit = part + (digit or 1) * _SINO_SCALES[sign], 0
    return total + part + digit
