"""What is typed into the search box."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.query_language import FIELDS, FieldTerm, ParsedQuery, parse, parse_date


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", ParsedQuery("")),
        ("parental  leave", ParsedQuery("parental leave", ("parental", "leave"))),
        (
            'how does "change  freeze" work',
            ParsedQuery("how does change freeze work", ("how", "does", "work"), ("change freeze",)),
        ),
        ("leave -parental", ParsedQuery("leave", ("leave",), excluded_words=("parental",))),
        ('-"old policy" leave', ParsedQuery("leave", ("leave",), excluded_phrases=("old policy",))),
        ("“smart quotes” help", ParsedQuery("smart quotes help", ("help",), ("smart quotes",))),
        ('"육아 휴직"은 언제', ParsedQuery("육아 휴직 언제", ("언제",), ("육아 휴직",))),
        (
            'in:"People team" IN:Handbook by:me category:"How to" -tag:draft leave',
            ParsedQuery(
                "leave",
                ("leave",),
                fields=(
                    FieldTerm("in", "People team"),
                    FieldTerm("in", "Handbook"),
                    FieldTerm("by", "me"),
                    FieldTerm("category", "How to"),
                    FieldTerm("tag", "draft", negated=True),
                ),
            ),
        ),
        ("after:2026-11", ParsedQuery("", fields=(FieldTerm("after", "2026-11"),))),
    ],
)
def test_a_query_is_taken_apart(text: str, parsed: ParsedQuery) -> None:
    assert parse(text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "C++", "ERR_42", "10:30", "https://example.com/a?b=c", "it's", "e-mail", "a - b", "-", "--force", "-5 degrees",
        "a -> b", "tag: hr", "in:", "Re: hello", 'a 5" screen', "kim@example.com", "v1.5.9", "회의:", "$-x",
    ],
)  # fmt: skip
def test_what_is_not_of_the_language_stays_words(text: str) -> None:
    assert parse(text) == ParsedQuery(text, tuple(text.split()))


@pytest.mark.parametrize(
    ("text", "words"),
    [('"never ends', ("never", "ends")), ('""', ()), ('a "', ("a",)), ('in:"" x', ("in", "x")), ('-"open', ())],
)
def test_marks_that_make_no_sense_do_no_harm(text: str, words: tuple[str, ...]) -> None:
    assert parse(text).words == words


@given(st.text(max_size=200))
def test_any_text_is_a_valid_query(text: str) -> None:
    parsed = parse(text)
    everything = [*parsed.words, *parsed.phrases, *parsed.excluded, *(term.value for term in parsed.fields)]
    assert all(part and part == " ".join(part.split()) for part in everything)
    assert {term.name for term in parsed.fields} <= set(FIELDS)
    assert sorted(parsed.text.split()) == sorted(" ".join([*parsed.words, *parsed.phrases]).split())


@given(st.lists(st.text(alphabet="abc가나 :-_\"“”'in:by:+.5", max_size=12), max_size=8))
def test_words_without_marks_come_through_as_they_are(pieces: list[str]) -> None:
    plain = " ".join(pieces).replace('"', "").replace("“", "").replace("-", "").replace(":", "")
    assert parse(plain) == ParsedQuery(" ".join(plain.split()), tuple(plain.split()))


_name = st.text(alphabet="abc가나 ", min_size=1, max_size=10).map(lambda text: " ".join(text.split())).filter(bool)


@given(st.lists(_name, max_size=3), st.lists(_name, max_size=3), st.lists(st.tuples(st.sampled_from(FIELDS), _name)))
def test_what_is_written_with_quotation_marks_is_read_back(
    phrases: list[str], excluded: list[str], fields: list[tuple[str, str]]
) -> None:
    parts = [f'"{phrase}"' for phrase in phrases] + [f'-"{phrase}"' for phrase in excluded]
    parts += [f'{name}:"{value}"' for name, value in fields]
    parsed = parse(" ".join(parts))
    assert parsed.phrases == tuple(phrases)
    assert parsed.excluded_phrases == tuple(excluded)
    assert [(term.name, term.value) for term in parsed.fields] == list(dict.fromkeys(fields))
    assert parsed.words == ()


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026", date(2026, 1, 1)),
        ("2026-11", date(2026, 11, 1)),
        ("2026-11-24", date(2026, 11, 24)),
        ("2026.11.24.", date(2026, 11, 24)),
        ("2026/1/2", date(2026, 1, 2)),
        ("2026-02-30", None),
        ("0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_may_be_years_months_or_days(value: str, day: date | None) -> None:
    assert parse_date(value) == day
