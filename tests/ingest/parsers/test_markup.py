"""HTML, XML and JSON."""

import json

from ingest.parsers.limits import Limits
from ingest.types import BlockKind
from tests.ingest.parsers.conftest import Read, Refuse, outline, shape, texts


def test_html_structure_is_kept(read: Read) -> None:
    parsed = read(
        """<!DOCTYPE html><html><head><title> Leave &amp; travel </title><style>p{}</style></head><body>
<h1>Top<br>line</h1><p>Hello <b>bold</b> world.<br>Second line, <a href="x">a link</a>.</p>
<div>One paragraph<br><br>and another</div>
<ul><li>first<ul><li>inner</li></ul></li><li>second</li></ul>
<ol start="3"><li><p>third</p></li><li>fourth</li></ol>
<h3>Deep</h3><pre>def f():
    return 1</pre><blockquote>Quoted words</blockquote><script>evil()</script><!-- remark --></body></html>""",
        "page.html",
    )
    assert parsed.title == "Leave & travel"
    assert shape(parsed.blocks) == [
        ("heading", "Top line"),
        ("paragraph", "Hello bold world.\nSecond line, a link."),
        ("paragraph", "One paragraph"),
        ("paragraph", "and another"),
        ("list_item", "- first"),
        ("list_item", "- inner"),
        ("list_item", "- second"),
        ("list_item", "3. third"),
        ("list_item", "4. fourth"),
        ("heading", "Deep"),
        ("code", "def f():\n    return 1"),
        ("paragraph", "Quoted words"),
    ]
    assert outline(parsed) == [(1, "Top line"), (3, "Deep")]


def test_forms_details_and_figures_are_text_too(read: Read) -> None:
    parsed = read(
        "<form><label>Name of the owner</label> <select><option>hidden</select><p>Kim Minji</p></form>"
        "<details><summary>More of it</summary><p>Inside of it</p></details>"
        "<figure><img src=x><figcaption>Figure 1: growth</figcaption></figure><nav>Home | About us</nav>",
        "a.html",
    )
    assert texts(parsed) == ["Name of the owner", "Kim Minji", "More of it", "Inside of it", "Figure 1: growth"]


def test_html_tables_become_rows_that_name_their_columns_and_spans_are_spread(read: Read) -> None:
    parsed = read(
        "<table><caption>Rates</caption><thead><tr><th>Region</th><th>City</th><th>Rate</th></tr></thead>"
        "<tr><td rowspan=2>East</td><td>Boston</td><td>200</td></tr><tr><td>New<br>York</td><td>250</td></tr></table>",
        "a.html",
    )
    assert texts(parsed, BlockKind.TABLE) == [
        "Rates\nRegion: East; City: Boston; Rate: 200\nRegion: East; City: New York; Rate: 250"
    ]


def test_a_table_that_only_places_things_is_no_table(read: Read) -> None:
    parsed = read(
        "<table><tr><td><h2>Offer</h2><p>Buy one.</p></td><td><table><tr><th>Size</th><th>Price</th></tr>"
        "<tr><td>big</td><td>5</td></tr></table></td></tr></table>",
        "mail.html",
    )
    assert shape(parsed.blocks) == [
        ("heading", "Offer"),
        ("paragraph", "Buy one."),
        ("table", "Size: big; Price: 5"),
    ]


def test_html_is_read_in_the_encoding_it_declares(read: Read) -> None:
    page = '<html><head><meta charset="euc-kr"></head><body><p>휴가 정책</p></body></html>'
    assert texts(read(page.encode("euc-kr"), "a.html")) == ["휴가 정책"]
    page = (
        '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-16"></head><p>정책 안내</p></html>'
    )
    assert texts(read(page.encode("utf-16"), "a.html")) == ["정책 안내"]


def test_html_nested_without_end_still_gives_its_text(read: Read) -> None:
    page = "<div>" * 1000 + "needle in the hay" + "</div>" * 1000
    assert "needle in the hay" in " ".join(texts(read(page, "deep.html")))


def test_html_without_words_has_no_text(refuse: Refuse) -> None:
    assert refuse("<html><!-- nothing --></html>", "a.html").reason == "no_text"
    assert refuse("<html><body><img src=x></body></html>", "a.html").reason == "no_text"


def test_xml_records_become_lines_with_field_names(read: Read) -> None:
    parsed = read(
        "<?xml version='1.0' encoding='euc-kr'?><직원><사람 id='7'><이름>김민지</이름><부서>인사팀</부서></사람>"
        "<사람 id='8'><이름>이준</이름><부서/></사람></직원>".encode("euc-kr"),
        "a.xml",
    )
    assert shape(parsed.blocks) == [
        ("heading", "직원"),
        ("table", "id: 7; 이름: 김민지; 부서: 인사팀"),
        ("table", "id: 8; 이름: 이준"),
    ]


