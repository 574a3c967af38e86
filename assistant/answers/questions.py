"""What a question asks for, and what it means when it stands in a conversation."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.answers.sides import sides_of
from retrieval.analyzer import analyze, language


class QuestionType(StrEnum):
    """The kind of thing that would answer a question."""

    PERSON = "person"
    TIME = "time"
    PLACE = "place"
    NUMBER = "number"
    DURATION = "duration"
    HOW_TO = "how_to"
    YES_NO = "yes_no"
    DEFINITION = "definition"
    LIST = "list"
    REASON = "reason"
    VIEWS = "views"
    COMPARISON = "comparison"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Question:
    """A question that stands by itself. `terms` are its search terms without repetition, `language` its ISO code;
    `sides` what a comparison compares, empty for any other."""

    text: str
    language: str
    type: QuestionType
    terms: tuple[str, ...]
    sides: tuple[str, ...] = ()


# In order: the first that matches decides.
_TYPES: tuple[tuple[QuestionType, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        (
            QuestionType.VIEWS,
            r"^\s*(?:what|why) (?:do|did|does|would|didn't|did not)\b.*?\b(?:think|feel|say|agree|disagree|talk|discuss"
            r"|comment|suggest|recommend|learn|question)\b,? "
            r"(?:(?:about|of|on|with|towards?|regarding|concerning|when|during|in the|at the)\b|and why\b)"
            r"|^\s*what (?:is|was|are|were)\b.*\b(?:opinions?|attitudes?|comments?|thoughts|suggestions?"
            r"|recommendations?|concerns?|discussions?) (?:about|of|on|to|towards?|regarding|concerning|when)\b"
            r"|^\s*(?:please )?(?:summari[sz]e|sum up|recap|outline)\b"
            r"|어떻게 생각|무슨 (?:의견|논의|이야기|말)|(?:의견|논의|생각)(?:은|는|이|가)?\s?(?:무엇|뭐|어땠|어떤)",
        ),
        (
            QuestionType.DURATION,
            r"\bhow (?:long|soon|quickly|many (?:minutes|hours|days|weeks|months|years))\b|\bhow far in advance\b"
            r"|얼마나 (?:오래|걸리|있었)|얼마 동안|며칠 동안|몇 (?:분|시간|일|주|개월|달|년) ?(?:동안|간)|기간",
        ),
        (
            QuestionType.NUMBER,
            r"\bhow (?:many|much|old|far|tall|high|large|big|fast|often|deep|wide|heavy)\b"
            r"|\bwhat (?:(?:is|was|are|were) )?(?:\w+ ){0,2}(?:number|percentage|percent|amount|population"
            r"|rate|ratio|price|cost|age|size|limit|score|temperature|distance|length|height|weight)\b|몇(?!몇)|얼마|비율|퍼센트",
        ),
        (
            QuestionType.REASON,
            r"\bwhy\b|\bwhat (?:is|was|are|were) the (?:reason|cause)|\bhow come\b|왜|이유|까닭|원인",
        ),
        (
            QuestionType.HOW_TO,
            r"\bhow (?:do|can|should|to|would|must|does one|are we)\b|\bwhat (?:are the steps|is the process|do i do)"
            r"|\bsteps? to\b|어떻게|방법|하려면|절차",
        ),
        (
            QuestionType.TIME,
            r"\bwhen\b|\b(?:what|which|in what|on what) (?:\w+ )?(?:years?|dates?|days?|months?"
            r"|century|centuries|decades?|time|periods?|eras?)\b|\bdeadline\b|언제|몇\s?년|몇\s?월|시기|연도|년도|날짜|며칠",
        ),
        (
            QuestionType.PLACE,
            r"\bwhere\b|\b(?:what|which|in what|in which) (?:\w+ )?(?:city|country|state|place|location|region"
            r"|continent|town|street|building|room|area|province|county|island|river)\b|어디|어느\s?(?:나라|도시|지역|곳)|장소|지역은|도시는|나라는",
        ),
        (
            QuestionType.PERSON,
            r"\bwho(?:m|se)?\b|\b(?:what|which) (?!(?:do|does|did)\b)(?:\w+ ){0,2}(?:person|man|woman|player|president"
            r"|king|queen|author|actor|scientist|team|company|organization|agency|manager)\b"
            r"|\bwhat (?:is|was) (?:his|her)(?: \w+)? name\b"
            r"|\bwhat (?:is|was|are|were) the (?:first|last|family) names?\b"
            r"|\bwhat (?:is|was|are|were) the names? of (?:[\w']+ ){0,3}?(?:player|quarterback|leader|teacher|partner"
            r"|founder|son|daughter|wife|husband|child|king|queen|author|artist|scientist|director|manager)s?\b"
            r"|누구|누가|누굴|사람은|인물",
        ),
        (
            QuestionType.LIST,
            r"\b(?:what|which) are\b|\bwhat (?:kinds?|types?|sorts?|tools|options|things|benefits)\b"
            r"|^\s*(?:list|name)\b|종류|목록|무엇들|어떤 것들",
        ),
        (
            QuestionType.DEFINITION,
            r"^\s*(?:what(?:'s| is| was| are| were)|define|explain|describe)\b"
            r"(?!.*\b(?:name|called|of the|difference)\b)|\bwhat does .* mean\b|\bmeaning of\b"
            r"|이?란\s?(?:무엇|뭐|\?)|[은는이가]\s?(?:무엇|뭐|뭔가)|정의"
            r"|뜻은|의미",
        ),
        (
            QuestionType.YES_NO,
            r"^\s*(?:is|are|was|were|do|does|did|can|could|should|may|must|will|would|has|have|had|am)\b"
            r"|(?:나요|습니까|ㄹ까요|인가요|되나요|있나요|가능한가요|해도 되|될까)\s*\??\s*$",
        ),
    )
)

_CLAUSE_BEFORE = re.compile(
    r"^\s*(?:when|where|while|if|as|after|before|since|although|because)\b[^?]*?,\s*"
    r"(?=(?:(?!(?:and|or|but)\b)\w+\s)?(?:who|whom|whose|what|which|when|where|why|how)\b)",
    re.IGNORECASE,
)
_CLAUSE_AFTER = re.compile(
    r"(?<=\w)(?<!\band)(?<!\bor)\s+(?:who|whom|whose|when|where|why)\b.*", re.IGNORECASE | re.DOTALL
)
_ASKS_FIRST = re.compile(
    r"^\s*(?:(?:in|on|at|to|from|for|by|with|about|of|under|during|since|until|and|so|but)\s)?"
    r"(?:what|which|who|whom|whose|how|when|where|why)\b",
    re.IGNORECASE,
)
_ASKS_LATER = re.compile(r"\b(?:what|which)\b", re.IGNORECASE)

_FOLLOW_UP_LEAD = re.compile(
    r"^\s*(?:and|but|also|so|then|or|ok(?:ay)?,?)\b[\s,]*|^\s*(?:and\s+)?(?:what|how) about\b\s*"
    r"|^\s*(?:그럼|그러면|그리고|그렇다면|그런데|또|그래서)[\s,]+",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|that one|this one|those|these|there|the same|one"
    r"|ones)\b|\b(?:that|this)\b(?=\s*(?:\?|$|is\b|was\b|be\b|apply|happen|take|work|mean|cost|for\b|in\b|change))"
    r"|(?:^|\s)(?:그것|그거|그건|그게|이것|이거|이건|이게|그는|그가|그의|그녀|그들|거기|그곳|그때|저것|그 사람)",
    re.IGNORECASE,
)
_PREPOSITION = re.compile(r"^\s*(for|in|at|of|with|to|on|by|from|during|after|before)\s+", re.IGNORECASE)
_PREPOSITIONS = "for|in|at|of|with|to|on|by|from|during|after|before"
_WORD = re.compile(r"[\w'’.\-]*\w", re.UNICODE)
_PROPER = re.compile(r"(?<!^)(?<![.?!] )\b[A-Z][\w'’\-]*(?:\s+[A-Z][\w'’\-]*)*")
_ASKS_WHAT = re.compile(r"무슨|무엇|뭐|뭘|어떤|어느")
# The words that only make it a question ("How long", "... 하나요?", "... 했는가?") say nothing of what is asked.
_ASKING = re.compile(
    r"^\s*how (?:long|many|much|often|soon)\b"
    r"|(?:(?:해야|써야|가야|되|하|있|없|했|하였|되었|됐|이|인|한|된|던|합|됩|입)?(?:였|었|았)?\s?"
    r"(?:하나요|되나요|있나요|없나요|나요|는가요|은가요|인가요|던가요|는가|은가|인가|던가|한가|한가요|을까요|ㄹ까요|할까요"
    r"|될까요|까요|까|니까|습니까|입니까|합니까|됩니까|니|냐|죠|지요|어요|아요|해요|예요|이에요|야|주세요|줘))\s*[?.!]*\s*$",
    re.IGNORECASE,
)
_MOST_CARRIED = 10
# A question with fewer content terms than this can hardly stand by itself ("Why?", "For how long?").
_FEW_TERMS = 2


def understand(text: str, *, asked_as: QuestionType | None = None) -> Question:
    """What a question asks; `asked_as` gives the type where the wording alone does not show it (an ellipsis)."""
    kind = question_type(text)
    if kind is QuestionType.OTHER and asked_as is not None:
        kind = asked_as
    terms = tuple(dict.fromkeys(analyze(_ASKING.sub("", text))))
    return Question(text, language(text), kind, terms, sides_of(text) or ())


def question_type(text: str) -> QuestionType:
    """The type by the wording of the question, English or Korean."""
    if sides_of(text):
        return QuestionType.COMPARISON
    text = _main_clause(text)
    for kind, pattern in _TYPES:
        if pattern.search(text) and not (kind is QuestionType.YES_NO and _ASKS_WHAT.search(text)):
            return kind
    return QuestionType.OTHER


def _main_clause(text: str) -> str:
    """The question without the clauses that only say about what: of "When it rains, what is the rule?" the rest, and
    of "What did the man who came do?" the beginning."""
    text = _CLAUSE_BEFORE.sub("", text)
    asks = _ASKS_FIRST.match(text)
    if asks:
        return text[: asks.end()] + _CLAUSE_AFTER.sub("", text[asks.end() :])
    later = _ASKS_LATER.search(text)
    return text[later.start() :] if later else text


def in_conversation(turns: Sequence[str]) -> Question:
    """The last of a person's turns as a question that stands by itself, with the subject of the earlier ones.

    "How do I request leave?", "And for contractors?" -> "for contractors? request leave". Raises ValueError when there
    is no turn.
    """
    if not turns:
        raise ValueError("a conversation has at least one turn")
    question = understand(turns[0])
    for turn in turns[1:]:
        question = _resolve(turn, question)
    return question


def _resolve(turn: str, previous: Question) -> Question:
    lead = _FOLLOW_UP_LEAD.match(turn)
    rest = turn[lead.end() :] if lead else turn
    terms = set(analyze(rest))
    kind = question_type(rest)
    elliptic = (lead is not None and (kind is QuestionType.OTHER or len(terms) <= _FEW_TERMS)) or len(
        terms
    ) < _FEW_TERMS
    if not elliptic and not (_PRONOUN.search(turn) and len(terms) <= 2 * _FEW_TERMS + 2):
        return understand(turn)
    earlier = _without_replaced(previous.text, rest, named=lead is not None) if elliptic else previous.text
    carried = [word for word in _content_words(earlier) if not terms.issuperset(analyze(word))][:_MOST_CARRIED]
    return understand(" ".join([rest.strip() or turn.strip(), *carried]), asked_as=previous.type if elliptic else None)


def _content_words(text: str) -> list[str]:
    """Words that mean something to the search, as they are written, without repetition."""
    return list(dict.fromkeys(word for word in _WORD.findall(text) if analyze(word)))


def _without_replaced(earlier: str, ellipsis: str, *, named: bool) -> str:
    """The earlier question without the part that the ellipsis puts another in place of.

    "What is the per diem for Chicago?" + "for Boston?" -> "What is the per diem?"; with no preposition, a name takes
    the place of the last name.
    """
    preposition = _PREPOSITION.match(ellipsis)
    if preposition:
        pattern = rf"\b{preposition.group(1)}\b(?:(?!\b(?:{_PREPOSITIONS})\b)[^?])*"
        return re.sub(pattern, " ", earlier, count=1, flags=re.IGNORECASE)
    if named and ellipsis[:1].isupper():
        names = list(_PROPER.finditer(earlier))
        if names:
            return earlier[: names[-1].start()] + earlier[names[-1].end() :]
    return earlier
