"""Words that the check of an answer's sentences treats alike, or not as content."""

from retrieval.analyzer import analyze


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What one of a line says, another says too.
_GROUPS = (
    "employee staff worker personnel",
    "company firm organisation organization business",
    "get receive obtain entitled",
    "approve authorise authorize approval",
    "request ask apply",
    "begin start commence",
    "end finish conclude",
    "cost price",
    "manager supervisor",
    "lead leader head led",
    "holiday vacation leave",
    "need require must",
    "allow permit may let",
    "buy purchase",
    "give gave given",
    "rise rose risen increase",
    "fall fell fallen decrease",
    "keep kept retain store",
    "sell sold",
    "choose chose chosen select",
    "send sent",
    "write wrote written writing",
    "reuse use",
)
SAME = {term: f"={number}" for number, group in enumerate(_GROUPS) for term in analyze(group)}
"""The group of a term; a group's name is no term."""

SLIGHT = frozenset(
    analyze(
        "also according please note well therefore overall specifically document source passage state say says said "
        "mention follow following per year need needs one does made make must may shall allow permit able possible"
    )
)
"""Terms that may be added without saying more."""

LEADING = SLIGHT | frozenset(
    analyze(
        "find found answer information list detail result summary summaries source step way point question know look "
        "show help relevant related available below first next main key "
        "다음 다음과 같습니다 내용 답변 정보 요약 결과 방법 절차 단계 목록 알려 드리겠습니다 드립니다 "
        "찾은 자료 자료에 따르면"
    )
)
"""Terms that a lead-in may have besides those of the question."""

YES_OR_NO = _words("Yes No 네 예 아니요 아니오 아닙니다")

UNIT_WORDS = _words("usd eur krw percent dollar dollars euro euros won")

NUMBER_WORDS = _words(
    """
    one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
    nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen day days week
    weeks month months year years hour hours minute minutes second seconds metre metres meter meters km m
    """
)
