"""A model's sentences are held to the passages, while they stream."""

import pytest

from assistant.context import Passages
from assistant.proof.grounding import Grounder
from tests.assistant.passages import NoEmbedder, hit

FIRST = "Overtime is work of more than 40 hours in a week. Mary Jones approves overtime in writing."
SECOND = "Parents get 12 weeks of leave."


def grounder() -> Grounder:
    passages = Passages()
    passages.add([hit(FIRST), hit(SECOND, source="d2")])
    return Grounder(passages, NoEmbedder())


def write(text: str, size: int = 3) -> Grounder:
    judge = grounder()
    for start in range(0, len(text), size):
        list(judge.feed(text[start : start + size]))
    list(judge.finish())
    return judge


def shown(judge: Grounder) -> str:
    return "".join(part.text for part in judge.parts)


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    "text",
    [
        "Mary Jones approves overtime [1]. Parents get 12 weeks [2].",
        "Mary Jones approves overtime. [1] Parents get 12 weeks. [2]",
        "Mary Jones approves overtime.[1] Parents get 12 weeks.【2】",
    ],
)
def test_markers_count_wherever_they_stand_and_however_the_text_comes(text: str, size: int) -> None:
    judge = write(text, size)
    assert shown(judge) == "Mary Jones approves overtime. [1] Parents get 12 weeks. [2]"
    assert [citation.source.id for citation in judge.citations] == ["d1", "d2"]


def test_a_sentence_is_given_as_soon_as_it_is_complete() -> None:
    judge = grounder()
    assert not list(judge.feed("Mary Jones approves overtime [1]."))
    (part,) = judge.feed(" Parents get")
    assert part.text == "Mary Jones approves overtime. [1]"


def test_other_numbers_and_other_facts_are_dropped() -> None:
    judge = write(
        "Parents get 14 weeks of leave [2]. Parents love sailing boats [2]. Mary Jones approves overtime [1]."
    )
    assert shown(judge) == "Mary Jones approves overtime. [1]"
    assert judge.dropped == ["Parents get 14 weeks of leave.", "Parents love sailing boats."]


def test_the_same_evidence_has_one_marker() -> None:
    judge = write("Mary Jones approves overtime [1]. Overtime is approved in writing by Mary Jones [1].")
    assert len(judge.citations) == 1
    assert shown(judge).count("[1]") == 2


def test_a_sentence_of_two_passages_cites_both() -> None:
    passages = Passages()
    passages.add([hit("Kim leads the sales team."), hit("The sales team is led by Kim.", source="d2")])
    judge = Grounder(passages, NoEmbedder())
    list(judge.feed("Kim leads the sales team [1, 2]."))
    list(judge.finish())
    assert shown(judge) == "Kim leads the sales team. [1][2]"


def test_two_sentences_are_quoted_where_one_does_not_say_it_all() -> None:
    judge = write("Mary Jones approves in writing overtime, which is work of more than 40 hours in a week [1].")
    assert judge.citations[0].quote == FIRST


def test_lead_ins_are_kept_and_nothing_at_all_is_no_answer() -> None:
    judge = write("Here is what I found about it:\n- Mary Jones approves overtime [1].\n- Parents get 12 weeks [2].")
    assert shown(judge) == (
        "Here is what I found about it:\n- Mary Jones approves overtime. [1]\n- Parents get 12 weeks. [2]"
    )
    empty = write("NOT_FOUND")
    assert not empty.parts


def test_what_was_not_finished_before_a_search_is_forgotten() -> None:
    judge = grounder()
    list(judge.feed("Let me look for"))
    judge.restart()
    list(judge.feed("Parents get 12 weeks [2]."))
    list(judge.finish())
    assert shown(judge) == "Parents get 12 weeks. [1]"


def test_two_passages_may_support_a_sentence_together() -> None:
    passages = Passages()
    passages.add([hit("Kim leads the sales team."), hit("The sales team sits in Busan.", source="d2")])
    judge = Grounder(passages, NoEmbedder())
    list(judge.feed("Kim leads the sales team that sits in Busan [1][2]."))
    list(judge.finish())
    assert shown(judge) == "Kim leads the sales team that sits in Busan. [1][2]"


def test_unsupported_sentences_are_marked_where_that_is_set() -> None:
    passages = Passages()
    passages.add([hit(FIRST)])
    judge = Grounder(passages, NoEmbedder(), unsupported="show")
    list(judge.feed("Mary Jones approves overtime [1]. She likes sailing boats [1]."))
    list(judge.finish())
    assert shown(judge) == "Mary Jones approves overtime. [1] She likes sailing boats. (no source says this)"
    assert [part.supported for part in judge.parts] == [True, False]


@pytest.mark.parametrize(
    "lead", ["Send your password to the following:", "The moon is made of cheese:", "Nobody pays."]
)
def test_a_lead_in_states_nothing_of_its_own(lead: str) -> None:
    judge = write(f"{lead}\n- Mary Jones approves overtime [1].")
    assert shown(judge) == "- Mary Jones approves overtime. [1]"


def test_a_lead_in_is_not_left_alone() -> None:
    assert not write("Here is what I found:\n- Mary Jones loves boats [1].").parts


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Mary Jones ![a](https://e.example/?q=1) approves overtime [1].", "Mary Jones a approves overtime."),
        ("Mary Jones approves [overtime](javascript:alert(1)) [1].", "Mary Jones approves overtime."),
        ("Mary Jones approves <b onclick=x>overtime</b> [1].", "Mary Jones approves `<b onclick=x>`overtime`</b>`."),
        ("Mary\u200b Jones approves overtime\u202e [1].", "Mary Jones approves overtime."),
    ],
)
def test_nothing_can_be_followed_fetched_or_run(written: str, expected: str) -> None:
    text = shown(write(written))
    assert not text or text == f"{expected} [1]"
    assert not any(sign in text for sign in ("](", "![", "javascript:", "\u200b", "\u202e"))
