"""How text speaks to an assistant instead of a reader: patterns, each with words one of which it needs (for speed)."""

import base64
import binascii
import re
from collections.abc import Iterator

_AI = (
    r"(?:a\.?i\.?|llms?|(?:large )?language models?|(?:ai |virtual |digital )?assistants?|chat ?bots?|copilot"
    r"|gpt[\w-]*|claude|gemini)"
)
_SNAKE = r"[a-z]+_[a-z_]+"
_SAY = r"(?:reply|respond|answer|say|output|print|write|append|add)"
_HEAD = r"(?:^|\n)[\s>*#`_\[(<-]*"
_KOREAN_AI = r"(?:\bAI|인공지능|챗봇|어시스턴트|언어 ?모델|AI ?비서)"
_DO = r"(?:하라|해라|하세요|하십시오|해 ?줘|하시오|할 것)"

_PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "ignore disregard forget override bypass stop",
        r"\b(?:ignore|disregard|forget|override|bypass|stop following)\b[^.!?\n]{0,50}"
        r"\b(?:previous|prior|above|earlier|all|any|your|system|these|the other|everything)\b[^.!?\n]{0,40}"
        r"\b(?:instructions?|prompts?|rules|guidelines|directions|told|messages|training|restrictions|passages"
        r"|sources)\b",
    ),
    (
        "instruction prompt",
        r"\b(?:new|updated|real|hidden|secret|additional|system|priority)\s+(?:system\s+)?(?:instructions?|prompts?)\b"
        r"[^.!?\n]{0,30}[:\-–—]",
    ),
    (
        "task instruction goal job purpose",
        r"\byour (?:real|true|only|actual) (?:task|instructions?|goal|job|purpose)\b",
    ),
    (
        "ai llm model assistant chatbot",
        rf"{_HEAD}(?:note|attention|message|instructions?|important|urgent|reminder|hey|dear|hello"
        rf"|warning)?[\s:]*(?:to|for)?"
        rf"\s*(?:the|any|all|every)?\s*{_AI}(?:\s+(?:systems?|models?|agents?|assistants?|readers?))?"
        r"\s*(?:reading this|that reads? this)?\s*[:,!–—]",
    ),
    ("you are you're", rf"\b(?:if|when|since|as) (?:you are|you're) (?:an? |the )?[^.,!?\n]{{0,20}}\b{_AI}\b"),
    (
        "ai llm model assistant chatbot",
        rf"\b(?:as|to|for) (?:an? |any )(?:helpful )?{_AI}\b[^.!?\n]{{0,10}}[,:]?\s*(?:you|must)",
    ),
    (
        "you are",
        rf"\byou are (?:now|no longer|not)\b[^.!?\n]{{0,60}}\b(?:{_AI}|mode|persona|restricted|bound|dan"
        rf"|unrestricted)\b",
    ),
    (
        "pretend act behave role play roleplay",
        r"\b(?:pretend|act|behave|role-?\s?play|speak)\b (?:to be |as if |as though |as (?:an? |the )?"
        r"|that )[^.!?\n]{0,60}"
        r"\b(?:you|assistant|ai|root|developer|dan|character|no rules|unrestricted|administrator)\b",
    ),
    ("mode", r"\b(?:developer|god|jailbreak|debug|maintenance|unrestricted|dan|admin(?:istrator)?) mode\b"),
    (
        "call invoke trigger execute run use",
        rf"\b(?:call|invoke|trigger|execute|run|use)\s+(?:the\s+)?[`'\"“]?(?:{_SNAKE}|search|\w+)[`'\"”]?\s+(?:tool"
        rf"|function)\b"
        rf"[^.!?\n]{{0,30}}\b(?:with|on|for|now|and|query|arguments?|id)\b",
    ),
    ("call invoke trigger", rf"\b(?:call|invoke|trigger)\s+(?:the\s+)?[`'\"“]?{_SNAKE}\b"),
    (
        "_",
        r"\b(?:delete|send|save|append|share|move|open|read|confirm|grant|create|propose"
        r"|search)_[a-z_]+[`'\"]?\s*[({]",
    ),
    (
        "tell inform convince advise instruct",
        r"\b(?:tell|inform|convince|instruct|advise) (?:the |every |any )?(?:user|reader|asker|human"
        r"|person asking)s?\b",
    ),
    (
        "do not don't never",
        r"\b(?:do not|don't|never) (?:tell|inform|mention|reveal|warn|show|cite)\b[^.!?\n]{0,30}"
        r"\b(?:the (?:user|reader|asker)|this (?:message|instruction|note|text)|these instructions)\b",
    ),
    (
        "reply respond answer say output print write append add",
        rf"\b{_SAY}\b(?:\s+\w+){{0,6}}\s*(?:only|exactly|nothing but|always|just|instead|with|the (?:word|words|text"
        rf"|phrase|"
        r"sentence|following|link|image))\s*(?:with|that|in|the)?\s*[:\"“'‘]",
    ),
    (
        "always only must instead",
        rf"\b(?:always|only|must|instead|simply|just),? {_SAY}(?: with| that| the words?)?\s*[:\"“'‘]",
    ),
    (
        "answer response reply",
        r"\b(?:in|to|at the end of|into|with|begin|start|end) (?:of )?(?:your|every|each) (?:answer|reply|response"
        r"|output)s?\b",
    ),
    (
        "reveal print repeat output show leak summari list send include exfiltrate",
        r"\b(?:reveal|print|repeat|output|show|leak|summari[sz]e|list|send|include|exfiltrate|quote)\b[^.!?\n]{0,40}"
        r"\b(?:system prompt|your (?:prompt|instructions|rules)|other (?:people|person|users|employees|spaces)\b"
        r"|(?:the|this|whole|entire|previous) conversation|all (?:documents|secrets|passages|passwords|confidential)"
        r"|everything (?:you|above)|(?:documents|spaces) (?:that )?the (?:user|reader|asker))",
    ),
    (
        "confirm",
        r"\bwithout (?:asking|waiting)?\s*(?:for )?(?:any |a |the )?(?:user'?s? |human )?confirmation\b"
        r"|\bconfirm (?:every|all|any|the|this|it) ?(?:\w+ )?(?:proposals?|actions?|yourself)\b",
    ),
    ("decode base64", r"\b(?:decode|base64)\b[^.!?\n]{0,60}\b(?:follow|execute|obey|do what|carry out|act on)\b"),
    ("cit", r"\bcit(?:e|ing) (?:this|passage|source|it)\b[^.!?\n]{0,40}\b(?:as|for|instead|every)\b"),
    (
        "<",
        r"<\s*/?\s*(?:passages?|system|assistant|tool|tool_call|tool_result|tool_response|function_call"
        r"|function_results?"
        r"|instructions?|im_start|im_end)\b[^>\n]{0,80}>|<\|[^|>\n]{1,40}\|>|<<\s*/?SYS\s*>>",
    ),
    ("[", r"\[/?(?:INST|SYS|SYSTEM|ASSISTANT)(?: \w+)?\]"),
    (
        "system assistant developer tool user",
        rf"{_HEAD}(?:system|assistant|developer|tool|user)(?: (?:message|prompt|results?|output|note|override"
        rf"|notice))?"
        r"[\])*_`]*\s*(?:\([^)\n]{0,40}\))?\s*:",
    ),
    ('"role" "tool "function "name"', r"\{\s*\"(?:role|tool|tool_calls?|function|name)\"\s*:\s*[\"\[{]"),
    # Korean
    (
        "무시 잊 따르지 우회 버리",
        r"(?:이전|앞선|앞의|위의|지금까지|기존|모든|시스템|네가 받은|당신의|너의)[^.!?\n]{0,25}(?:지시|명령|프롬프트"
        r"|규칙|지침)[^.!?\n]{0,12}"
        r"(?:무시|잊|따르지|버리|우회)",
    ),
    (
        "지시 명령 지침 프롬프트",
        r"(?:새로운|새|진짜|숨은|숨겨진|추가|최우선)\s?(?:시스템\s?)?(?:지시|명령|지침"
        r"|프롬프트)(?:\s?사항)?\s*[:：은는]",
    ),
    (
        "시스템 어시스턴트 개발자 도구",
        r"(?:^|\n)[\s>*#`_\[(<-]*(?:시스템|어시스턴트|개발자|도구)\s?(?:메시지|프롬프트|결과|지시"
        r"|알림)?[\])*_`]*\s*[:：]",
    ),
    (
        "AI 인공지능 챗봇 어시스턴트 모델 비서",
        rf"{_KOREAN_AI}[^.!?\n]{{0,12}}(?:에게|는 (?:반드시|이제|항상)|은 (?:반드시|이제|항상)|라면|이라면|이여"
        rf"|야[,!]|님[,!]|모드|는 다음|은 다음)",
    ),
    ("이제 지금부터 더", r"(?:너는|당신은|넌)\s?(?:이제|지금부터|더 이상)"),
    (
        "사용자 질문자 독자 읽는",
        rf"(?:사용자|질문자|독자|읽는 사람)(?:에게|한테)[^.!?\n]{{0,60}}(?:말{_DO}|말하지|알리지|안내{_DO}|전{_DO}"
        rf"|알려라|답{_DO}|보내라|요구{_DO}|요청{_DO})",
    ),
    (
        "대답 답변 응답 출력 답하",
        rf"(?:라고만?|으로만?|다음과 같이|그대로|\d\d?이라고)\s?[^.!?\n]{{0,12}}(?:대답|답변|응답|출력|답){_DO}",
    ),
    ("호출 실행", rf"{_SNAKE}[^.!?\n]{{0,20}}(?:호출|실행)"),
    ("도구 툴", rf"(?:도구|툴)(?:를|을|로)?[^.!?\n]{{0,30}}(?:호출|실행|사용|검색){_DO}"),
    (
        "프롬프트 다른 비밀 기밀 대화 공간",
        rf"(?:시스템 프롬프트|다른 (?:사람|직원|사용자|공간)|비밀 문서|기밀|지금까지의 대화|모든 문서)[^.!?\n]{{0,30}}"
        rf"(?:공개|출력|나열|요약|인용|전송){_DO}|(?:시스템 프롬프트|다른 (?:사람|직원|사용자"
        rf"|공간))[^.!?\n]{{0,30}}(?:보여|알려) ?(?:줘|주세요|라|주십시오)",
    ),
    (
        "확인 승인 동의",
        rf"(?:확인|승인|동의)(?:을|를)?\s?(?:없이|받지 말고|묻지 말고|건너뛰)[^.!?\n]{{0,40}}(?:실행|확정|저장|진행"
        rf"|처리|승인|삭제){_DO}",
    ),
    (
        "역할 척 모드 탈옥",
        rf"(?:관리자|개발자|제한 없는|탈옥) 모드|역할극을|(?:인|한) 척\s?{_DO}|역할을 (?:맡|연기){_DO}",
    ),
    ("디코딩 해독 복호", r"(?:디코딩|복호화|해독)[^.!?\n]{0,30}(?:따르|실행|수행)"),
    (
        "답변 대답 응답",
        r"(?:답변|대답|응답)(?:에|의|마다| 끝에| 마지막에)[^.!?\n]{0,50}(?:넣|포함|붙|추가|삽입|쓰|첨부)"
        rf"(?:어라|으라|이라|여라|으세요|이세요|으십시오|이십시오|어 |{_DO})",
    ),
    (
        "인용 출처",
        rf"(?:이 문단|이 문서|이 글)[을를]?\s?[^.!?\n]{{0,12}}(?:출처로|인용){_DO}?[^.!?\n]{{0,12}}(?:표시|모든"
        rf"|{_DO})",
    ),
)
_COMPILED = tuple((tuple(needed.split()), re.compile(pattern, re.IGNORECASE)) for needed, pattern in _PATTERNS)
_BLOB = re.compile(r"(?<![\w/+.=-])[A-Za-z0-9+/]{32,4000}={0,2}(?![\w/+])")


def instructions(text: str) -> Iterator[re.Match[str]]:
    """Where `text` speaks to an assistant, plainly or in Base64; in no order."""
    lower = text.lower()
    for needed, pattern in _COMPILED:
        if any(word.lower() in lower for word in needed):
            yield from pattern.finditer(text)
    for match in _BLOB.finditer(text):
        if any(True for _ in instructions(_decoded(match.group()))):
            yield match


def _decoded(blob: str) -> str:
    try:
        text = base64.b64decode(blob + "=" * (-len(blob) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):  # it only looked like Base64
        return ""
    return text
