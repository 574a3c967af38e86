"""Tags and the category that a file names itself."""

import io
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest

from tests.ingest.parsers import samples
from tests.ingest.parsers.conftest import Read
from tests.ingest.parsers.test_office import by_pandoc


@pytest.mark.parametrize(
    ("front", "tags", "category"),
    [
        ("tags: [leave, 휴가, 2024, no, 1.10]", ("leave", "휴가", "2024", "no", "1.10"), None),
        ("tags: leave, parental leave，휴가", ("leave", "parental leave", "휴가"), None),
        ("tags:\n- leave\n- 'a, b'\ntitle: X", ("leave", "a, b"), None),
        ("tags:\n  - leave\n\n  - care\nkeywords: Smith, Ada; travel", ("leave", "care", "Smith, Ada", "travel"), None),
        ("Category: Policies\ncategories: [Other]", (), "Policies"),
        ("categories: [Policies, Other]", (), "Policies"),
        ("categories:\n- Policies", (), "Policies"),
        ("title: Travel: before you go\ntags: [travel]", ("travel",), None),
        ("mytags: [a]\ntags_of: b\nauthor:\n  tags: [c]", (), None),
        ("tags:\ncategory:\n", (), None),
        ("title: X", (), None),
    ],
)
def test_front_matter(read: Read, front: str, tags: tuple[str, ...], category: str | None) -> None:
    parsed = read(f"---\n{front}\n---\n\nWords.\n", "a.md")
    assert (parsed.tags, parsed.category, parsed.notes) == (tags, category, ())


@pytest.mark.parametrize(
    ("front", "tags"),
    [("tags: [a, {b: c}, [d], e]", ("a", "e")), ("tags: {a: b}", ()), ("tags: [a, @b]", ()), ("tags: *other", ())],
)
def test_what_is_no_tag_is_left_out_and_said(read: Read, front: str, tags: tuple[str, ...]) -> None:
    parsed = read(f"---\n{front}\ncategory: Policies\n---\n\nWords.\n", "a.md")
    assert (parsed.tags, parsed.category) == (tags, "Policies")
    assert [("`tags`" in note) for note in parsed.notes] == [True]


def test_meta_elements_of_a_page(read: Read) -> None:
    head = (
        '<meta name="Keywords" content="leave, holidays"><meta property="article:tag" content="Care, unpaid">'
        '<meta property="article:section" content="Policies"><meta property="article:section" content="Other">'
        '<meta name="keywords"><meta name="description" content="x, y">'
    )
    parsed = read(f"<html><head>{head}</head><body><p>Words.</p></body></html>", "a.html")
    assert (parsed.tags, parsed.category) == (("leave", "holidays", "Care, unpaid"), "Policies")


def test_core_properties_of_office_files(read: Read) -> None:
    document, show, book = docx.Document(), pptx.Presentation(), openpyxl.Workbook()
    document.add_paragraph("Words.")
    show.slides.add_slide(show.slide_layouts[0]).shapes.title.text = "Words"
    book.active.append(["Words"])
    for file, properties, name in (
        (document, document.core_properties, "a.docx"),
        (show, show.core_properties, "a.pptx"),
        (book, book.properties, "a.xlsx"),
    ):
        properties.keywords, properties.category = "R&D; leave", "Policies <old>"
        out = io.BytesIO()
        file.save(out)
        parsed = read(out.getvalue(), name)
        assert (parsed.tags, parsed.category) == (("R&D", "leave"), "Policies <old>"), name


def test_keywords_of_an_opendocument_text(read: Read, tmp_path: Path) -> None:
    made = by_pandoc("---\nkeywords: [leave, care]\n---\n\nWords.", "odt", tmp_path)
    assert read(made, "a.odt").tags == ("leave", "care")


def test_keywords_of_a_pdf(read: Read) -> None:
    page = samples.prose("Annual leave is fifteen days for everybody.")
    assert read(samples.pdf(page, keywords="leave, holidays"), "a.pdf").tags == ("leave", "holidays")
    assert read(samples.pdf(page), "a.pdf").tags == ()


def test_a_flood_of_tags_does_not_leave_the_parser(read: Read) -> None:
    parsed = read(f"---\ntags: {','.join(map(str, range(50_000)))}\ncategory: {'x' * 50_000}\n---\nWords.", "a.md")
    assert len(parsed.tags) == 500
    assert len(parsed.category or "") == 500
