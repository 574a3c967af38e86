"""Whether a sentence says yes where its source says no: negation, opposites, and how much is said ("all", "must").

English: what a negation reaches is the words behind it, up to the end of the clause; a word that the source only denies
must not be asserted, and what the source only asserts must not be denied. Korean denies at the end of a clause: the
clause of the source that shares most words with that of the sentence must be denied as often, even or odd.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest

from retrieval.analyzer import analyze, without_particle

_CACHED = 4_000
_IDIOMS = re.compile(
    r"\bno (?:later|more|less|fewer|earlier) than\b|\bnot (?:only|just|later than|more than|less than)\b"
    r"|\bwhether or not\b|\bno\. ?(?=\d)|\bfree of charge\b",
    re.IGNORECASE,
)
_CUE = re.compile(
    r"\b(?:not|cannot|never|no|none|nobody|nothing|neither|nor|without|except(?:ing)?|unless|need not|no longer"
    r"|refus(?:e|es|ed)|fail(?:s|ed)? to|lacks?)\b|n[’']t\b",
    re.IGNORECASE,
)
_EXCEPT = re.compile(r"\b(?:except(?:ing)?|unless|other than|apart from)\b", re.IGNORECASE)
# These deny the whole clause that they stand in, on both sides.
_BAN = re.compile(
    r"\b(?:forbidden|prohibit(?:s|ed)?|banned|disallowed|impossible|against the (?:rules|policy))\b", re.IGNORECASE
)
_CLAUSE = re.compile(r"[,;:.!?()]\s|[.!?]$|\b(?:but|although|though|whereas|while|because|however)\b|\s[—–-]\s")
_AND_ON = re.compile(r"\band (?!the\b|an?\b|any\b|no\b|not\b|to\b|their\b|its\b|your\b|our\b)", re.IGNORECASE)
_PREFIXES = ("un", "in", "im", "ir", "il", "dis", "non")

_OPPOSITES: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(one, re.IGNORECASE), re.compile(other, re.IGNORECASE))
    for one, other in (
        (
            r"\b(?:increas|rise|rose|risen|rising|grow|grew|climb|gain)\w*|증가|늘[어었린]|상승|올랐",
            r"\b(?:decreas|fall|fell|fallen|falling|drop|declin|shrank|shrink)\w*|감소|줄[어었였]|하락|내렸",
        ),
        (r"\bbefore\b|\bprior to\b|이전|(?<![가-힣])전(?=에|까지"
        r"|\s\d)", r"\bafter\b|이후|(?<![가-힣])[후뒤](?=에|\s)"),
        (
            r"\bat least\b|\bminimum\b|\bno (?:less|fewer|earlier) than\b|이상|최소|적어도",
            r"\bat most\b|\bmaximum\b|\bno (?:more|later) than\b|\bup to\b|이하|최대",
        ),
        (r"\bover\b|\babove\b|\bmore than\b|\bexceed\w*|초과", r"\bunder\b|\bbelow\b|\b(?:less|fewer) than\b|미만"),
        (
            r"\b(?:open|start|begin|began|begun|launch)\w*|시작|개통|개장|개업",
            r"\b(?:close[ds]?|closing|ends?|ended|finish\w*|shut)\b|끝[나난났]|종료|폐쇄|폐장|폐업",
        ),
        (r"\b(?:accept|approv|grant)\w*|승인|찬성", r"\b(?:reject|deny|denied|denies|refus)\w*|반려|거절|거부|반대"),
        (r"\b(?:includ)\w*|포함", r"\b(?:exclud)\w*|제외"),
        (r"\bw[io]ns?\b|승리|이겼", r"\blos(?:e|es|t)\b|패배|졌"),
        (r"\b(?:buy|bought|purchas)\w*|구매|매입", r"\b(?:sell|sells|sold)\b|판매|매각"),
        (r"\benabl\w*|활성화", r"\bdisabl\w*|비활성"),
        (r"\bweekdays?\b|평일", r"\bweekends?\b|주말"),
        (r"\bfirst\b|최초|처음", r"\blast\b|마지막"),
        (r"\bhigh(?:er|est)?\b|최고|높[은아]", r"\blow(?:er|est)?\b|최저|낮[은아]"),
        (r"\binternal\b|국내|사내", r"\bexternal\b|국외|해외|사외"),
        (r"\bfree\b|무료", r"\bpaid\b|\bcharged\b|유료"),
        (r"지상", r"지하"),
        (r"상반기", r"하반기"),
        (r"입사", r"퇴사"),
        (r"\ballow(?:s|ed)?\b|\bpermit\w*|허용|허가", r"금지|불허"),
        # How much: the first side claims more than the second.
        (r"\b(?:all|every|each|always|entire)\b|모든|전부|전체|언제나|항상", r"\b(?:some|most|many|few|several"
        r"|sometimes|often)\b|일부|대부분|때때로|가끔"),
        (r"\b(?:must|shall|required|mandatory|(?:has|have) to)\b|해야|필수"
        r"|의무", r"\b(?:may|can|could|might|optional(?:ly)?)\b|할 수 있|해도 [되된됩]|선택"),
    )
)  # fmt: skip
_CLAIMS_MORE = 2  # the last so many pairs: only claiming more than the source is wrong

_KOREAN = re.compile(r"[가-힣]")
_KOREAN_CLAUSE = re.compile(r"(?<=[고며])\s|(?<=지만)\s|(?<=으나)\s|(?<=[는은]데)\s|(?<=니까)\s|[,;]\s|[.!?]\s?")
_KOREAN_CUE = re.compile(
    r"(?:지[는도]? ?(?:않|못|말|마[십세시라])|(?<![가-힣])(?:못|안) ?(?=[가-힣]))(?!는 |은 |던 )|없(?![이애앴는던])"
    r"|아니[다며라고]|아닙"
    r"|금지|불가|불허"
)
_WITHOUT = re.compile(r"([가-힣]+)\s?없이")


def contradicts(sentence: str, source: str) -> bool:
    """Whether `sentence` denies what `source` asserts, asserts what it denies, or says the opposite or more."""
    if _opposed(sentence, source):
        return True
    if _KOREAN.search(sentence):
        return _denied_otherwise_in_korean(sentence, source)
    return _denied_otherwise(sentence, source)


def _opposed(sentence: str, source: str) -> bool:
    for number, (one, other) in enumerate(_OPPOSITES):
        said, there = (_sides(text, one, other) for text in (sentence, source))
        if said == (True, False) and there == (False, True):
            return True
        only_more = number >= len(_OPPOSITES) - _CLAIMS_MORE
        if not only_more and said == (False, True) and there == (True, False):
            return True
    return False


def _sides(text: str, one: re.Pattern[str], other: re.Pattern[str]) -> tuple[bool, bool]:
    return one.search(text) is not None, other.search(text) is not None


def _denied_otherwise(sentence: str, source: str) -> bool:
    asserted, denied = _english(sentence)
    source_asserted, source_denied_groups = _english(source)
    source_denied = frozenset().union(*source_denied_groups)
    everything = source_asserted | source_denied
    exceptions = frozenset(
        term for match in _EXCEPT.finditer(source) for term in analyze(_clause_after(source, match.end()))
    )
    named_exception = bool(exceptions & asserted)
    if denied and not source_denied and not _has_prefixed(frozenset().union(*denied), source_asserted):
        return True
    for group in denied:
        if not group & everything or group & source_denied:
            continue
        if next(iter(group_in_order(sentence, group)), "") in source_asserted and not named_exception:
            return True
    if named_exception and denied:
        return False
    if (asserted & source_denied) - source_asserted:
        return True
    # "unpaid" where the source says "paid", and the other way round.
    return _has_prefixed(asserted - everything, source_asserted) or _has_prefixed(
        source_asserted - asserted, asserted - everything
    )


def group_in_order(sentence: str, group: frozenset[str]) -> Iterator[str]:
    """The terms of `group` as they come in `sentence`."""
    return (term for term in analyze(sentence) if term in group)


def _has_prefixed(terms: frozenset[str], others: frozenset[str]) -> bool:
    """Whether a term is another one denied by its prefix: unpaid, invalid."""
    return any(
        term.startswith(prefix) and len(term) > len(prefix) + 2 and term[len(prefix) :] in others
        for term in terms
        for prefix in _PREFIXES
    )


@lru_cache(maxsize=_CACHED)
def _english(text: str) -> tuple[frozenset[str], tuple[frozenset[str], ...]]:
    """The terms that a text asserts, and those that it denies, by negation."""
    text = _IDIOMS.sub(" ", text)
    asserted: set[str] = set()
    denied: list[frozenset[str]] = []
    for clause in _pieces(_CLAUSE, text):
        if _BAN.search(clause):
            denied.append(frozenset(analyze(_BAN.sub(" ", clause))))
            continue
        cues = list(_CUE.finditer(clause))
        asserted.update(analyze(clause[: cues[0].start()] if cues else clause))
        for cue, following in zip_longest(cues, cues[1:]):
            reach = clause[cue.end() : following.start() if following else len(clause)]
            stop = _AND_ON.search(reach)
            if stop is not None:
                asserted.update(analyze(reach[stop.end() :]))
                reach = reach[: stop.start()]
            if group := frozenset(analyze(reach)):
                denied.append(group)
    return frozenset(asserted), tuple(denied)


def _clause_after(text: str, start: int) -> str:
    end = _CLAUSE.search(text, start)
    return text[start : end.start() if end else len(text)]


def _pieces(boundary: re.Pattern[str], text: str) -> list[str]:
    return [piece for piece in boundary.split(text) if piece and piece.strip()]


def _denied_otherwise_in_korean(sentence: str, source: str) -> bool:
    clauses = [(frozenset(analyze(clause)), clause) for clause in _pieces(_KOREAN_CLAUSE, source)]
    if not clauses:
        return False
    for clause in _pieces(_KOREAN_CLAUSE, sentence):
        # What a sentence is about ("직원은") often stands in another clause of the source than what is said of it.
        words = [word for word in clause.split() if not word.endswith(("은", "는"))] or clause.split()
        terms = frozenset(analyze(" ".join(words)))
        if not terms:
            continue
        best = max(len(terms & there) for there, _ in clauses)
        if not best:
            continue
        nearest = [text for there, text in clauses if len(terms & there) == best]
        if all(_denials(clause) % 2 != _denials(text) % 2 for text in nearest):
            return True
        missing = {without_particle(word) for word in _WITHOUT.findall(clause)}
        if missing and not any(missing <= set(map(without_particle, _WITHOUT.findall(text))) for text in nearest):
            return True
    return False


def _denials(clause: str) -> int:
    # "안 됩니다" and its kind after a condition ("알려 주면 안 됩니다") deny once, like any other.
    return len(_KOREAN_CUE.findall(clause))
