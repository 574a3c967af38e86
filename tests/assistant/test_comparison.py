"""Questions that compare: of each side a sentence, or the word that there is none."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.assistant.conftest import Company

pytestmark = pytest.mark.one_mode

Ask = Callable[..., dict[str, Any]]

ANNUAL = "# Annual leave\n\nAnnual leave is 15 paid days off in a year. It is asked for two weeks before."
SICK = "# Sick leave\n\nSick leave needs a note of a doctor from the third day on. Nobody asks for it before."
OTHERS = "# Holidays\n\n" + "\n\n".join(
    f"The {n}th holiday of annual leave planning is noted by the team." for n in range(4, 16)
)
KOREAN = "# 휴가 제도\n\n연차는 일 년에 15일이 주어집니다.\n\n병가는 사흘째부터 진단서를 내야 합니다."


@pytest.fixture(scope="module")
def office(company: Company) -> Iterator[Company]:
    texts = {"Annual leave": ANNUAL, "Sick leave": SICK, "Holidays": OTHERS, "휴가 제도": KOREAN}
    made = [company.write(company.company_space, title, text) for title, text in texts.items()]
    company.settle()
    yield company
    for document in made:
        company.owner.delete(f"/api/v1/documents/{document}")
    company.settle()


@pytest.mark.parametrize(
    "question",
    [
        "What is the difference between annual leave and sick leave?",
        "sick leave vs annual leave",
        "How does sick leave differ from annual leave?",
    ],
)
def test_each_side_is_quoted(office: Company, ask: Ask, question: str) -> None:
    answer = ask(question)
    quotes = [citation["quote"] for citation in answer["citations"]]
    assert any("15 paid days" in quote for quote in quotes)
    assert any("note of a doctor" in quote for quote in quotes)
    assert len(quotes) <= 3
    assert all(citation["verified"] for citation in answer["citations"])
    assert (answer["abstained"], answer["support"], answer["confidence"]) == (False, None, None)
    # Each has been searched for.
    assert answer["usage"]["tool_calls"] == 2


@pytest.mark.parametrize(
    "question", ["연차와 병가의 차이는 무엇인가요?", "병가는 연차와 어떻게 다른가요?", "연차 vs 병가"]
)
def test_each_side_is_quoted_in_korean(office: Company, ask: Ask, question: str) -> None:
    answer = ask(question)
    assert "15일" in answer["answer"]
    assert "진단서" in answer["answer"]


@pytest.mark.parametrize(
    ("question", "there", "says"),
    [
        (
            "What is the difference between sick leave and sabbaticals?",
            "note of a doctor",
            "About “sabbaticals” I found nothing in the sources you may read.",
        ),
        ("안식년과 병가의 차이는 무엇인가요?", "진단서", "“안식년”에 대해서는 읽을 수 있는 자료에서 찾지 못했습니다."),
    ],
)
def test_a_side_that_is_not_there_is_named(office: Company, ask: Ask, question: str, there: str, says: str) -> None:
    answer = ask(question)
    assert there in answer["answer"]
    assert says in answer["answer"]
    kept = office.owner.get(f"/api/v1/assistant/conversations/{answer['conversation_id']}").json()["messages"][1]
    assert kept["content"] == answer["answer"]


def test_a_side_that_one_may_not_read_is_not_there(office: Company, ask: Ask) -> None:
    answer = ask("What is the difference between Bluebird Logistics and sick leave?", by=office.colleague)
    assert "About “Bluebird Logistics” I found nothing" in answer["answer"]
    assert "merger" not in str(answer)


@pytest.mark.parametrize(
    "question", ["What is the difference between penguins and sabbaticals?", "펭귄과 안식년의 차이는 무엇인가요?"]
)
def test_without_either_side_there_is_no_answer(office: Company, ask: Ask, question: str) -> None:
    assert ask(question)["abstained"]
