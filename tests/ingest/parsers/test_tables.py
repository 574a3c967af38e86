"""CSV, TSV and workbooks: rows as lines that can be answered from and cited alone."""

import datetime
import io
from collections.abc import Callable
from typing import Any

import msoffcrypto
import openpyxl
import pytest

from ingest.parsers.limits import Limits
from ingest.parsers.tables import table_text
from ingest.types import BlockKind
from tests.ingest.parsers import samples
from tests.ingest.parsers.conftest import Read, Refuse, outline, shape, texts


def workbook(fill: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(read: Read, delimiter: str) -> None:
    data = "\n".join(delimiter.join(row) for row in (["City", "Rate"], ["Boston", "200"], ["New York", "250"]))
    assert texts(read(data, "rates.csv")) == ["City: Boston; Rate: 200\nCity: New York; Rate: 250"]


def test_quoted_cells_may_hold_delimiters_and_line_ends(read: Read) -> None:
    parsed = read('Name,Note\n"Kim, Minji","two\nlines ""quoted"""\n', "a.csv")
    assert texts(parsed) == ['Name: Kim, Minji; Note: two lines "quoted"']


def test_korean_csv_as_excel_writes_it(read: Read) -> None:
    parsed = read("이름,부서\r\n김민지,인사팀\r\n".encode("cp949"), "직원.csv")
    assert texts(parsed) == ["이름: 김민지; 부서: 인사팀"]


def test_tsv(read: Read) -> None:
    assert texts(read("Team\tWins, total\nBlues\t1\n", "a.tsv")) == ["Team: Blues; Wins, total: 1"]


def test_a_table_without_a_header_keeps_its_cells(read: Read) -> None:
    assert texts(read("1,2,3\n4,5,6\n", "a.csv")) == ["1; 2; 3\n4; 5; 6"]


def test_ragged_rows_lose_nothing(read: Read) -> None:
    assert texts(read("a,b\n1,2,3\n4\n", "a.csv")) == ["a: 1; b: 2; 3\na: 4"]


def test_a_title_above_a_table_is_its_caption() -> None:
    rows = [["Rates 2024", "", ""], ["City", "Room", "Meals"], ["Boston", "200", "50"]]
    assert table_text(rows) == "Rates 2024\nCity: Boston; Room: 200; Meals: 50"


def test_names_above_several_columns_belong_to_each_of_them() -> None:
    rows = [["", "2023", "", "2024", ""], ["Zone", "Sales", "Cost", "Sales", "Cost"], ["Asia", "5", "3", "6", "4"]]
    rows[0][1], rows[0][3] = "Year 2023", "Year 2024"
    assert table_text(rows) == (
        "Zone: Asia; Year 2023 Sales: 5; Year 2023 Cost: 3; Year 2024 Sales: 6; Year 2024 Cost: 4"
    )


def test_two_columns_of_words_read_as_label_and_value() -> None:
    assert table_text([["Owner:", "Kim"], ["Status", "open"]]) == "Owner: Kim\nStatus: open"


def test_sheets_are_headings_and_values_are_readable(read: Read) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        sheet.title = "Staff"
        for row in (
            ["Name", "Joined", "Salary", "Remote", "Share"],
            ["Kim", datetime.date(2023, 4, 1), 51000.0, True, 0.125],
            ["Lee", datetime.datetime(2024, 1, 15, 9, 30), 48000, False, None],
        ):
            sheet.append(row)
        book.create_sheet("Nothing")
        notes = book.create_sheet("Notes")
        notes["B2"] = "Only a remark"
        book.properties.title = "People 2024"

    parsed = read(workbook(fill), "staff.xlsx")
    assert parsed.title == "People 2024"
    assert shape(parsed.blocks) == [
        ("heading", "Staff"),
        (
            "table",
            "Name: Kim; Joined: 2023-04-01; Salary: 51000; Remote: yes; Share: 0.125\n"
            "Name: Lee; Joined: 2024-01-15 09:30; Salary: 48000; Remote: no",
        ),
        ("heading", "Notes"),
        ("paragraph", "Only a remark"),
    ]


def test_empty_rows_part_tables_but_not_a_header_from_its_body(read: Read) -> None:
    def fill(book: Any) -> None:
        rows: list[list[object]] = [
            ["City", "Room", "Meals"],
            [],
            ["Boston", 200, 50],
            [],
            ["Item", "Price", "Stock"],
            ["Pen", 2, 9],
        ]
        for row in rows:
            book.active.append(row)

    assert texts(read(workbook(fill), "a.xlsx"), BlockKind.TABLE) == [
        "City: Boston; Room: 200; Meals: 50",
        "Item: Pen; Price: 2; Stock: 9",
    ]


def test_merged_cells_count_for_every_row_they_span(read: Read) -> None:
    def fill(book: Any) -> None:
        sheet = book.active
        for row in (["Region", "City", "Rate"], ["East", "Boston", 200], [None, "New York", 250]):
            sheet.append(row)
        sheet.merge_cells("A2:A3")

    assert texts(read(workbook(fill), "a.xlsx"), BlockKind.TABLE) == [
        "Region: East; City: Boston; Rate: 200\nRegion: East; City: New York; Rate: 250"
    ]


def test_excel_97(read: Read) -> None:
    parsed = read(samples.xls(), "old.xls")
    assert outline(parsed) == [(1, "Salaries")]
    assert texts(parsed, BlockKind.TABLE) == [
        "Name: Kim Minji; Joined: 2023-04-01; Salary: 51000.5; Remote: yes\n"
        "Name: Lee Jun; Joined: 2024-01-15; Salary: 48000; Remote: no"
    ]


def test_a_workbook_without_values_has_no_text(refuse: Refuse) -> None:
    assert refuse(workbook(lambda book: None), "empty.xlsx").reason == "no_text"


def test_an_encrypted_workbook_says_so(refuse: Refuse) -> None:
    plain, locked = io.BytesIO(workbook(lambda book: book.active.append(["secret"]))), io.BytesIO()
    msoffcrypto.OfficeFile(plain).encrypt("password", locked)
    failure = refuse(locked.getvalue(), "locked.xlsx")
    assert failure.reason == "password_protected"
    assert "Remove the password" in failure.detail


def test_a_cut_off_workbook_is_malformed(refuse: Refuse) -> None:
    data = workbook(lambda book: book.active.append(["x"]))
    assert refuse(data[: len(data) // 2], "cut.xlsx").reason == "malformed"


def test_a_cut_off_excel_97_workbook_is_malformed(refuse: Refuse) -> None:
    assert refuse(samples.xls()[:2500], "cut.xls").reason == "malformed"


def test_a_workbook_that_is_a_bomb_is_refused(refuse: Refuse) -> None:
    bomb = samples.zipped({"[Content_Types].xml": "<a/>", "xl/workbook.xml": b"0" * (40 * 2**20)})
    assert refuse(bomb, "bomb.xlsx", limits=Limits(archive_max_ratio=100)).reason == "too_large"
