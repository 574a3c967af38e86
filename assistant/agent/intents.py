"""Which tool a message asks for, by its wording, English and Korean: a table of patterns, the first that matches.

What is no clear order to do something else is a question, and is searched for. The table may be generous: a tool that
finds nothing of that name says so, and the message is searched for after all (assistant.agent.extractive).
"""

# A pattern reads better on one line, however long:
# ruff: noqa: E501

import re
from collections.abc import Callable
from dataclasses import dataclass

Arguments = dict[str, str]


@dataclass(frozen=True, slots=True)
class Intent:
    """A call of a tool."""

    tool: str
    arguments: Arguments


_Make = Callable[[re.Match[str]], Intent | None]

_PLEASE = r"^\s*(?:please[, ]+)?(?:(?:can|could|would|will) you (?:please )?)?"
_END = r"\s*(?:for me)?(?:,? please)?\s*[.?!]*\s*$"
# The end of an order in Korean: "해 줘", "보여 주세요", "알려줄래?".
_DO = r"(?:\s*(?:좀\s*)?(?:해|보여|알려|찾아|추천해|나열해|말해)?\s*(?:주세요|줄래요?|줘요?|주시겠어요|주실래요|볼래|봐|주십시오))?\s*[.?!]*\s*$"
_SINCE_EN = (
    r"today|yesterday|this week|last week|this month|last month|lately|recently|since \S+(?: \S+)?|in the last \d+ days"
    r"|in the last (?:week|month)"
)
_SINCE_KO = r"오늘|어제|이번\s?주|지난\s?주|이번\s?달|지난\s?달|최근(?:\s?\d+일)?|요즘"
_THIS = re.compile(
    r"^(?:this|that|it|the)(?: (?:document|page|file))?$|^(?:이|그)\s?(?:문서|것|거|자료)$", re.IGNORECASE
)
_TAIL_KO = re.compile(r"\s*(?:문서|파일|자료)?(?:의|을|를|은|는)?(?:\s*내용)?(?:의|을|를|은|는)?\s*$")
_ABOUT_KO = re.compile(
    r"\s*(?:에\s?대해서?|에\s?대하여|에\s?관해서?|에\s?관한|에\s?대한|관련(?:된)?|을|를|은|는|이|가|의)\s*$"
)
_WHAT_IS_SAID = re.compile(
    r"(?:what (?:we|you|the sources|they) (?:know|say|have|said|think|thought) (?:about|on|of)|everything (?:about|on)"
    r"|(?:the |their |our |(?P<whose>\S.*?) )?(?:discussions?|debates?|talks?|conversations?|opinions?|views?|remarks?|comments?"
    r"|decisions?) (?:about|on|of|over|regarding|concerning|towards?)) (?P<topic>.+)",
    re.IGNORECASE,
)
_QUOTED = " \"'“”‘’「」『』"


def intent_of(message: str) -> Intent | None:
    """What a message asks to do; None for a question to search for."""
    text = " ".join(message.split()).rstrip("?!. ")
    for pattern, make in _TABLE:
        if (match := pattern.search(text)) and (intent := make(match)) is not None:
            return intent
    return None


def _summary(match: re.Match[str]) -> Intent | None:
    target = match.group(1).strip(_QUOTED)
    if about := _WHAT_IS_SAID.match(target):
        return Intent("summarize", {"query": about.group("topic") if about.group("whose") is None else target})
    return Intent("summarize", {"document": "" if _THIS.match(target) else target})


def _summary_ko(match: re.Match[str]) -> Intent | None:
    target = match.group(1).strip(_QUOTED)
    if re.search(r"에\s?(?:대해|대한|관해|관한)", target):
        return Intent("summarize", {"query": _ABOUT_KO.sub("", target)})
    if _THIS.match(target):
        return Intent("summarize", {"document": ""})
    return Intent("summarize", {"document": _TAIL_KO.sub("", target).strip(_QUOTED)})


def _news(match: re.Match[str]) -> Intent | None:
    space, since = (match.group("space") or "").strip(_QUOTED), match.group("since") or ""
    if not space or len(space.split()) > 6:
        return None
    return Intent("summarize", {"space": space, "since": re.sub(r"^since ", "", since)})


