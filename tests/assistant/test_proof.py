"""Whatever documents say and whatever is asked: what is shown is there, word by word, where the citation says."""

import hashlib
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answers.composition import answer_parts
from assistant.answers.questions import QuestionType, question_type, understand
from assistant.answers.selection import select
from assistant.citations import cite
from assistant.context import Passages
from assistant.proof.grounding import Grounder
from assistant.summaries.service import Summary, summarize_hits
from assistant.tools.summarize import outcome_of
from assistant.types import Evidence, Part
from assistant.wording.untrusted import visible
from retrieval.types import Hit
from tests.assistant.passages import NoEmbedder, even, hit

QUESTIONS = {
    QuestionType.PERSON: ("Who approves the budget?", "예산은 누가 승인하나요?"),
    QuestionType.TIME: ("When is the budget due?", "예산은 언제까지인가요?"),
    QuestionType.PLACE: ("Where is the budget kept?", "예산은 어디에 있나요?"),
    QuestionType.NUMBER: ("How much is the budget?", "예산은 얼마인가요?"),
    QuestionType.DURATION: ("How long is the budget valid?", "예산의 유효 기간은?"),
    QuestionType.HOW_TO: ("How do I request a budget?", "예산은 어떻게 신청하나요?"),
    QuestionType.YES_NO: ("Is the budget approved?", "예산이 승인되나요?"),
    QuestionType.DEFINITION: ("What is a budget?", "예산이란 무엇인가요?"),
    QuestionType.LIST: ("What kinds of budget are there?", "예산의 종류는?"),
    QuestionType.REASON: ("Why is there a budget?", "예산은 왜 있나요?"),
    QuestionType.VIEWS: ("What did they think about the budget?", "예산을 어떻게 생각하나요?"),
    QuestionType.COMPARISON: ("What is the difference between the budget and Kim?", "예산과 김 부장의 차이는?"),
    QuestionType.OTHER: ("The budget, please.", "예산 이야기 좀 들려줘."),
}

_number = st.integers(0, 99_999).map(str)
_word = st.sampled_from(["budget", "Kim", "the plan", "예산", "김 부장", "won", "%", "—"])
_markup = st.sampled_from(
    ["<sup>", "</b>", "<!-- -->", "![a](b)", "[1]", "[2, 3]", "[4](c)", "【5】", "`6`", "**all**", "\u200b"]
)
_piece = st.one_of(_number, _word, _markup, st.text(max_size=8))
_sentence = st.lists(_piece, min_size=1, max_size=8).flatmap(
    lambda pieces: st.sampled_from([" ", ""]).map(lambda gap: "The budget is " + gap.join(pieces))
)
_block = st.one_of(
    _sentence.map(lambda text: f"{text}."),
    _sentence.map(lambda text: f"예산은 {text}입니다."),
    _sentence.map(lambda text: f"## {text}"),
    st.lists(_sentence, min_size=1, max_size=5).map(lambda items: "\n".join(f"- {item}" for item in items)),
    st.lists(_sentence, min_size=2, max_size=5).map(
        lambda items: "Steps:\n\n" + "\n".join(f"{n}. {item}" for n, item in enumerate(items, start=1))
    ),
    st.lists(_sentence, min_size=2, max_size=4).map(lambda cells: "| " + " | ".join(cells) + " |"),
)
_document = st.lists(_block, min_size=1, max_size=8).map("\n\n".join)
_question = st.sampled_from([text for pair in QUESTIONS.values() for text in pair])


def passages(documents: list[str], size: int) -> list[Hit]:
    """Every document in passages of so many characters, each beginning in the last quarter of the one before."""
    step = max(1, size * 3 // 4)
    return [
        hit(text[start : start + size], source=f"d{number}", start=start, score=1 / (1 + number))
        for number, text in enumerate(documents)
        for start in range(0, len(text), step)
    ]


def numbers(text: str) -> set[int]:
    return {int(found) for found in re.findall(r"\d+", text)}


def prove(documents: list[str], parts: list[Part], evidence: tuple[Evidence, ...]) -> None:
    """Each citation has its span and hash; each part has a citation, and no number that its quotes have not."""
    citations = [cite(one, marker) for marker, one in enumerate(evidence, start=1)]
    for citation in citations:
        text = documents[int(citation.source.id[1:])]
        assert text[citation.start : citation.end] == citation.quote
        assert hashlib.sha256(citation.quote.encode()).hexdigest() == citation.sha256
    for part in parts:
        assert part.markers
        quotes = " ".join(citations[marker - 1].quote for marker in part.markers)
        shown = part.text.strip()
        for marker in reversed(part.markers):
            shown = shown.removesuffix(f"[{marker}]")
        assert numbers(shown) <= numbers(visible(quotes)), (shown, quotes)


class Words:
    rarity = staticmethod(even)


class Engine:
    keywords = Words()
    embedder = NoEmbedder()


def test_the_questions_are_of_every_type() -> None:
    for kind, texts in QUESTIONS.items():
        assert {question_type(text) for text in texts} == {kind}
    assert set(QUESTIONS) == set(QuestionType)


@settings(max_examples=150, deadline=None)
@given(st.lists(_document, min_size=1, max_size=3), st.integers(60, 900), _question)
def test_an_extractive_answer(documents: list[str], size: int, question: str) -> None:
    found = select(understand(question), passages(documents, size), embedder=None, weights=even)
    prove(documents, [part for part in answer_parts(found) if part.text.strip() != found.note], found.evidence)


@settings(max_examples=80, deadline=None)
@given(st.lists(_document, min_size=1, max_size=3), st.integers(60, 900), _question)
def test_a_summary(documents: list[str], size: int, question: str) -> None:
    sections = summarize_hits(Engine(), passages(documents, size), understand(question), 8)  # type: ignore[arg-type]
    told = outcome_of(Summary("", sections))
    prove(documents, list(told.parts), told.evidence)


@settings(max_examples=80, deadline=None)
@given(st.lists(_document, min_size=1, max_size=3), st.integers(60, 900), st.lists(_sentence, min_size=1, max_size=5))
def test_what_a_language_model_wrote(documents: list[str], size: int, written: list[str]) -> None:
    hits = passages(documents, size)
    found = Passages()
    found.add(hits)
    grounder = Grounder(found, NoEmbedder())
    # It copies sentences, and writes others.
    for sentence in (*written, *(text[:200] for text in documents)):
        list(grounder.feed(f"{sentence} [1].\n"))
    list(grounder.finish())
    for citation in grounder.citations:
        text = documents[int(citation.source.id[1:])]
        assert text[citation.start : citation.end] == citation.quote
        assert hashlib.sha256(citation.quote.encode()).hexdigest() == citation.sha256
    assert all(part.supported for part in grounder.parts)
