"""Plain text in any encoding, cleaned, with its paragraphs, lists and headings; and which format a file is."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.parsers.cleaning import clean
from ingest.parsers.encoding import decode
from ingest.parsers.limits import Limits
from ingest.types import BlockKind
from tests.ingest.parsers import samples
from tests.ingest.parsers.conftest import Read, Refuse, outline, shape, texts

ENGLISH = "Annual leave is 15 days. Ask your lead first."
WESTERN = "Die schöne Wohnung kostet 900 €. L’été était très chaud. El niño comió paella – “¡qué rico!”"
KOREAN = "연차 휴가는 15일입니다. 먼저 팀장에게 신청하세요."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (ENGLISH, "ascii"),
        (WESTERN, "utf-8"),
        (KOREAN, "utf-8-sig"),
        (KOREAN, "utf-16"),
        (ENGLISH, "utf-16-le"),
        (ENGLISH, "utf-16-be"),
        (ENGLISH + KOREAN, "utf-16-le"),
        (KOREAN, "utf-32"),
        (ENGLISH, "utf-32-le"),
        (ENGLISH, "utf-32-be"),
        (WESTERN, "cp1252"),
        ("naïve café", "cp1252"),
        (KOREAN, "cp949"),
        (KOREAN, "euc-kr"),
        ("휴가", "cp949"),
        ("Leave policy 휴가 정책", "cp949"),
        ("뷁햏 똠방각하 펲시콜라", "cp949"),
        ("これは日本語のテキストです。会社の休暇規定について説明します。", "cp932"),
        ("Это русский текст. Политика отпусков компании описана ниже.", "cp1251"),
    ],
)
def test_text_is_read_in_its_encoding(read: Read, text: str, encoding: str) -> None:
    assert "\n".join(texts(read(text.encode(encoding), "note.txt"))) == text


def test_a_declared_encoding_counts_unless_the_bytes_contradict_it() -> None:
    assert decode("정책".encode("euc-kr"), "euc-kr") == "정책"
    assert decode("café".encode("cp1252"), "iso-8859-1") == "café"
    assert decode("정책 안내".encode(), "iso-8859-1") == "정책 안내"
    assert decode("café".encode(), "no-such-charset") == "café"


def test_a_few_broken_bytes_do_not_make_utf8_something_else() -> None:
    assert decode("연차 휴가는 15일입니다. 신청하세요.".encode() + b"\xff").startswith("연차 휴가는")


@given(st.binary(max_size=300))
def test_any_bytes_decode_to_something(data: bytes) -> None:
    clean(decode(data)).encode("utf-8")


@given(st.text(max_size=300))
def test_clean_text_has_no_control_characters_and_stays_clean(text: str) -> None:
    once = clean(text)
    assert not any(ord(char) < 32 and char not in "\n\t" for char in once)
    assert clean(once) == once


def test_control_characters_go_and_line_ends_and_accents_become_one_kind(read: Read) -> None:
    parsed = read("One\x00 t\u200bwo\r\nthree\rfour\x07 cafe\u0301\u00a0x \ufdd0y", "note.txt")
    assert texts(parsed) == ["One two\nthree\nfour café x y"]


def test_paragraphs_lists_and_headings_are_told_apart(read: Read) -> None:
    parsed = read(
        "Travel guide\n============\n\nBook early,\nalways.\n\nBEFORE YOU GO\n\nYou need:\n- a passport\n"
        "- a ticket\n  in your name\n1. Go\n2) Return\n\nPlain end.",
        "guide.txt",
    )
    assert shape(parsed.blocks) == [
        ("heading", "Travel guide"),
        ("paragraph", "Book early,\nalways."),
        ("heading", "BEFORE YOU GO"),
        ("paragraph", "You need:"),
        ("list_item", "- a passport"),
        ("list_item", "- a ticket\nin your name"),
        ("list_item", "1. Go"),
        ("list_item", "2) Return"),
        ("paragraph", "Plain end."),
    ]
    assert outline(parsed) == [(1, "Travel guide"), (2, "BEFORE YOU GO")]


def test_lines_wrapped_by_a_program_are_joined(read: Read) -> None:
    wrapped = (
        "The quick brown fox jumps over the lazy dog, and then it rests\n"
        "for a while in the shade of an old oak tree, where nobody can\nsee it."
    )
    assert texts(read(wrapped, "fox.txt")) == [wrapped.replace("\n", " ")]


def test_programs_keep_their_layout(read: Read) -> None:
    parsed = read("def f():\n    return 1\n\n\ndef g():\n    return 2\n", "f.py")
    assert shape(parsed.blocks) == [("code", "def f():\n    return 1"), ("code", "def g():\n    return 2")]


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n ", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00\x00\x00"])
def test_a_file_without_content_is_empty(refuse: Refuse, data: bytes) -> None:
    assert refuse(data, "empty.txt").reason == "empty"


@pytest.mark.parametrize(
    ("data", "name", "media_type", "parser"),
    [
        ("<!DOCTYPE html><p>words</p>", "page", None, "html"),
        ("<?xml version='1.0'?><a><b>words</b></a>", "feed", None, "xml"),
        ('{"a": "b"}', "data", None, "json"),
        ("[not json", "note", None, "plain"),
        ("From: a@b.c\nTo: d@e.f\nSubject: Hi\nDate: today\n\nBody", "message", None, "email"),
        ("# Title", "notes", "text/markdown", "markdown"),
        ("a,b\n1,2\n", "export", "text/csv; charset=utf-8", "delimited"),
        ("just words", "README", "application/octet-stream", "plain"),
        ("really a text", "thesis.pdf", "application/pdf", "plain"),
        (samples.pdf(samples.prose("Words in a PDF file")), "thesis.docx", None, "pdfium"),
        (samples.pdf(samples.prose("Words in a PDF file")), "thesis", None, "pdfium"),
        (samples.xls(), "salaries", None, "xlrd"),
        (samples.zipped({"a.txt": "x"}), "things", None, "zip"),
        (r"{\rtf1 Hello}", "letter.doc", None, "pandoc:rtf"),
    ],
)
def test_the_content_decides_where_the_name_does_not_or_lies(
    read: Read, data: bytes | str, name: str, media_type: str | None, parser: str
) -> None:
    assert read(data, name, media_type).parser == parser


@pytest.mark.parametrize("name", ["program.exe", "program", "program.txt"])
def test_a_binary_file_of_no_known_kind_is_unsupported(refuse: Refuse, name: str) -> None:
    failure = refuse(b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)) * 20, name)
    assert failure.reason == "unsupported"
    assert "PDF" in failure.detail


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx", "a.png", "a.msg", "a.doc", "a.zip", "a.epub"])
def test_rubbish_under_a_known_name_is_malformed(refuse: Refuse, name: str) -> None:
    assert refuse(b"\x01\x02\x03\x00" * 500, name).reason == "malformed"


def test_more_text_than_allowed_is_too_large(refuse: Refuse) -> None:
    failure = refuse("word " * 1000, "long.txt", limits=Limits(output_chars=1000))
    assert failure.reason == "too_large"
    assert "NEXUS_PARSE_OUTPUT_CHARS" in failure.detail


def test_marks_alone_are_no_text(refuse: Refuse) -> None:
    assert refuse("\u200b\u200b\u00ad and".replace(" and", ""), "marks.txt").reason == "no_text"


def test_every_kind_of_block_can_come_from_text_alone(read: Read) -> None:
    kinds = {block.kind for block in read("HEAD LINE\n\n- item\n\ntext", "a.txt").blocks}
    assert kinds == {BlockKind.HEADING, BlockKind.LIST_ITEM, BlockKind.PARAGRAPH}


def test_compressed_data_is_no_text(refuse: Refuse) -> None:
    assert refuse(zlib.compress(bytes(range(256)) * 50), "data").reason == "unsupported"
