"""Sentences are found whole, with the offsets that prove them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rains. It pours.", ["It rains.", "It pours."]),
        ("Dr. Smith met Mr. J. K. Jones. They left.", ["Dr. Smith met Mr. J. K. Jones.", "They left."]),
        ("He lives in the U.S. today. She does not.", ["He lives in the U.S. today.", "She does not."]),
        ("He moved to the U.S. The war had ended.", ["He moved to the U.S.", "The war had ended."]),
        ("Come at 5 p.m. tomorrow. Bring e.g. cake.", ["Come at 5 p.m. tomorrow.", "Bring e.g. cake."]),
        ("It costs 3.5 dollars. That is No. 5 of it.", ["It costs 3.5 dollars.", "That is No. 5 of it."]),
        ("Jo Reed (c. 1455–1536) taught here. He left.", ["Jo Reed (c. 1455–1536) taught here.", "He left."]),
        ("See Fig. 3 first. Apple Inc. The rest follows.", ["See Fig. 3 first.", "Apple Inc.", "The rest follows."]),
        ("He was born in 1999. The end came.", ["He was born in 1999.", "The end came."]),
        ('"Is it so?" he said. "Yes." Then he left.', ['"Is it so?" he said.', '"Yes."', "Then he left."]),
        (
            "It fell (at noon.) Then it broke.[3] Nobody cared!",
            ["It fell (at noon.)", "Then it broke.[3]", "Nobody cared!"],
        ),
        ("Wait... what? Well... Then go.", ["Wait... what?", "Well...", "Then go."]),
        ("Open nexus.toml in v1.2.3 now. Done.", ["Open nexus.toml in v1.2.3 now.", "Done."]),
        ("See Appendix A. The rest is here.", ["See Appendix A.", "The rest is here."]),
    ],
)
def test_english_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("나는 갔다. 그는 남았다.", ["나는 갔다.", "그는 남았다."]),
        ("나는 갔다.그는 남았다.", ["나는 갔다.", "그는 남았다."]),
        ("어디로 가요? 집이요! 그래요.", ["어디로 가요?", "집이요!", "그래요."]),
        ("그는 좋다。나도 좋다。", ["그는 좋다。", "나도 좋다。"]),
        ('그는 "밥을 먹었다."라고 말했다. 끝이다.', ['그는 "밥을 먹었다."라고 말했다.', "끝이다."]),
        ("2019. 3. 1. 만세를 불렀다. 1.5배였다.", ["2019. 3. 1. 만세를 불렀다.", "1.5배였다."]),
        ('그는 "밥을 먹었다."', ['그는 "밥을 먹었다."']),
        ("가. 신청서를 낸다. 그 다음 기다린다.", ["가. 신청서를 낸다.", "그 다음 기다린다."]),
        ("점유율은 5%였다.API는 빠르다.", ["점유율은 5%였다.", "API는 빠르다."]),
    ],
)
def test_korean_sentences_end_with_and_without_a_space(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_wrapped_lines_are_one_sentence_and_items_end_with_their_line() -> None:
    text = (
        "# Leave\n"
        "Ask your manager before you take leave, and enter the days in the\n"
        "calendar so that everybody on the team can plan around your absence.\n"
        "- Send the form\n"
        "- Wait for the\n"
        "  answer\n"
        "\n"
        "| Grade | Days |\n"
        "| A | 20 |\n"
    )
    assert sentences(text) == [
        "# Leave",
        "Ask your manager before you take leave, and enter the days in the\n"
        "calendar so that everybody on the team can plan around your absence.",
        "- Send the form",
        "- Wait for the\n  answer",
        "| Grade | Days |",
        "| A | 20 |",
    ]


def test_short_lines_without_stops_are_separate() -> None:
    assert sentences("Apples\nBananas\nCherries") == ["Apples", "Bananas", "Cherries"]
    assert sentences("Opening hours:\nMonday: 9 to 5\nTuesday: 10 to 6") == [
        "Opening hours:",
        "Monday: 9 to 5",
        "Tuesday: 10 to 6",
    ]


def test_numbers_of_list_items_stay_with_their_item() -> None:
    assert sentences("1. Fill in the form. Sign it.\n2. Send it.") == [
        "1. Fill in the form.",
        "Sign it.",
        "2. Send it.",
    ]


def test_nothing_is_found_in_blanks() -> None:
    assert sentence_spans("") == []
    assert sentence_spans(" \n\t\r\n ") == []


pieces = st.sampled_from(
    [
        *'ab가다요. .!?…。"”)([]3:,\n\t\r|-#',
        " ",
        "\n\n",
        "Mr. ",
        "U.S. ",
        "다.",
        "다. ",
        "- ",
        "1. ",
        "| a | b |",
        "The ",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), st.lists(pieces, max_size=60).map("".join)))
def test_spans_are_ordered_disjoint_tight_and_cover_all_that_is_not_blank(text: str) -> None:
    covered = bytearray(len(text))
    last = 0
    for start, end in sentence_spans(text):
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        covered[start:end] = b"\1" * (end - start)
        last = end
    assert all(seen or char.isspace() for seen, char in zip(covered, text, strict=True))


def test_two_megabytes_of_mixed_text_are_cut() -> None:
    text = (
        "The clerk of the U.S. court, Mr. J. Doe, paid $3.50 for it. " * 20 + "\n\n" + "그는 학교에 갔다. " * 40 + "\n"
    ) * 1000
    assert len(sentence_spans(text)) >= 60_000
