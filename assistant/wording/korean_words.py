"""Whether the words of a Korean sentence are in its source. The default embedding model knows no Korean: words decide.

Words change their endings and lose their blanks, so that a word counts as there when what is left of it without its
particle stands anywhere in the source. A noun that says who, what or where and is not there says something else.
"""

import re
from dataclasses import dataclass

from retrieval.analyzer import without_particle


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EOJEOL = re.compile(r"[가-힣]+")
_BLANKS = re.compile(r"[\s·,./()\"'“”‘’\-]+")
_PREDICATE = re.compile(
    r"(?:[다요죠까]|습니다|니다|음|함|됨|임|[해하되된됐돼]서|[고며]|지만|거나|[는은을]데|하여|되어|[어아]야|려면|으면|하면|되면|다면|도록|[해하]야|[면서]|[하되]지|[하되]기|[할될한된]|[하되]는|[해돼]도)$"
)
# Nouns that name no more than what kind of thing the rest is, and words that carry grammar.
_SLIGHT = _words(
    """
    수 것 때 등 및 더 그 이 저 약 총 각 위 위해 위한 대한 대해 관한 관해 따라 따르면 통해
    경우 경우에는 정도 때문 때문에 이상 이하 이내 위치 위치는 이름 방법 길이 내용 이유 시간
    날짜 기간 금액 비용 현재 그리고 또한 또 하지만 있는 없는 하는 되는 된 할 한 있고 있으며
    합니다 있습니다 있다 없습니다 없다 입니다 이다 됩니다 된다 한다 않습니다 않는다 않다 않아도
    못합니다 못한다 하지 지하 오전 오후 해야 하면 끝나면 일부 모든 전체 매주 매월 매년 연간
    월간 주간 하루 이틀 사흘 나흘 닷새 열흘 보름 한두 두 세 네 다섯 여섯 일곱 여덟 아홉 열
    일주일 달 문서 자료 출처 매우 바로 함께 다시 모두 각각 특히 즉 먼저 이미 아직 주로 약간
    반드시 직접
    """
)
_UNIT = re.compile(
    r"^(?:년|월|일|시|분|초|시간|개월|주|명|개|번|회|원|만|억|천|층|퍼센트|미터|킬로미터|달러|유로|세|살|당|간|씩|까지|부터|이내)+"
)

_COUNTER = re.compile(_UNIT.pattern[1:] + r"(?:으로|로|이|가|은|는|을|를|에|의|씩|까지|부터)?")


@dataclass(frozen=True, slots=True)
class KoreanWords:
    """`share` of the words that the source has, 0..1; `unnamed` are nouns that it has not."""

    share: float
    unnamed: tuple[str, ...]


def unnamed_korean(sentence: str, source: str) -> KoreanWords:
    """Holds the Hangul words of `sentence` to `source`."""
    run = _BLANKS.sub("", source)
    there = total = 0
    unnamed: list[str] = []
    for match in _EOJEOL.finditer(sentence):
        word = match.group()
        if _COUNTER.fullmatch(word):
            continue
        if match.start() and sentence[match.start() - 1].isdigit():
            word = _UNIT.sub("", word)  # figures have rules of their own
        stem = without_particle(word)
        if not stem or word in _SLIGHT or stem in _SLIGHT:
            continue
        total += 1
        if _stands_in(word, stem, run):
            there += 1
        elif len(stem) > 1 and not _PREDICATE.search(word):
            unnamed.append(stem)
    return KoreanWords(there / total if total else 1.0, tuple(unnamed))


def _stands_in(word: str, stem: str, run: str) -> bool:
    if stem in run:
        return True
    if _PREDICATE.search(word) or len(stem) >= 4:
        # The ending changes, and the consonant before it: 이끈다, 이끌고.
        begin = stem[:2]
        return begin in run or (
            len(begin) == 2
            and begin[0] + _open(begin[1])
            in {run[at : at + 1] + _open(run[at + 1]) for at in range(len(run) - 1) if run[at] == begin[0]}
        )
    return False


def _open(syllable: str) -> str:
    """A syllable without its final consonant."""
    code = ord(syllable) - 0xAC00
    return chr(0xAC00 + code // 28 * 28) if 0 <= code < 11_172 else syllable
