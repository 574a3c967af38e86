"""Which tool a message asks for, by its wording."""

import pytest

from assistant.agent.intents import intent_of


@pytest.mark.parametrize(
    ("message", "tool", "arguments"),
    [
        ("Summarise the Leave document", "summarize", {"document": "the Leave document"}),
        ("Please summarize “Leave”.", "summarize", {"document": "Leave"}),
        ("Can you give me a short summary of Overtime?", "summarize", {"document": "Overtime"}),
        ("summarize this", "summarize", {"document": ""}),
        ("Sum up what we know about parental leave", "summarize", {"query": "parental leave"}),
        ("Summarize the discussion about the new office.", "summarize", {"query": "the new office"}),
        ("Summarise their opinions on working hours", "summarize", {"query": "working hours"}),
        ("Summarize Ada Reed's views on tests", "summarize", {"query": "Ada Reed's views on tests"}),
        ("Summarize the discussion paper", "summarize", {"document": "the discussion paper"}),
        ("휴가 규정 요약해 줘", "summarize", {"document": "휴가 규정"}),
        ("휴가 규정 문서를 요약해 주세요", "summarize", {"document": "휴가 규정"}),
        ("이 문서 요약", "summarize", {"document": ""}),
        ("육아 휴직에 대해 요약해줘", "summarize", {"query": "육아 휴직"}),
        ("What is new in Board this week?", "summarize", {"space": "Board", "since": "this week"}),
        (
            "What's changed in the Company space since 2026-11-01?",
            "summarize",
            {"space": "Company", "since": "2026-11-01"},
        ),
        ("이번 주 회사 공간에 새로운 것은?", "summarize", {"space": "회사", "since": "이번 주"}),
        ("영업팀에서 오늘 바뀐 내용 알려 줘", "summarize", {"space": "영업팀", "since": "오늘"}),
        ("Who knows about parental leave?", "recommend", {"kind": "people", "about": "parental leave"}),
        ("Who should I ask about overtime?", "recommend", {"kind": "people", "about": "overtime"}),
        ("누가 휴가 규정을 잘 아나요?", "recommend", {"kind": "people", "about": "휴가 규정"}),
        ("휴가 규정에 대해 누가 잘 아나요", "recommend", {"kind": "people", "about": "휴가 규정"}),
        ("쿠버네티스를 가장 잘 아는 사람은?", "recommend", {"kind": "people", "about": "쿠버네티스"}),
        ("Find documents similar to Leave", "recommend", {"kind": "documents", "about": "Leave"}),
        ("related documents to Overtime", "recommend", {"kind": "documents", "about": "Overtime"}),
        ("사무실 안내와 비슷한 문서 찾아 줘", "recommend", {"kind": "documents", "about": "사무실 안내"}),
        ("Have I asked about overtime before?", "recommend", {"kind": "questions", "about": "overtime"}),
        ("List my projects", "list_groups_and_people", {"kind": "projects"}),
        ("Which teams am I in?", "list_groups_and_people", {"kind": "teams"}),
        ("내 프로젝트 목록 보여 줘", "list_groups_and_people", {"kind": "projects"}),
        ("Who is in the Board team?", "list_groups_and_people", {"kind": "people", "space": "Board"}),
        ("Show me all documents about leave", "list_documents", {"about": "leave"}),
        ("list documents by Kim", "list_documents", {"author": "Kim"}),
        ("휴가에 관한 문서 목록 보여 주세요", "list_documents", {"about": "휴가"}),
        ("Open Leave", "open_document", {"document": "Leave"}),
        ("사무실 안내 문서를 열어 줘", "open_document", {"document": "사무실 안내"}),
        ("Save this as “Leave in short”", "save_answer", {"title": "Leave in short"}),
        ("save that as a document called Notes", "save_answer", {"title": "Notes"}),
        ("Please save the answer in the Board space as Notes", "save_answer", {"space": "Board", "title": "Notes"}),
        ("이 답변을 “휴가 요점”으로 저장해 줘", "save_answer", {"title": "휴가 요점"}),
        ("Add this to the document Leave", "add_to_document", {"document": "Leave"}),
        ("이 답변을 휴가 규정 문서에 추가해 줘", "add_to_document", {"document": "휴가 규정"}),
        ("Remind me on Friday to send the report", "remind", {"text": "send the report", "when": "on Friday"}),
        ("Remind me to call Kim tomorrow at 9:15", "remind", {"text": "call Kim", "when": "tomorrow at 9:15"}),
        ("금요일 오전 9시에 보고서 제출하라고 알려 줘", "remind", {"text": "보고서 제출", "when": "금요일 오전 9시에"}),
    ],
)
def test_the_wording_names_the_tool(message: str, tool: str, arguments: dict[str, str]) -> None:
    intent = intent_of(message)
    assert intent is not None
    assert (intent.tool, intent.arguments) == (tool, arguments)


@pytest.mark.parametrize(
    "message",
    [
        "How do I request leave?",
        "What is the summary judgment rule?",
        "Who approves overtime?",
        "Who wrote the summary of the report?",
        "How do I open the time tool?",
        "What are the steps to save a document?",
        "When does the system remind people?",
        "What is new?",
        "Who is the head of finance?",
        "List the steps to record overtime",
        "사무실은 어디에 있나요?",
        "휴가는 어떻게 신청하나요?",
        "누가 초과 근무를 승인하나요?",
        "저장 방법을 알려 주세요",
        "문서를 어떻게 공유하나요?",
        "프로젝트 오로라는 무엇인가요?",
        "And for contractors?",
        "Is the form similar to the old one?",
    ],
)
def test_a_question_is_searched_for(message: str) -> None:
    assert intent_of(message) is None
