"""Word, PowerPoint, OpenDocument, rich text, EPUB and reStructuredText."""

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import msoffcrypto
import pptx
import pytest

from ingest.parsers import programs
from ingest.types import BlockKind
from tests.ingest.parsers import samples
from tests.ingest.parsers.conftest import Read, Refuse, outline, shape, texts

needs_office = pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed")


def word(fill: Callable[[Any], None]) -> bytes:
    document = docx.Document()
    fill(document)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def a_policy(document: Any) -> None:
    document.core_properties.title = "Leave policy"
    document.add_heading("Leave", level=1)
    document.add_paragraph("Annual leave is 15 days. 연차는 15일입니다.")
    document.add_heading("Requests", level=2)
    document.add_paragraph("Ask your lead", style="List Bullet")
    document.add_paragraph("Fill in the form", style="List Number")
    table = document.add_table(rows=0, cols=3)
    for row in (("City", "Room", "Meals"), ("Boston", "200", "50"), ("Denver", "180", "45")):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    document.add_paragraph("Done.")


def slides() -> bytes:
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    box = slide.shapes.add_textbox(0, 0, 900000, 900000)
    box.text_frame.text = "A loose remark"
    slide.shapes.title.text = "Quarter results"
    slide.placeholders[1].text_frame.text = "Sales grew"
    slide.notes_slide.notes_text_frame.text = "Mention the new office"
    table = show.slides.add_slide(show.slide_layouts[5])
    table.shapes.title.text = "Numbers"
    grid = table.shapes.add_table(2, 3, 0, 0, 900000, 900000).table
    for row, values in enumerate((("Zone", "Sales", "Cost"), ("Asia", "5", "3"))):
        for column, value in enumerate(values):
            grid.cell(row, column).text = value
    out = io.BytesIO()
    show.save(out)
    return out.getvalue()


def converted(data: bytes, name: str, target: str, folder: Path) -> bytes:
    """A file of an older format, made by LibreOffice."""
    (folder / name).write_bytes(data)
    office = shutil.which("soffice")
    assert office
    profile = (folder / "profile").as_uri()
    args = [office, f"-env:UserInstallation={profile}", "--headless", "--convert-to", target, "--outdir", str(folder)]
    subprocess.run([*args, str(folder / name)], check=True, capture_output=True, timeout=120)
    return (folder / name).with_suffix(f".{target.split(':')[0]}").read_bytes()


def by_pandoc(markdown: str, target: str, folder: Path) -> bytes:
    """A file that pandoc makes of Markdown."""
    pandoc = programs.find_pandoc()
    assert pandoc
    path = folder / f"made.{target}"
    subprocess.run([pandoc, "-s", "-f", "markdown", "-o", str(path)], input=markdown.encode(), check=True, timeout=60)
    return path.read_bytes()


def test_word_structure_is_kept(read: Read) -> None:
    parsed = read(word(a_policy), "leave.docx")
    assert parsed.title == "Leave policy"
    assert shape(parsed.blocks) == [
        ("heading", "Leave"),
        ("paragraph", "Annual leave is 15 days. 연차는 15일입니다."),
        ("heading", "Requests"),
        ("list_item", "- Ask your lead"),
        ("list_item", "1. Fill in the form"),
        ("table", "City: Boston; Room: 200; Meals: 50\nCity: Denver; Room: 180; Meals: 45"),
        ("paragraph", "Done."),
    ]
    assert outline(parsed) == [(1, "Leave"), (2, "Requests")]


def test_a_title_that_word_writes_by_itself_is_none(read: Read) -> None:
    assert read(word(lambda document: document.add_paragraph("Some text")), "a.docx").title is None


def test_a_word_document_without_text(refuse: Refuse) -> None:
    assert refuse(word(lambda document: None), "a.docx").reason == "no_text"


def test_an_encrypted_word_document_says_so(refuse: Refuse) -> None:
    plain, locked = io.BytesIO(word(a_policy)), io.BytesIO()
    msoffcrypto.OfficeFile(plain).encrypt("password", locked)
    assert refuse(locked.getvalue(), "locked.docx").reason == "password_protected"


def test_a_zip_that_only_says_that_it_is_word_is_malformed(refuse: Refuse) -> None:
    assert refuse(samples.zipped({"[Content_Types].xml": "<a/>", "word/x.xml": "x"}), "a.docx").reason == "malformed"


def test_slides_are_pages_under_their_titles(read: Read) -> None:
    parsed = read(slides(), "results.pptx")
    assert parsed.title == "Quarter results"
    assert shape(parsed.blocks) == [
        ("heading", "Quarter results"),
        ("paragraph", "Mention the new office"),
        ("list_item", "- Sales grew"),
        ("paragraph", "A loose remark"),
        ("heading", "Numbers"),
        ("table", "Zone: Asia; Sales: 5; Cost: 3"),
    ] or [block.page for block in parsed.blocks] == [1, 1, 1, 1, 2, 2]
    assert {block.page for block in parsed.blocks if block.text in ("Numbers", "A loose remark")} == {1, 2}