def _news_ko(match: re.Match[str]) -> Intent | None:
    text = match.string
    since = re.search(_SINCE_KO, text)
    space = re.sub(rf"(?:{_SINCE_KO})(?:에|의)?\s*", "", match.group(1)).strip(_QUOTED)
    space = re.sub(r"\s*(?:공간|스페이스)?\s*(?:에서|에는|에|의|은|는)?\s*$", "", space).strip(_QUOTED)
    if not space:
        return None
    return Intent("summarize", {"space": space, "since": since.group() if since else ""})


def _recommend(kind: str) -> _Make:
    def make(match: re.Match[str]) -> Intent | None:
        about = next((group for group in match.groups() if group), "")
        about = _ABOUT_KO.sub("", about.strip(_QUOTED)).strip(_QUOTED)
        return Intent("recommend", {"kind": kind, "about": about}) if about else None

    return make


def _groups(match: re.Match[str]) -> Intent | None:
    word = next(group for group in match.groups() if group).lower()
    kinds = {"project": "projects", "프로젝트": "projects", "team": "teams", "팀": "teams"}
    return Intent("list_groups_and_people", {"kind": kinds.get(word.removesuffix("s"), "spaces")})


def _members(match: re.Match[str]) -> Intent | None:
    space = next(group for group in match.groups() if group).strip(_QUOTED)
    return Intent("list_groups_and_people", {"kind": "people", "space": space})


def _documents(match: re.Match[str]) -> Intent | None:
    found = {name: value.strip(_QUOTED) for name, value in match.groupdict().items() if value}
    return Intent("list_documents", found)


def _documents_ko(match: re.Match[str]) -> Intent | None:
    about = (match.group(1) or "").strip(_QUOTED)
    about = _ABOUT_KO.sub("", re.sub(r"^(?:내|제|우리)\s*", "", about)).strip(_QUOTED)
    return Intent("list_documents", {"about": about} if about else {})


def _open(match: re.Match[str]) -> Intent | None:
    target = match.group(1).strip(_QUOTED)
    return Intent("open_document", {"document": target}) if target and not _THIS.match(target) else None


def _save(match: re.Match[str]) -> Intent | None:
    found = {name: (match.groupdict().get(name) or "").strip(_QUOTED) for name in ("title", "space")}
    return Intent("save_answer", {name: value for name, value in found.items() if value})


def _append(match: re.Match[str]) -> Intent | None:
    return Intent("add_to_document", {"document": match.group(1).strip(_QUOTED)})


def _remind(match: re.Match[str]) -> Intent | None:
    from assistant.wording.times import split_reminder

    text, when = split_reminder(match.group(1))
    return Intent("remind", {"text": text, "when": when})


