"""What is asked for, and what a follow-up means."""

import pytest

from assistant.answers.questions import QuestionType, in_conversation, understand


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Who approves overtime?", "person"),
        ("What was the last name of the clerk who signed the lease?", "person"),
        ("What is the name of the founder's first partner?", "person"),
        ("One of us drew the first map; what was her name?", "person"),
        ("What is the name of the bridge at the north gate?", "other"),
        ("When is the timesheet due?", "time"),
        ("What year was it founded?", "time"),
        ("Where is the office?", "place"),
        ("How many points did they score?", "number"),
        ("What was the average age of the boats?", "number"),
        ("What happened to the rate of the loan?", "other"),
        ("What did the team paint?", "other"),
        ("How long is parental leave?", "duration"),
        ("How many days of leave do I get?", "duration"),
        ("How do I request leave?", "how_to"),
        ("Is Friday a holiday?", "yes_no"),
        ("What is Tock?", "definition"),
        ("What are the types of leave?", "list"),
        ("Why do we use Slack?", "reason"),
        ("What did the team think about the new office?", "views"),
        ("What were Ada's concerns regarding the budget?", "views"),
        ("What did Ada say?", "other"),
        ("Which treaty ended it?", "other"),
        ("When it snows, what is the rule?", "definition"),
        ("When is the report due, and who signs it?", "time"),
        ("What does a guest who comes when nobody is there see?", "other"),
        ("Those who are sick must send what?", "other"),
        ("In which decades was the office built?", "time"),
        ("누가 초과 근무를 승인하나요?", "person"),
        ("회의는 언제인가요?", "time"),
        ("사무실은 어디인가요?", "place"),
        ("직원은 몇 명인가요?", "number"),
        ("휴가는 어떻게 신청하나요?", "how_to"),
        ("왜 이 도구를 쓰나요?", "reason"),
        ("팀은 재택근무를 어떻게 생각하나요?", "views"),
        ("번들러란 무엇인가요?", "definition"),
        ("재택근무를 할 수 있나요?", "yes_no"),
        ("로더는 무슨 역할을 하나요?", "other"),
    ],
)
def test_the_wording_tells_what_is_asked_for(text: str, kind: str) -> None:
    assert understand(text).type is QuestionType(kind)


def test_words_that_only_ask_are_no_search_terms() -> None:
    assert understand("소스맵은 어떻게 설정하나요?").terms == ("소스", "스맵", "설정")
    assert "long" not in understand("How long is parental leave?").terms


@pytest.mark.parametrize(
    ("turns", "holds", "lacks"),
    [
        (["How do I request leave?", "And for contractors?"], ["contractors", "request", "leave"], []),
        (["What is the per diem for Chicago?", "and for Boston?"], ["Boston", "per", "diem"], ["Chicago"]),
        (["What is the rate in Chicago?", "What about Boston?"], ["Boston", "rate"], ["Chicago"]),
        (["What is Tock?", "Who uses it?"], ["uses", "Tock"], []),
        (["What is Tock?", "Who uses it?", "Why?"], ["Tock"], []),
        (["휴가는 어떻게 신청하나요?", "그럼 계약직은?"], ["계약직", "휴가"], []),
        (["What is Tock?", "How do I report a security incident to the police?"], ["incident"], ["Tock"]),
    ],
)
def test_a_follow_up_carries_the_subject_of_what_was_said(turns: list[str], holds: list[str], lacks: list[str]) -> None:
    text = in_conversation(turns).text
    assert all(word in text for word in holds)
    assert not any(word in text for word in lacks)


def test_an_ellipsis_asks_for_the_same_kind_of_thing() -> None:
    assert in_conversation(["How do I request leave?", "And for contractors?"]).type is QuestionType.HOW_TO


def test_a_first_question_stands_as_it_is() -> None:
    assert in_conversation(["Who are they?"]).text == "Who are they?"
    with pytest.raises(ValueError, match="at least one turn"):
        in_conversation([])


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("What is the difference between annual leave and sick leave?", ("annual leave", "sick leave")),
        ("What's the difference between the VPN and a proxy in the office?", ("VPN", "proxy")),
        ("annual leave vs. sick leave", ("annual leave", "sick leave")),
        ("Compare Plan A with Plan B", ("Plan A", "Plan B")),
        ("How does sick leave differ from annual leave?", ("sick leave", "annual leave")),
        ("How are employees and contractors different?", ("employees", "contractors")),
        ("연차와 병가의 차이는 무엇인가요?", ("연차", "병가")),
        ("연차랑 병가는 어떻게 다른가요?", ("연차", "병가")),
        ("연차는 병가와 어떻게 다른가요?", ("연차", "병가")),
        ("연차와 병가를 비교해 줘", ("연차", "병가")),
        ("연차 vs 병가", ("연차", "병가")),
    ],
)
def test_the_sides_of_a_comparison_are_understood(text: str, sides: tuple[str, str]) -> None:
    question = understand(text)
    assert (question.type, question.sides) == (QuestionType.COMPARISON, sides)


@pytest.mark.parametrize(
    "text",
    [
        "What is annual leave?",
        "Who and what differ?",
        "How do cats and dogs sleep?",
        "How many points did we score in the game versus Pittsburgh?",
        "회의와 점심은 언제인가요?",
        "철수와 영희의 표 차이는 몇 표인가요?",
        "블루스와 재즈를 정의로 구분 지을 경우 블루스는 무엇인가?",
    ],
)
def test_what_compares_nothing_has_no_sides(text: str) -> None:
    assert understand(text).sides == ()