@needs_office
def test_word_97(read: Read, tmp_path: Path) -> None:
    parsed = read(converted(word(a_policy), "leave.docx", "doc", tmp_path), "leave.doc")
    assert outline(parsed) == [(1, "Leave"), (2, "Requests")]
    assert "Annual leave is 15 days. 연차는 15일입니다." in texts(parsed)
    assert "City: Boston; Room: 200; Meals: 50\nCity: Denver; Room: 180; Meals: 45" in texts(parsed)


@needs_office
def test_powerpoint_97(read: Read, tmp_path: Path) -> None:
    parsed = read(converted(slides(), "results.pptx", "ppt", tmp_path), "results.ppt")
    assert [text for _, text in outline(parsed)] == ["Quarter results", "Numbers"]
    assert "- Sales grew" in texts(parsed)


@needs_office
def test_a_broken_word_97_document_is_malformed(refuse: Refuse, tmp_path: Path) -> None:
    data = converted(word(a_policy), "leave.docx", "doc", tmp_path)
    assert refuse(data[:3000], "cut.doc").reason == "malformed"


def test_a_missing_program_is_named(refuse: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find_office", lambda: None)
    monkeypatch.setattr(programs, "find_pandoc", lambda: None)
    monkeypatch.setattr("ingest.parsers.formats._ole_format", lambda path: "doc")
    failure = refuse(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc")
    assert (failure.reason, "libreoffice-writer" in failure.detail) == ("needs_program", True)
    failure = refuse(r"{\rtf1 x}", "a.rtf")
    assert (failure.reason, "install pandoc" in failure.detail) == ("needs_program", True)


MARKDOWN = """---
title: The guide
---

# Leave

Annual leave is **15** days. 연차는 15일입니다.

## Requests

1. Ask
2. Wait

- a bullet

    some code

| City | Room |
|------|-----:|
| Boston | 200 |
"""


@pytest.mark.parametrize("target", ["odt", "epub", "rtf", "rst"])
def test_what_pandoc_reads_keeps_its_structure(read: Read, tmp_path: Path, target: str) -> None:
    parsed = read(by_pandoc(MARKDOWN, target, tmp_path), f"guide.{target}")
    assert [text for _, text in outline(parsed)][-2:] == ["Leave", "Requests"]
    levels = {text: level for level, text in outline(parsed)}
    assert levels["Requests"] == levels["Leave"] + 1
    assert "Annual leave is 15 days. 연차는 15일입니다." in texts(parsed)
    assert any(text.endswith("a bullet") for text in texts(parsed))
    assert any("Boston" in text and "200" in text for text in texts(parsed, BlockKind.TABLE))
    if target != "rtf":
        assert parsed.title == "The guide"
        assert "1. Ask" in texts(parsed)


def test_rich_text_of_korean_windows(read: Read) -> None:
    hexed = "".join(rf"\'{byte:02x}" for byte in "휴가 정책".encode("cp949"))
    parsed = read(rf"{{\rtf1\ansi\ansicpg949\deff0 {hexed}\par plain}}", "a.rtf")
    assert texts(parsed) == ["휴가 정책", "plain"]
    by_font = rf"{{\rtf1\ansi\ansicpg1252{{\fonttbl{{\f0\fcharset129 Malgun;}}}}\f0 {hexed}}}"
    assert texts(read(by_font, "a.rtf")) == ["휴가 정책"]
    word_writes = rf"{{\rtf1\ansi\ansicpg949\uc2 \u54924\'c8\'de\u44032\'b0\'a1 {hexed}}}"
    assert texts(read(word_writes, "a.rtf")) == ["회가 휴가 정책"]


def test_western_rich_text_is_left_alone(read: Read) -> None:
    assert texts(read(r"{\rtf1 Smile \u-10179?\u-8704? again \{x\}}", "a.rtf")) == ["Smile \U0001f600 again {x}"]
    assert texts(read(r"{\rtf1\ansi\ansicpg1252 caf\'e9 {\uc1\u8211?} 5\u8364?.}", "a.rtf")) == ["café – 5€."]


def test_rst_in_another_encoding(read: Read) -> None:
    parsed = read("휴가\n====\n\n연차는 15일입니다.\n\n.. code:: python\n\n   x = 1\n".encode("cp949"), "a.rst")
    assert parsed.title == "휴가"
    assert ("code", "x = 1") in shape(parsed.blocks)
