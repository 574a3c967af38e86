"""Highlights and excerpts."""

from hypothesis import given
from hypothesis import strategies as st

from retrieval.analyzer import analyze, tokens
from retrieval.highlight import EXCERPT_CHARS, excerpt, highlights


def marked(text: str, query: str) -> list[str]:
    return [text[start:end] for start, end in highlights(text, set(analyze(query)))]


def test_forms_of_the_words_are_marked() -> None:
    assert marked("She requested two leaves; the request is open.", "requesting leave") == [
        "requested",
        "leaves",
        "request",
    ]


def test_korean_words_are_marked_with_their_particles() -> None:
    assert marked("여의도에서 농민을 만났다. 의도는 없다.", "여의도의 농민") == ["여의도에서", "농민을"]


def test_stop_words_are_not_marked() -> None:
    assert marked("What is the time?", "what is the weather") == []
    assert highlights("anything", ()) == ()


def test_the_excerpt_shows_where_the_matches_are() -> None:
    text = "Nothing here. " * 60 + "Parental leave lasts sixteen weeks. Ask for parental leave early. " + "More. " * 60
    spans = highlights(text, set(analyze("parental leave")))
    start, end = excerpt(text, spans)
    assert "Parental leave lasts sixteen weeks" in text[start:end]
    assert end - start <= EXCERPT_CHARS
    assert start == 0 or text[start - 1].isspace()


def test_a_short_text_is_its_own_excerpt() -> None:
    assert excerpt("Short.", ()) == (0, 6)


@given(st.text(max_size=1500), st.text(max_size=30), st.integers(20, 400))
def test_spans_lie_in_the_text_in_order(text: str, query: str, width: int) -> None:
    spans = highlights(text, set(analyze(query)))
    flat = [place for span in spans for place in span]
    assert flat == sorted(flat)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    start, end = excerpt(text, spans, width)
    assert 0 <= start <= end <= len(text)
    assert end - start <= width
    assert text == "" or end > start


@given(st.text(alphabet="abcdeIiLlSs -_.'한글을는", max_size=200), st.text(alphabet="abcdeils 한글", max_size=20))
def test_words_left_out_for_speed_would_not_have_matched(text: str, query: str) -> None:
    terms = set(analyze(query))
    slow = [(t.start, t.end) for t in tokens(text) if terms & set(t.terms)]
    fast = [(t.start, t.end) for t in tokens(text, terms) if terms & set(t.terms)]
    assert fast == slow


def test_a_word_that_does_not_begin_as_its_stem_is_marked() -> None:
    assert marked("He was dying then.", "when did he die") == ["dying"]
