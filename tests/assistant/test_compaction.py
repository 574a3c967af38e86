"""However long a conversation gets, what a model sees of it is bounded, and the question stays."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from assistant.models.compaction import compact, size


def tell(turns: str) -> str:
    return f"Earlier:\n{turns}"


def conversation(turns: int, words: int) -> list[BaseMessage]:
    messages: list[BaseMessage] = []
    for n in range(turns):
        filler = " ".join(["filler"] * words)
        messages += [
            HumanMessage(f"Question {n}? {filler}"),
            AIMessage(f"Well, {filler}. Fact {n} holds. [1] More {filler}. [2]"),
        ]
    return messages


def test_a_short_conversation_is_left_as_it_is() -> None:
    messages = [*conversation(3, 5), HumanMessage("And now?")]
    assert compact(messages, 1_000, tell) == messages


def test_older_turns_become_their_question_and_first_cited_sentence() -> None:
    messages = [*conversation(6, 60), HumanMessage("And now?")]
    kept = compact(messages, 900, tell)
    assert kept[-1].text == "And now?"
    assert isinstance(kept[0], HumanMessage)
    assert "asked: Question 2?" in kept[0].text
    assert "answered: Fact 2 holds." in kept[0].text
    assert kept[-2] == messages[-2]
    assert compact(messages, 900, tell) == kept


@settings(max_examples=80, deadline=None)
@given(
    turns=st.integers(0, 12),
    words=st.integers(0, 120),
    results=st.lists(st.integers(0, 3_000), max_size=4),
    most=st.integers(400, 3_000),
)
def test_it_never_takes_more_than_it_may(turns: int, words: int, results: list[int], most: int) -> None:
    messages = [*conversation(turns, words), HumanMessage("What is it?")]
    for n, length in enumerate(results):
        call = {"name": "search", "args": {"query": "it"}, "id": str(n)}
        messages += [AIMessage("", tool_calls=[call]), ToolMessage("x" * length, tool_call_id=str(n))]
    kept = compact(messages, most, tell)
    assert sum(map(size, kept)) <= most
    assert any(message.text.endswith("What is it?") for message in kept)
    calls = [call["id"] for message in kept if isinstance(message, AIMessage) for call in message.tool_calls]
    assert calls == [message.tool_call_id for message in kept if isinstance(message, ToolMessage)]
    roles = [message.type for message in kept if message.type in ("human", "ai")]
    assert all(one != other for one, other in pairwise(roles) if "human" in (one, other))