def test_xml_documents_keep_their_sections(read: Read) -> None:
    parsed = read(
        "<book xmlns='urn:b'><title>Guide</title><chapter><title>Leave</title><para>Ask <em>your</em> lead.</para>"
        "<para lang='en'>Then go.</para></chapter></book>",
        "a.xml",
    )
    assert outline(parsed) == [(1, "Guide"), (2, "Leave")]
    assert texts(parsed, BlockKind.PARAGRAPH) == ["Ask your lead.", "para: Then go.; lang: en"]


def test_xml_with_a_wrong_declaration_is_read_by_its_bytes(read: Read) -> None:
    parsed = read("<?xml version='1.0' encoding='utf-8'?><a><b>정책 안내입니다</b></a>".encode("cp949"), "a.xml")
    assert texts(parsed) == ["b: 정책 안내입니다"]


def test_xml_entities_are_neither_expanded_nor_fetched(read: Read, refuse: Refuse) -> None:
    pairs = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "f"), ("f", "g")]
    laughs = "<!ENTITY a 'ha'>" + "".join(f"<!ENTITY {new} '{f'&{old};' * 50}'>" for old, new in pairs)
    assert refuse(f"<!DOCTYPE x [{laughs}]><x><y>kept</y><z>&g;</z></x>", "bomb.xml").reason == "malformed"
    external = "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x><y>kept</y><z>&e;</z></x>"
    assert texts(read(external, "external.xml")) == ["y: kept"]


def test_broken_xml_is_malformed(refuse: Refuse) -> None:
    failure = refuse("<a><b>never closed</a>", "a.xml")
    assert failure.reason == "malformed"
    assert "line 1" in failure.detail


def test_json_records_become_lines_with_field_names(read: Read) -> None:
    data = [
        {"name": "Kim", "team": {"name": "HR", "size": 4}, "skills": ["law", "pay"], "left": None, "remote": True},
        {"name": "Lee", "team": {"name": "IT", "size": 9}, "skills": [], "remote": False},
    ]
    assert texts(read(json.dumps(data), "a.json")) == [
        "name: Kim; team name: HR; team size: 4; skills: law, pay; remote: yes\n"
        "name: Lee; team name: IT; team size: 9; remote: no"
    ]


def test_long_records_keep_their_prose_under_their_name(read: Read) -> None:
    data = {
        "tickets": [{"id": 17, "state": "open", "text": "The printer is on fire. " * 20, "log": [{"a": {"b": [1]}}]}]
    }
    parsed = read(json.dumps(data), "tickets.json")
    assert outline(parsed) == [(1, "tickets"), (2, "17"), (3, "log"), (4, "log 1"), (5, "a")][: len(outline(parsed))]
    assert texts(parsed, BlockKind.PARAGRAPH)[0] == "id: 17\nstate: open"
    assert texts(parsed, BlockKind.PARAGRAPH)[1].startswith("text: The printer is on fire.")


def test_json_lines(read: Read) -> None:
    assert texts(read('{"q": "Who?", "n": 1}\n{"q": "Why?", "n": 2}\n', "a.jsonl")) == ["q: Who?; n: 1\nq: Why?; n: 2"]


def test_simple_json_values_are_text_too(read: Read) -> None:
    assert texts(read('"a sentence"', "a.json")) == ["a sentence"]
    assert texts(read('["one", "two", [3]]', "a.json")) == ["- one", "- two", "Item 3", "- 3"]


def test_elements_that_unstructured_saved_are_read_as_a_document(read: Read) -> None:
    elements = [
        {"type": "Title", "element_id": "1", "text": "Spring", "metadata": {"category_depth": 1, "page_number": 2}},
        {"type": "ListItem", "element_id": "2", "text": "Rain", "metadata": {}},
        {
            "type": "Table",
            "element_id": "3",
            "text": "A B 1 2",
            "metadata": {"text_as_html": "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>"},
        },
        {"type": "NarrativeText", "element_id": "4", "text": "It rains.", "metadata": None},
    ]
    parsed = read(json.dumps(elements), "weather.html.json")
    assert shape(parsed.blocks) == [
        ("heading", "Spring"),
        ("list_item", "- Rain"),
        ("table", "A: 1; B: 2"),
        ("paragraph", "It rains."),
    ]
    assert (parsed.blocks[0].level, parsed.blocks[0].page) == (2, 2)


def test_broken_json_says_where(refuse: Refuse) -> None:
    failure = refuse('{\n"a": 1,\n"b" 2}', "a.json")
    assert failure.reason == "malformed"
    assert "line 3" in failure.detail


def test_json_nested_without_end_is_malformed(refuse: Refuse) -> None:
    assert refuse("[" * 100_000, "deep.json").reason == "malformed"
    assert refuse("[" * 900 + "]" * 900, "hollow.json", limits=Limits()).reason in ("no_text", "malformed")
