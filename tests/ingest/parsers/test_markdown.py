"""Markdown with front matter, structure, Liquid tags and HTML."""

from ingest.types import BlockKind
from tests.ingest.parsers.conftest import Read, Refuse, outline, shape, texts


def test_front_matter_gives_the_title_and_is_not_text(read: Read) -> None:
    parsed = read("---\ntitle: 'Leave: how to'\ntags: [a, b]\n---\n\nAsk your lead.\n", "leave.md")
    assert parsed.title == "Leave: how to"
    assert texts(parsed) == ["Ask your lead."]


def test_a_title_that_is_no_yaml_is_read_all_the_same(read: Read) -> None:
    assert read("---\ntitle: Travel: before you go\n---\nx", "a.md").title == "Travel: before you go"
    assert read("---\r\ntitle: Windows\r\n---\r\nx", "a.md").title == "Windows"


def test_the_first_level_1_heading_is_the_title_without_front_matter(read: Read) -> None:
    assert read("Intro.\n\n# The title\n\n# Another\n", "a.md").title == "The title"
    assert read("## Not a title\n", "a.md").title is None


def test_a_page_of_front_matter_alone_says_where_it_leads(read: Read) -> None:
    parsed = read("---\ntitle: Org chart\nredirect_to: https://example.org/chart\n---\n", "chart.md")
    assert shape(parsed.blocks) == [
        ("heading", "Org chart"),
        ("paragraph", "redirect_to: https://example.org/chart"),
    ]


def test_structure_is_kept(read: Read) -> None:
    parsed = read(
        r"""# Top

Some *text* with [a link](https://example.org) and `code`,
wrapped\
and broken.

## Steps ##

3. Third
   1. Inner
   - bullet

     more of the bullet
4. Fourth

> Quoted

```python
if x:
    pass
```

    indented

Setext
------

![A picture](x.png) <b>bold</b><br>next &amp; last
""",
        "a.md",
    )
    assert shape(parsed.blocks) == [
        ("heading", "Top"),
        ("paragraph", "Some text with a link and code, wrapped\nand broken."),
        ("heading", "Steps"),
        ("list_item", "3. Third"),
        ("list_item", "1. Inner"),
        ("list_item", "- bullet"),
        ("paragraph", "more of the bullet"),
        ("list_item", "4. Fourth"),
        ("paragraph", "Quoted"),
        ("code", "if x:\n    pass"),
        ("code", "indented"),
        ("heading", "Setext"),
        ("paragraph", "A picture bold\nnext & last"),
    ]
    assert outline(parsed) == [(1, "Top"), (2, "Steps"), (2, "Setext")]


def test_every_row_of_a_table_names_its_columns(read: Read) -> None:
    parsed = read("| City | Per diem |\n|---|---|\n| Boston | $200 |\n| Denver | |\n", "a.md")
    assert texts(parsed, BlockKind.TABLE) == ["City: Boston; Per diem: $200\nCity: Denver"]


def test_liquid_tags_show_their_words_and_not_their_machinery(read: Read) -> None:
    parsed = read(
        '{% comment %}\nhidden\n{% endcomment %}\nAsk in {% slack_channel "people-ops" %} or read '
        '[the guide]({% page "/travel/guide" %}) first.\n\n{% include "box.html" %}\n\n'
        "```\n{% raw %} stays {% endraw %}\n```\n",
        "a.md",
    )
    assert texts(parsed) == ["Ask in people-ops or read the guide first.", "{% raw %} stays {% endraw %}"]


def test_html_in_markdown_is_read_as_html(read: Read) -> None:
    parsed = read(
        "<details>\n\nInside\n\n</details>\n\n<table><tr><th>Who</th><td>Kim</td></tr>"
        "<tr><th>Where</th><td>Seoul</td></tr></table>\n\n<!-- a remark -->\n\nEnd\n",
        "a.md",
    )
    assert texts(parsed) == ["Inside", "Who: Kim\nWhere: Seoul", "End"]


def test_korean_markdown_in_cp949(read: Read) -> None:
    parsed = read("# 휴가 정책\n\n- 연차는 15일입니다.\n".encode("cp949"), "a.md")
    assert shape(parsed.blocks) == [("heading", "휴가 정책"), ("list_item", "- 연차는 15일입니다.")]


def test_markup_without_words_is_no_text(refuse: Refuse) -> None:
    assert refuse("<div>\n</div>\n\n---\n", "a.md").reason == "no_text"
