"""Text to terms: what matches what."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.analyzer import analyze, language, tokens, without_particle


def matches(query: str, text: str) -> bool:
    return bool(set(analyze(query)) & set(analyze(text)))


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("request", "She requested it."),
        ("POLICIES", "the policy"),
        ("cafe", "Café"),
        ("cafe", unicodedata.normalize("NFD", "café")),
        ("company", "the company’s building"),
        ("1000000", "a prize of 1,000,000 won"),
        ("data", "NEXUS_DATA_DIR"),
        ("event", "OutboxEvent"),
        ("OutboxEvent", "the outboxevent table"),
        ("example", "kim@example.com"),
        ("il-6", "levels of IL-6"),
        ("C++", "written in C++"),
        ("C#", "C# and F#"),
        ("ＡＢＣ", "abc"),
        ("농민", "농민을"),
        ("여의도", "여의도에서는"),
        ("육아휴직", "육아 휴직 신청"),
        ("1989년", "1989년에"),
        ("1989", "1989년에"),
        ("GPU", "GPU를"),
        (unicodedata.normalize("NFD", "서울"), "서울에서"),
        ("東京", "東京都に住む"),
    ],
)
def test_a_query_meets_the_forms_of_its_words(query: str, text: str) -> None:
    assert matches(query, text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("C++", "the letter C"),
        ("don't", "we won't"),
        ("the of and what", "what of the and"),
        ("GPU를", "를"),
        ("무엇 누구", "무엇을 누구에게"),
        ("data", "date"),
        ("서울", "서방"),
    ],
)
def test_words_that_only_look_alike_do_not_meet(query: str, text: str) -> None:
    assert not matches(query, text)


def test_an_identifier_is_found_whole_before_its_parts() -> None:
    terms = analyze("NEXUS_DATA_DIR and v1.5.9")
    assert {"nexus_data_dir", "nexus", "dir", "v1.5.9"} <= set(terms)


@pytest.mark.parametrize(
    ("text", "whole", "parts"),
    [
        ("오류 ERR_42가 나면", "err_42", ["err", "42"]),
        ("ERR_42에서는 멈춥니다", "err_42", ["err", "42"]),
        ("kim.minji@example.com에게 보냅니다", "kim.minji@example.com", ["kim", "minji", "exampl", "com"]),
        ("v2.13.1부터 됩니다", "v2.13.1", ["v2", "13", "1", "2.13.1"]),
        ("2.13.1입니다", "2.13.1", ["2", "13", "1"]),
        ("max_retry_count를 늘립니다", "max_retry_count", ["max", "retri", "count"]),
        ("docs/search.md의 표", "docs/search.md", ["doc", "search", "md"]),
        ("2026-11-03에 만납니다", "2026-11-03", ["2026", "11", "03"]),
        ("IL-6의 수치", "il6", ["il", "6"]),
        ("1,000,000원입니다", "1000000", ["1000000원"]),
        ("3.5년을", "3.5", ["3.5년"]),
        ("10-20대의", "20대", ["10", "20"]),
    ],
)
def test_a_particle_leaves_an_identifier_whole(text: str, whole: str, parts: list[str]) -> None:
    assert {whole, *parts} <= set(analyze(text))


def test_what_joins_hangul_makes_no_identifier() -> None:
    assert analyze("서울-부산") == ["서울", "부산"]
    assert analyze("GPU-서버") == ["gpu", "서버"]
    assert analyze("한국_kim") == ["한국", "kim"]


def test_hangul_becomes_bigrams_without_its_particle() -> None:
    assert analyze("대한민국은") == ["대한", "한민", "민국"]
    assert without_particle("서울에서는") == "서울"
    assert without_particle("나는") == "나는"  # nothing would be left of it


def test_tokens_know_their_places_in_the_text() -> None:
    text = "Über: “The 서울에서 office” (R&D), ½ day"
    found = {text[token.start : token.end]: token.terms for token in tokens(text)}
    assert found["서울에서"] == ("서울",)
    assert found["The"] == ()
    assert found["Über"] == ("uber",)
    assert "r&d" in found["R&D"]


@given(st.text(max_size=300))
def test_terms_are_bounded_whole_and_the_same_as_the_tokens(text: str) -> None:
    terms = analyze(text)
    assert terms == [term for token in tokens(text) for term in token.terms]
    assert all(0 < len(term) <= 64 and not any(character.isspace() for character in term) for term in terms)
    ends = [token.end for token in tokens(text)]
    assert ends == sorted(ends)


@given(st.text(alphabet="가나다라마바사은는이에서ABCdef 12.,", max_size=60))
def test_composed_and_decomposed_text_give_the_same_terms(text: str) -> None:
    assert analyze(unicodedata.normalize("NFD", text)) == analyze(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("How do I request leave?", "en"),
        ("parental leave policy", "en"),
        ("휴가를 어떻게 신청하나요?", "ko"),
        ("Kubernetes 배포 방법", "ko"),
        (unicodedata.normalize("NFD", "휴가 신청"), "ko"),
        ("The Korean dish 김치 is made of cabbage", "en"),
        ("休暇を申請するには", "ja"),
        ("如何申请休假", "zh"),
        ("Как взять отпуск", "ru"),
        ("كيف أطلب إجازة", "ar"),
        ("Wie beantrage ich meinen Urlaub und wann ist er", "de"),
        ("Comment demander des congés et pour qui", "fr"),
        ("¿Cómo solicito los días de permiso?", "es"),
        ("12345 !?", "und"),
        ("", "und"),
    ],
)
def test_the_language_is_told_by_script_and_function_words(text: str, code: str) -> None:
    assert language(text) == code
