"""E-mail: headers, the right body, attachments."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from ingest.parsers.limits import Limits
from ingest.types import BlockKind
from tests.ingest.parsers import samples
from tests.ingest.parsers.conftest import Read, Refuse, outline, shape, texts


def message(subject: str = "Leave request", body: str = "I will be away on Friday.\n") -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Kim Minji <minji@example.org>"
    made["To"] = "lead@example.org"
    made["Date"] = "Mon, 03 Jun 2024 09:00:00 +0900"
    made["Subject"] = subject
    made.set_content(body)
    return made


def test_headers_are_text_and_the_subject_is_the_title(read: Read) -> None:
    parsed = read(message("휴가 신청: 금요일").as_bytes(), "mail.eml")
    assert parsed.title == "휴가 신청: 금요일"
    assert shape(parsed.blocks) == [
        (
            "paragraph",
            "From: Kim Minji <minji@example.org>\nTo: lead@example.org\nDate: Mon, 03 Jun 2024 09:00:00 +0900\n"
            "Subject: 휴가 신청: 금요일",
        ),
        ("paragraph", "I will be away on Friday."),
    ]


def test_plain_text_is_preferred_to_html_and_html_to_nothing(read: Read) -> None:
    both = message(body="The plain words.")
    both.add_alternative("<p>The marked-up words.</p>", subtype="html")
    assert texts(read(both.as_bytes(), "a.eml"))[1:] == ["The plain words."]
    only = message(body=" \n")
    only.add_alternative("<h2>News</h2><p>The marked-up words.</p>", subtype="html")
    assert shape(read(only.as_bytes(), "a.eml").blocks)[1:] == [
        ("heading", "News"),
        ("paragraph", "The marked-up words."),
    ]


@pytest.mark.parametrize("charset", ["euc-kr", "utf-8", "ks_c_5601-1987", "no-such-charset"])
def test_bodies_and_headers_in_korean_charsets(read: Read, charset: str) -> None:
    encoding = {"no-such-charset": "cp949"}.get(charset, charset)
    data = (
        b"From: a@example.org\r\nSubject: " + "정책 안내".encode(encoding) + b"\r\n"
        b"Content-Type: text/plain; charset=" + charset.encode() + b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    ) + "연차는 15일입니다.\r\n".encode(encoding)
    parsed = read(data, "a.eml")
    assert parsed.title == "정책 안내"
    assert texts(parsed)[-1] == "연차는 15일입니다."


def test_attachments_are_sections(read: Read) -> None:
    made = message()
    made.add_attachment("City,Rate\nBoston,200\n", filename="요금.csv", subtype="csv")
    made.add_attachment(
        b"\x7fELF" + bytes(range(256)) * 9, maintype="application", subtype="octet-stream", filename="tool.bin"
    )
    made.add_attachment("# Inner\n\nmore words", filename="notes.md")
    parsed = read(made.as_bytes(), "a.eml")
    assert outline(parsed) == [(1, "Attachment: 요금.csv"), (1, "Attachment: notes.md"), (2, "Inner")]
    assert texts(parsed, BlockKind.TABLE) == ["City: Boston; Rate: 200"]
    assert len(parsed.notes) == 1
    assert parsed.notes[0].startswith("Attachment tool.bin: .bin files are not supported.")


def test_a_forwarded_message_is_an_attachment(read: Read) -> None:
    made = message("Fwd: news")
    made.add_attachment(message("The news", "Original words.\n"))
    parsed = read(made.as_bytes(), "a.eml")
    assert outline(parsed) == [(1, "Attachment: The news.eml")]
    assert texts(parsed)[-1] == "Original words."


def test_messages_nested_without_end_stop_at_the_limit(read: Read) -> None:
    made = message("level 0", "words 0\n")
    for level in range(1, 8):
        outer = message(f"level {level}", f"words {level}\n")
        outer.add_attachment(made)
        made = outer
    parsed = read(made.as_bytes(), "a.eml", limits=Limits(archive_max_depth=3))
    assert "words 4" in texts(parsed)
    assert "words 3" not in texts(parsed)
    assert any("deep" in note for note in parsed.notes)


def test_an_encrypted_message_says_so(refuse: Refuse) -> None:
    pgp = b'From: a@b.c\nSubject: x\nContent-Type: multipart/encrypted; boundary="b"\n\n--b\n\nx\n--b--\n'
    assert refuse(pgp, "a.eml").reason == "password_protected"
    smime = b"From: a@b.c\nSubject: x\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nAAAA"
    assert refuse(smime, "a.eml").reason == "password_protected"


def test_odd_messages_still_give_their_text(read: Read) -> None:
    odd = (
        b"Subject: =?utf-8?q?half?=\nDate: not a date\nContent-Type: multipart/mixed; boundary=none\n\nNo parts at all."
    )
    assert texts(read(odd, "a.eml"))[0] == "Date: not a date\nSubject: half"
    broken = b"Subject: =?utf-8?b?!!!?=\nContent-Transfer-Encoding: base64\n\n%%%%"
    assert read(broken, "a.eml").title


def test_a_message_with_only_an_unreadable_attachment_still_has_its_headers(read: Read) -> None:
    made = message(body="")
    made.add_attachment(
        samples.zipped({})[:10] + b"rubbish", maintype="application", subtype="zip", filename="broken.zip"
    )
    parsed = read(made.as_bytes(), "a.eml")
    assert len(parsed.blocks) == 1
    assert "broken.zip" in parsed.notes[0]


@pytest.mark.data
def test_an_outlook_message(read: Read, shared_data: Path) -> None:
    data = (shared_data / "parser_samples" / "files" / "fake-email-attachment.msg").read_bytes()
    parsed = read(data, "a.msg")
    assert parsed.title == "Fake email with attachment"
    assert "From: " in parsed.blocks[0].text
    assert "Subject: Fake email with attachment" in parsed.blocks[0].text
    assert outline(parsed) == [(1, "Attachment: fake-attachment.txt")]
    assert texts(parsed)[-1] == "Hey this is a fake attachment!"
