"""PDF with a text layer and without, and pictures."""

import io
import shutil

import pytest
from PIL import Image

from ingest.parsers import programs
from ingest.parsers.limits import Limits
from ingest.types import BlockKind
from tests.ingest.parsers import samples
from tests.ingest.parsers.conftest import Read, Refuse, outline, shape, texts

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
LOREM = (
    "The annual leave of every employee is fifteen days, and it is requested from the team lead at least two weeks "
    "before it begins, unless there is an emergency. Leave that is not taken is paid out in January."
)


def scanned(*lines: str) -> bytes:
    pages = [Image.open(io.BytesIO(samples.picture(line, (1200, 400)))) for line in lines]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    return out.getvalue()


def test_headings_come_from_letter_sizes_and_paragraphs_are_joined(read: Read) -> None:
    page = [
        (72, 740, 22, "F2", "Leave policy"),
        (72, 710, 15, "F2", "Annual leave"),
        *samples.prose(LOREM, 690),
        (72, 630, 15, "F2", "Requests"),
        *samples.prose("Ask your lead, and then fill in the form. " + LOREM, 610),
    ]
    parsed = read(samples.pdf(page, title="Leave policy 2024"), "leave.pdf")
    assert parsed.title == "Leave policy 2024"
    assert outline(parsed) == [(1, "Leave policy"), (2, "Annual leave"), (2, "Requests")]
    assert texts(parsed, BlockKind.PARAGRAPH)[0] == LOREM
    assert all(block.page == 1 for block in parsed.blocks)


def test_short_bold_lines_are_headings_but_bold_beginnings_are_not(read: Read) -> None:
    page = [
        (72, 740, 11, "F2", "Purpose"),
        *samples.prose(LOREM, 720),
        (72, 660, 11, "F2", "Scope."),
        (118, 660, 11, "F1", "This policy is for all employees of the company and"),
        (72, 646, 11, "F1", "for nobody else."),
    ]
    parsed = read(samples.pdf(page), "a.pdf")
    assert [text for _, text in outline(parsed)] == ["Purpose"]
    assert texts(parsed)[-1] == "Scope. This policy is for all employees of the company and for nobody else."


def test_list_items_are_told_apart(read: Read) -> None:
    page = [
        (72, 740, 11, "F1", "You need:"),
        (80, 722, 11, "F1", "• a passport that is valid for six months"),
        (90, 708, 11, "F1", "and has empty pages"),
        (80, 690, 11, "F1", "• a ticket"),
        (80, 672, 11, "F1", "1. Go"),
    ]
    assert shape(read(samples.pdf(page), "a.pdf").blocks) == [
        ("paragraph", "You need:"),
        ("list_item", "- a passport that is valid for six months and has empty pages"),
        ("list_item", "- a ticket"),
        ("list_item", "1. Go"),
    ]


def test_rows_of_cells_are_a_table(read: Read) -> None:
    rows = [("City", "Room", "Meals"), ("Boston", "200", "50"), ("Denver", "180", "45")]
    page = [
        (72 + 150 * column, 700 - 16 * row, 11, "F1", cell)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]
    parsed = read(samples.pdf([*samples.prose(LOREM, 760), *page]), "a.pdf")
    assert texts(parsed, BlockKind.TABLE) == ["City: Boston; Room: 200; Meals: 50\nCity: Denver; Room: 180; Meals: 45"]


def test_running_heads_and_page_numbers_go_and_pages_stay(read: Read) -> None:
    pages = [
        [
            (72, 770, 9, "F1", "Example Corp - confidential"),
            *samples.prose(f"This is what page number {number} says. " + LOREM, 700),
            (300, 30, 9, "F1", f"Page {number} of 6"),
        ]
        for number in ("one", "two", "three", "four", "five", "six")
    ]
    for number, page in enumerate(pages, start=1):
        page[-1] = (300, 30, 9, "F1", f"Page {number} of 6")
    parsed = read(samples.pdf(*pages), "a.pdf")
    assert [block.page for block in parsed.blocks] == [1, 2, 3, 4, 5, 6]
    assert not any("confidential" in text or "of 6" in text for text in texts(parsed))


