"""What a model outside may not see is hidden from it, and comes back in what it writes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.models.masking import Masker, Unmasking

SECRETS = [
    "mary.jones@acme.example",
    "홍길동@회사.한국",
    "sk-proj-AbCdEf0123456789xyz",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIAIOSFODNN7EXAMPLE",
    "nxk_q8Zr3Ww0b1N4vTt6YyUuPp9Kk2Mm5Jj7Hh8Gg0Ff1D",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nq83v\n-----END RSA PRIVATE KEY-----",
    "4111 1111 1111 1111",
    "5500-0000-0000-0004",
    "900101-1234568",
    "GB82 WEST 1234 5698 7654 32",
    "DE89370400440532013000",
    "+82 10-1234-5678",
    "010-1234-5678",
    "02-555-1234",
    "(415) 555-2671",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["Write to {} today.", "연락처는 {} 입니다.", "{}", "a\n{}\nb"])
def test_secrets_and_personal_data_are_hidden_and_come_back(secret: str, around: str) -> None:
    masker, text = Masker(), around.format(secret)
    masked = masker.mask(text)
    assert secret not in masked
    assert masker.unmask(masked) == text


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgres://app:Tr0ub4dor@db/main", "Tr0ub4dor"),
        ("password: hunter2!", "hunter2!"),
        ("API_KEY=abc123def", "abc123def"),
        ("비밀번호는 가나다1234 입니다", "가나다1234"),
        ("Authorization: Bearer abcdefghijklmnop1234", "abcdefghijklmnop1234"),
        ("9001011234568", "9001011234568"),
    ],
)
def test_only_the_secret_part_is_hidden(text: str, hidden: str) -> None:
    masked = Masker().mask(text)
    assert hidden not in masked
    assert masked != text


@pytest.mark.parametrize(
    "text",
    [
        "Overtime is work of more than 40 hours in a week.",
        "4111 1111 1111 1112",  # a wrong check digit
        "GB82 WEST 1234 5698 7654 33",
        "991301-1234567",  # no such month
        "The order number is 9001011234567.",
        "From 2026-11-28 to 2027-01-05, 1,234,567 won, version 1.24.3.",
        "The password is required. Your secret is safe with us.",
        "Kubernetes 1.29, see chapter 12-345-6.",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Masker().mask(text) == text


def test_the_same_value_has_the_same_placeholder_everywhere() -> None:
    masker = Masker()
    first = masker.mask("Ask a@b.example or c@d.example.")
    assert first == "Ask {EMAIL_1} or {EMAIL_2}."
    assert masker.mask("c@d.example answers.") == "{EMAIL_2} answers."


def test_a_placeholder_of_nobody_stays_as_it_is() -> None:
    masker = Masker()
    masker.mask("a@b.example")
    assert masker.unmask("{EMAIL_7} {PHONE_1} {EMAIL_1}") == "{EMAIL_7} {PHONE_1} a@b.example"


_PIECES = st.one_of(
    st.sampled_from(SECRETS),
    st.sampled_from(["{EMAIL_1}", "{EMAIL_", "1}", "{", "}", "password=", "://u:", "@", " ", "\n", "{TEXT_1}"]),
    st.text(max_size=12),
)


@settings(max_examples=150, deadline=None)
@given(texts=st.lists(st.lists(_PIECES, max_size=8).map("".join), max_size=3), size=st.integers(1, 9))
def test_masking_and_unmasking_gives_back_any_text_whole_and_in_pieces(texts: list[str], size: int) -> None:
    masker = Masker()
    masked = [masker.mask(text) for text in texts]
    for text, hidden in zip(texts, masked, strict=True):
        assert masker.unmask(hidden) == text
        unmasking = Unmasking(masker)
        pieces = [unmasking.feed(hidden[start : start + size]) for start in range(0, len(hidden), size)]
        assert "".join([*pieces, unmasking.finish()]) == text
    assert masker.unmask_all(masker.mask_all({"a": [*texts, 1, None]})) == {"a": [*texts, 1, None]}
