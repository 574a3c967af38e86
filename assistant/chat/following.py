"""What to ask next: questions that the documents of an answer can answer, made of the headings near what it cites.

A question is proposed only after it was tried: the search finds the section, and it holds an answer.
"""

import re
from collections.abc import Sequence

from sqlalchemy.orm import Session

from assistant.answers.candidates import candidates
from assistant.answers.questions import QuestionType, question_type
from assistant.citations import Citation
from assistant.summaries.reading import outline
from core_api.auth.subject import Subject
from core_api.infra.errors import Unavailable
from retrieval import service
from retrieval.analyzer import analyze, language
from retrieval.engine import RetrievalEngine
from retrieval.types import Filters, Hit, Mode, Query

MOST = 3
_DOCUMENTS, _TRIED, _FOUND_AMONG = 3, 6, 5
_CHARS = (2, 90)
_EMPTY = re.compile(
    r"(?:introduction|overview|summary|contents|table of contents|references|appendix|background|conclusions?|general"
    r"|notes?|see also|contact|about|index|history|changelog|faq|links|resources|more information|further reading"
    r"|examples?|개요|소개|목차|참고(?: 자료| 문헌)?|부록|결론|요약|서론|배경|기타|일반|예시)[:.]?",
    re.IGNORECASE,
)
_NUMBERING = re.compile(
    r"^(?:(?:\d+|[IVXivx]+|[A-Za-z가-하])(?:\.\d+)*[.)]?\s+|제\s?\d+\s?[조항장절][.)]?\s*|step \d+[:.]?\s*)",
    re.IGNORECASE,
)
_HOW_TO = re.compile(r"^how to (.+)$", re.IGNORECASE)
_METHOD_KO = re.compile(r"(?:방법|절차|기준|규정|조건|대상|기간|비용|일정|종류|목록)$")


def follow_up(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    question: str,
    citations: Sequence[Citation],
    asked: Sequence[str] = (),
    filters: Filters | None = None,
) -> list[str]:
    """At most three questions to ask after `question` was answered with these citations; none of those `asked`. They
    are about other sections of the documents that are cited, of those that the subject may read."""
    korean = language(question) == "ko"
    known = set(analyze(" ".join([question, *asked])))
    before = {_folded(one) for one in [question, *asked]}
    found: list[str] = []
    tried = 0
    for heading, title, document_id in _headings(session, citations):
        text = phrase(heading, title, korean=korean)
        terms = set(analyze(heading))
        if text is None or not terms or terms <= known or _folded(text) in before or text in found:
            continue
        tried += 1
        if _leads_somewhere(session, subject, engine, text, document_id, heading, filters or Filters()):
            found.append(text)
        if len(found) == MOST or tried == _TRIED:
            break
    return found


def phrase(heading: str, title: str, *, korean: bool) -> str | None:
    """A heading as a question that reads well; None for one that says nothing by itself."""
    heading = _NUMBERING.sub("", " ".join(heading.split())).rstrip(" :.")
    if not _CHARS[0] <= len(heading) <= _CHARS[1] or _EMPTY.fullmatch(heading):
        return None
    if heading.endswith(("?", "？")):
        return heading
    if language(heading) == "ko":
        if _is_question_ko(heading):
            return heading + "?"
        if _METHOD_KO.search(heading):
            return f"{heading}{_object_particle(heading)} 알려 주세요."
        return f"{heading}에 대해 알려 주세요."
    if match := _HOW_TO.match(heading):
        return f"How do I {match.group(1)}?"
    if _is_question(heading):
        return heading + "?"
    if korean:
        return f"“{heading}”에 대해 알려 주세요."
    about = _in_sentence(heading)
    if title and not set(analyze(title)) & set(analyze(heading)) and len(title) <= _CHARS[1]:
        return f"What does “{' '.join(title.split())}” say about {about}?"
    return f"What are the rules on {about}?" if _is_rule(title) else f"What is there to know about {about}?"


def _headings(session: Session, citations: Sequence[Citation]) -> list[tuple[str, str, str]]:
    """(heading, title, document id) of the sections around the citations: those that are questions first, then the
    nearest, without the sections that are cited."""
    ranked: list[tuple[bool, int, int, tuple[str, str, str]]] = []
    cited = {citation.source.id: citation for citation in reversed(citations) if citation.readable}
    for place, citation in enumerate(list(reversed(cited.values()))[:_DOCUMENTS]):
        sections = outline(session, citation.source.id, citation.source.version)
        starts = [c.start for c in citations if c.source.id == citation.source.id]
        # The title, and the sections that the citations stand in, have been spoken of.
        spoken = {max((s for s, _, _ in sections if s <= start), default=-1) for start in starts}
        for index, (start, _, words) in enumerate(sections):
            if start in spoken or _folded(words) == _folded(citation.source.title):
                continue
            following = sections[index + 1] if index + 1 < len(sections) else None
            if following is not None and following[1] > sections[index][1]:
                continue  # it stands over others: those say more
            distance = min(abs(start - at) for at in starts)
            entry = (words, citation.source.title, citation.source.id)
            ranked.append((not (words.endswith("?") or _is_question(words)), place, distance, entry))
    return [entry for *_, entry in sorted(ranked)]


def _leads_somewhere(
    session: Session,
    subject: Subject,
    engine: RetrievalEngine,
    text: str,
    document_id: str,
    heading: str,
    filters: Filters,
) -> bool:
    """Whether the search for a question finds the section it was made of, with a sentence in it. By keywords: that
    takes a few milliseconds, and the words are those of the section."""
    try:
        hits = service.search(session, subject, engine, Query(text, _FOUND_AMONG, Mode.KEYWORD, filters)).hits
    except Unavailable:
        return False
    return any(hit.source.id == document_id and _holds_section(hit, heading) for hit in hits)


def _holds_section(hit: Hit, heading: str) -> bool:
    if heading not in hit.text and heading not in hit.heading:
        return False
    after = hit.text.find(heading)
    return any(one.evidence.start - hit.start > after for one in candidates([hit]) if one.list_items == 0)


def _is_question(heading: str) -> bool:
    return (
        re.match(r"(?:how|what|when|where|who|why|which|can|do|does|is|are|may|should|must)\b", heading, re.IGNORECASE)
        is not None
        and len(heading.split()) > 2
        and question_type(heading) is not QuestionType.OTHER
    )


def _is_question_ko(heading: str) -> bool:
    return re.search(r"(?:나요|까요|가요|습니까|ㅂ니까|인가|는가|을까|할까)$", heading) is not None


def _is_rule(title: str) -> bool:
    return re.search(r"\b(?:polic(?:y|ies)|rules?|regulations?|guidelines?)\b", title, re.IGNORECASE) is not None


def _in_sentence(heading: str) -> str:
    """A heading inside a sentence: "Parental leave" -> "parental leave"; "HR Links", "Title Case" as they are."""
    first, _, rest = heading.partition(" ")
    plain = first[:1].isupper() and first[1:].islower()
    if plain and (not rest or rest[:1].islower()):
        return heading[:1].lower() + heading[1:]
    return heading


def _object_particle(word: str) -> str:
    last = word[-1]
    return "을" if "가" <= last <= "힣" and (ord(last) - 0xAC00) % 28 else "를"


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold().rstrip(" ?.!")