def test_a_paragraph_cut_by_a_page_break_is_one(read: Read) -> None:
    first = samples.prose(LOREM + " It goes on to the next", 100)
    second = [*samples.prose("page and ends there.", 740), (72, 700, 11, "F1", "Another paragraph, by itself.")]
    parsed = read(samples.pdf(first, second), "a.pdf")
    assert texts(parsed)[0].endswith("It goes on to the next page and ends there.")
    assert [block.page for block in parsed.blocks] == [1, 2]


def test_words_hyphenated_at_line_ends_are_whole_again(read: Read) -> None:
    page = [(72, 740, 11, "F1", "Everyone is asked for reim-"), (72, 726, 11, "F1", "bursement of what was paid.")]
    assert texts(read(samples.pdf(page), "a.pdf")) == ["Everyone is asked for reimbursement of what was paid."]


def test_a_pdf_without_anything_on_it(refuse: Refuse) -> None:
    failure = refuse(samples.pdf([]), "a.pdf")
    assert failure.reason == "no_text"
    assert "blank" in failure.detail


def test_a_broken_pdf_is_malformed(refuse: Refuse) -> None:
    assert refuse(b"%PDF-1.7\nrubbish", "a.pdf").reason == "malformed"


@needs_tesseract
def test_scanned_pages_are_read_and_keep_their_numbers(read: Read) -> None:
    parsed = read(scanned("Annual leave policy", "Travel expenses"), "scan.pdf")
    assert [(block.page, block.text) for block in parsed.blocks] == [(1, "Annual leave policy"), (2, "Travel expenses")]


@needs_tesseract
def test_more_scanned_pages_than_allowed_are_named(read: Read) -> None:
    parsed = read(scanned("Annual leave", "Travel"), "scan.pdf", limits=Limits(ocr_max_pages=1))
    assert texts(parsed) == ["Annual leave"]
    assert parsed.notes == (
        "1 scanned pages were not read: the limit of text recognition was reached. Split the file.",
    )


def test_a_scan_is_not_read_when_recognition_is_off(refuse: Refuse) -> None:
    failure = refuse(scanned("Annual leave"), "scan.pdf", limits=Limits(ocr=False))
    assert failure.reason == "no_text"
    assert "NEXUS_OCR" in failure.detail
    assert refuse(samples.picture("Leave"), "a.png", limits=Limits(ocr=False)).reason == "no_text"


def test_a_scan_without_tesseract_says_what_to_install(refuse: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "find_tesseract", lambda: None)
    for data, name in ((scanned("Leave"), "scan.pdf"), (samples.picture("Leave"), "a.png")):
        failure = refuse(data, name)
        assert failure.reason == "needs_program"
        assert "tesseract-ocr" in failure.detail


@needs_tesseract
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"])
def test_pictures_are_read(read: Read, kind: str) -> None:
    assert texts(read(samples.picture("Annual leave policy", kind=kind), "scan")) == ["Annual leave policy"]


@needs_tesseract
def test_pages_of_a_tiff_are_pages(read: Read) -> None:
    pages = [Image.open(io.BytesIO(samples.picture(line))) for line in ("First page", "Second page")]
    out = io.BytesIO()
    pages[0].save(out, "TIFF", save_all=True, append_images=pages[1:])
    parsed = read(out.getvalue(), "fax.tif")
    assert [(block.page, block.text) for block in parsed.blocks] == [(1, "First page"), (2, "Second page")]
    limited = read(out.getvalue(), "fax.tif", limits=Limits(ocr_max_pages=1))
    assert texts(limited) == ["First page"]
    assert "1 pages were not read" in limited.notes[0]


@needs_tesseract
def test_pictures_without_words_have_no_text(refuse: Refuse) -> None:
    assert refuse(samples.picture(""), "a.png").reason == "no_text"
    assert refuse(samples.picture("", (10, 10)), "a.png").reason == "no_text"


def test_a_cut_off_picture_is_malformed(refuse: Refuse) -> None:
    assert refuse(samples.picture("Annual leave")[:300], "a.png").reason in ("malformed", "needs_program")


@needs_tesseract
def test_a_slow_program_is_stopped(refuse: Refuse) -> None:
    failure = refuse(scanned("Leave"), "scan.pdf", limits=Limits(timeout_seconds=0.5))
    assert failure.reason in ("timeout", "no_text")
