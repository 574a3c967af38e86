"""Times as people say them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from assistant.wording.times import read_time

SEOUL = ZoneInfo("Asia/Seoul")
# A Saturday, 23:30 in Seoul.
NOW = datetime(2026, 11, 28, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "local", "rest"),
    [
        ("on Friday to send the report", "2026-12-04T09:00", "to send the report"),
        ("to send the report on Saturday", "2026-12-05T09:00", "to send the report"),
        ("next Friday at 3 pm to call", "2026-12-04T15:00", "to call"),
        ("tomorrow at 9:15 to call Kim", "2026-11-29T09:15", "to call Kim"),
        ("in two hours to call", "2026-11-29T01:30", "to call"),
        ("in 20 minutes", "2026-11-28T23:50", ""),
        ("at 8am to wake up", "2026-11-29T08:00", "to wake up"),
        ("on December 3 about the audit", "2026-12-03T09:00", "about the audit"),
        ("on the 3rd of January, at noon", "2027-01-03T12:00", ","),
        ("2026-12-01T10:00 to call", "2026-12-01T10:00", "to call"),
        ("2026-12-01T10:00+00:00", "2026-12-01T19:00", ""),
        ("2026-12-01 at 17:30", "2026-12-01T17:30", ""),
        ("금요일 오후 3시에 보고서 제출", "2026-12-04T15:00", "보고서 제출"),
        ("다음 주 월요일 오전 9시 반에 회의", "2026-11-30T09:30", "회의"),
        ("내일 9시 30분에 전화", "2026-11-29T09:30", "전화"),
        ("두 시간 뒤에 전화", "2026-11-29T01:30", "전화"),
        ("12월 3일에 감사", "2026-12-03T09:00", "감사"),
    ],
)
def test_a_time_is_read_in_the_persons_zone(text: str, local: str, rest: str) -> None:
    found = read_time(text, NOW, SEOUL)
    assert found is not None
    assert f"{found[0].astimezone(SEOUL):%Y-%m-%dT%H:%M}" == local
    assert found[1] == rest


@pytest.mark.parametrize(
    "text", ["to send the report", "2026-02-30", "today at 9", "on 30 February", "at 25:00", "2020-01-01", "9999-12-31"]
)
def test_what_is_no_time_to_come_is_not_taken_for_one(text: str) -> None:
    assert read_time(text, NOW, SEOUL) is None