_TABLE: tuple[tuple[re.Pattern[str], _Make], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), make)
    for pattern, make in (
        # --- reminders and saving: orders that nothing else begins like
        (_PLEASE + r"(?:remind me|set (?:me )?a reminder)\b\s*(.*?)" + _END, _remind),
        (
            r"^(.*?)\s*(?:(?:이?라고|하라고|으라고|라고)\s*(?:알려|상기시켜|말해)|(?:을|를)?\s*(?:리마인드|상기시켜|알림\s*(?:을\s*)?(?:설정|맞춰|예약)))"
            + _DO,
            _remind,
        ),
        (
            _PLEASE
            + r"(?:save|keep|store) (?:(?:this|that)(?: answer)?|it|the (?:last )?answer)(?: (?:in|to|into) (?:the |my )?(?P<space>(?!as\b).+?)(?: space)?)?"
            r"(?: as (?:(?:a|an|the|new) )*(?:(?:document|note|page)\b)?(?: ?(?:called|named|titled))? ?(?P<title>.*?))?"
            + _END,
            _save,
        ),
        (
            _PLEASE
            + r"(?:add|append) (?:(?:this|that)(?: answer)?|it|the (?:last )?answer) to (?:the )?(?:end of )?(?:the )?(?:document )?(.+?)"
            + _END,
            _append,
        ),
        (
            r"^(?:이|그|위|방금|지금|마지막)?\s*(?:답변?|내용|것|거|이거|이것)?(?:을|를)?\s*[\"“'‘]?([^\"”'’]+?)[\"”'’]?(?:\s*문서)?에\s*(?:추가|덧붙여|붙여)"
            + _DO,
            _append,
        ),
        (
            r"^(?:이|그|위|방금|지금|마지막)?\s*(?:답변?|내용|것|거|이거|이것)(?:을|를)?\s*(?:(?P<space>\S.*?)\s*(?:공간|스페이스)에\s*)?"
            r"(?:[\"“'‘]?(?P<title>.+?)[\"”'’]?\s*(?:이?라는|이?란|으?로)\s*(?:제목|이름)?(?:으로|의)?\s*)?(?:문서로\s*)?(?:저장|보관)"
            + _DO,
            _save,
        ),
        # --- what is new
        (
            rf"^what(?:'s|’s| is| was| has)(?: been)? (?:new|changed|added|happened)(?: (?:{_SINCE_EN}))? (?:in|at|with)"
            rf" (?:the |our )?(?P<space>.+?)(?: space)?(?:,? (?P<since>{_SINCE_EN}))?\s*[?.!]*$",
            _news,
        ),
        (
            _PLEASE
            + rf"(?:summari[sz]e|sum up) (?:the )?(?:news|changes|what is new|what's new|what has changed) (?:in|of) (?:the )?(?P<space>.+?)"
            rf"(?: space)?(?:,? (?P<since>{_SINCE_EN}))?" + _END,
            _news,
        ),
        (
            r"^(.+?)\s*(?:새로운\s*(?:것|소식|내용|문서)|새\s?소식|바뀐\s*(?:것|내용|문서|점)|달라진\s*(?:것|점)|업데이트)(?:이|은|는|을|를|가)?\s*(?:뭐|무엇|있|알려|보여|요약|정리)?.{0,12}$",
            _news_ko,
        ),
        # --- summaries
        (
            _PLEASE
            + r"(?:summari[sz]e|sum up|give (?:me )?(?:a |the )?(?:short |brief |quick )?(?:summary|overview) of|tl;?dr(?: of)?:?) (.+?)"
            + _END,
            _summary,
        ),
        (r"^(?:a |the )?(?:short |brief )?summary of (.+?)" + _END, _summary),
        (
            r"^(.+?)\s*(?:요약|간추려|간단히\s*정리)(?:을|를)?(?:\s*(?:좀\s*)?(?:부탁|해|하면)[^.?!]{0,10})?" + _DO,
            _summary_ko,
        ),
        # --- people
        (
            r"^who (?:here |else )?(?:knows?|can help(?: me)?|has experience|could help)\b(?: (?:most|best|something|anything|a lot|more))?"
            r"(?: (?:about|with|in|of))? (.+?)\s*[?.!]*$",
            _recommend("people"),
        ),
        (
            r"^who (?:is|are) (?:the |an |our )?(?:experts?|specialists?) (?:on|in|for|about|with) (.+?)\s*[?.!]*$",
            _recommend("people"),
        ),
        (
            r"^(?:who|whom) (?:should|could|can|do|may) (?:i|we) (?:ask|talk to|contact) (?:about|for|regarding) (.+?)\s*[?.!]*$",
            _recommend("people"),
        ),
        (
            r"^누가\s*(.+?)\s*(?:제일|가장)?\s*(?:잘\s*(?:아|알)|알고\s*있)(?:나요|아요|까요|아|는지|니|시나요|습니까|나)?.{0,8}$",
            _recommend("people"),
        ),
        (
            r"^(.+?)\s*(?:누가)\s*(?:제일|가장)?\s*(?:잘\s*)?(?:아나요|알아요?|알고\s*있|압니까|아시나요|알까요).{0,6}$",
            _recommend("people"),
        ),
        (r"^(.+?)\s*(?:제일|가장)?\s*잘\s*아는\s*(?:사람|분|직원|동료).{0,14}$", _recommend("people")),
        (r"^(.+?)\s*(?:전문가)(?:는|가|를)?\s*(?:누구|알려|추천).{0,10}$", _recommend("people")),
        # --- past questions
        (
            r"^(?:have|did) (?:i|we) (?:ever |already )?ask(?:ed)? (?:you )?(?:before |earlier )?(?:about |anything about )?(.+?)(?: before)?\s*\?*$",
            _recommend("questions"),
        ),
        (
            _PLEASE
            + r"(?:show |list |find )?(?:me )?my (?:earlier|past|previous|similar) questions (?:about|on|like) (.+?)"
            + _END,
            _recommend("questions"),
        ),
        (
            r"^(?:내가|제가|우리가)?\s*(?:예전|전|이전|과거)에?\s*(.+?)\s*(?:물어본|했던|한|질문한)\s*(?:질문|것|적).{0,10}$",
            _recommend("questions"),
        ),
        # --- related documents
        (
            _PLEASE
            + r"(?:find |show |list |recommend |give |get )?(?:me )?(?:what |which |some |the |other )?(?:documents?|docs|pages) (?:are |that are )?"
            r"(?:similar|related|like) ?(?:to )?(.+?)" + _END,
            _recommend("documents"),
        ),
        (
            _PLEASE
            + r"(?:find |show |list |recommend |give |get )?(?:me )?(?:what |which |some |the |other )?(?:related|similar) (?:documents?|docs|pages) (?:to|for|of|as|on|about) (.+?)"
            + _END,
            _recommend("documents"),
        ),
        (r"^what (?:else )?(?:is|are) (?:similar|related) to (.+?)\s*[?.!]*$", _recommend("documents")),
        (
            r"^(.+?)(?:와|과|이?랑|하고)?\s*(?:비슷한|유사한|관련된?|연관된?)\s*(?:다른\s*)?(?:문서|자료)(?:들)?(?:을|를|는|은)?(?:\s*(?:있나요|있어요?|뭐가 있나요|무엇인가요))?"
            + _DO,
            _recommend("documents"),
        ),
        # --- lists
        (
            _PLEASE
            + r"(?:list|show(?: me)?|what are|which are) (?:all )?(?:of )?(?:my|our) (projects?|teams?|spaces?)"
            + _END,
            _groups,
        ),
        (r"^(?:what|which) (projects?|teams?|spaces?) (?:am i|are we|do i|can i|have i|is mine)\b.*$", _groups),
        (
            r"^(?:내|제|우리)?(?:가\s*(?:속한|참여하는|있는))?\s*(프로젝트|팀|공간|스페이스)(?:들)?(?:을|를|은|는|이|가)?\s*(?:목록|리스트|모두|전부)?(?:을|를|은|는)?\s*(?:보여|나열|알려|뭐|무엇|어떤).{0,12}$",
            _groups,
        ),
        (
            r"^(?:list (?:the )?(?:members|people) (?:of|in)|who (?:is|are) (?:in|on|(?:a )?members? of)) (?:the |our )?(.+?)(?: (?:team|project|space))?\s*[?.!]*$",
            _members,
        ),
        (
            r"^(.+?)(?:의)?\s*(?:팀원|구성원|멤버)(?:들)?(?:을|를|은|는|이|가)?\s*(?:누구|알려|보여|목록).{0,12}$",
            _members,
        ),
        (
            _PLEASE
            + r"(?:list|show(?: me)?) (?:me )?(?:all |the |my |our )*documents?(?: (?:in|of) (?:the )?(?P<space>.+?) space| by (?P<author>.+?)"
            r"| (?:about|on) (?P<about>.+?)| (?:called|titled) (?P<title>.+?))?" + _END,
            _documents,
        ),
        (
            r"^(?:what|which) documents (?:do (?:i|we) have|are there|exist) (?:about|on) (?P<about>.+?)\s*[?.!]*$",
            _documents,
        ),
        (r"^(.*?)\s*문서(?:들)?(?:을|를|의)?\s*(?:목록|리스트)(?:을|를)?" + _DO, _documents_ko),
        (
            r"^(.*?(?:에\s?관한|에\s?대한))\s*문서(?:들)?(?:을|를)?\s*(?:모두|전부)?\s*(?:보여|나열해|찾아)" + _DO,
            _documents_ko,
        ),
        # --- opening
        (_PLEASE + r"(?:open|show me|display) (?:the )?(?:document |page |file )[\"“']?(.+?)[\"”']?" + _END, _open),
        (_PLEASE + r"open (?:up )?(?:the )?(.+?)(?: (?:document|page|file))?" + _END, _open),
        (r"^(.+?)(?:\s*문서)?(?:을|를)?\s*(?:열어|펼쳐)" + _DO, _open),
    )
)
