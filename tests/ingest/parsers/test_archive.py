"""ZIP archives: members as sections, bounded in every way."""

import io
import zipfile
from pathlib import Path

from ingest.parsers.limits import Limits
from ingest.types import BlockKind
from tests.ingest.parsers import samples
from tests.ingest.parsers.conftest import Read, Refuse, outline, texts


def test_members_are_sections_under_their_paths(read: Read) -> None:
    parsed = read(
        samples.zipped(
            {
                "b/guide.md": "---\ntitle: The guide\n---\n# Top\n\nwords",
                "a.csv": "City,Rate\nBoston,200\n",
                "__MACOSX/b/._guide.md": "junk",
                ".DS_Store": "junk",
                "empty.txt": "",
            }
        ),
        "things.zip",
    )
    assert outline(parsed) == [(1, "a.csv"), (1, "b/guide.md: The guide"), (2, "Top")]
    assert texts(parsed, BlockKind.TABLE) == ["City: Boston; Rate: 200"]
    assert parsed.notes == ("empty.txt: The file is empty.",)


def test_names_that_climb_out_are_only_names(read: Read, tmp_path: Path) -> None:
    parsed = read(
        samples.zipped({"../../outside.txt": "words", "/etc/outside2.txt": "more", "..\\x.txt": "x y"}), "a.zip"
    )
    assert sorted(text for _, text in outline(parsed)) == ["etc/outside2.txt", "outside.txt", "x.txt"]
    assert not [*tmp_path.parent.rglob("outside*")]


def test_korean_names_of_windows_are_readable(read: Read) -> None:
    data = samples.zipped({"placeholder_name.txt": "words"}).replace(
        b"placeholder_name.txt", "휴가 정책 안내.txt".encode("cp949").ljust(20, b"_")
    )
    assert outline(read(data, "a.zip"))[0][1].startswith("휴가 정책 안내.txt")


def test_archives_in_archives_up_to_the_limit(read: Read) -> None:
    data = samples.zipped({"deepest.txt": "words of the deepest"})
    for level in range(5):
        data = samples.zipped({f"level{level}.zip": data, f"note{level}.txt": f"note {level}"})
    parsed = read(data, "a.zip", limits=Limits(archive_max_depth=3))
    assert "note 4" in texts(parsed)
    assert "note 2" in texts(parsed)
    assert "words of the deepest" not in texts(parsed)
    assert any("deep" in note for note in parsed.notes)


def test_a_bomb_is_refused_before_it_is_unpacked(refuse: Refuse) -> None:
    bomb = samples.zipped({"zeros.txt": b"0" * (60 * 2**20)})
    assert len(bomb) < 100_000
    failure = refuse(bomb, "bomb.zip")
    assert failure.reason == "too_large"
    assert "times" in failure.detail


def test_a_bomb_that_lies_about_its_size_is_stopped(refuse: Refuse) -> None:
    bomb = bytearray(samples.zipped({"zeros.txt": b"0" * (60 * 2**20)}))
    real = (60 * 2**20).to_bytes(4, "little")
    while (at := bomb.find(real)) >= 0:
        bomb[at : at + 4] = (1000).to_bytes(4, "little")
    assert refuse(bytes(bomb), "bomb.zip").reason in ("too_large", "no_text")


def test_more_bytes_or_members_than_allowed(refuse: Refuse) -> None:
    stored = samples.zipped({f"{n}.txt": b"words " * 40_000 for n in range(10)}, zipfile.ZIP_STORED)
    assert refuse(stored, "a.zip", limits=Limits(archive_max_bytes=2**20)).reason == "too_large"
    many = samples.zipped({f"{n}.txt": "words" for n in range(30)})
    assert refuse(many, "a.zip", limits=Limits(archive_max_members=20)).reason == "too_large"


def test_members_of_nested_archives_count_together(refuse: Refuse) -> None:
    inner = samples.zipped({f"{n}.txt": "words" for n in range(15)})
    outer = samples.zipped({"one.zip": inner, "two.zip": inner})
    assert refuse(outer, "a.zip", limits=Limits(archive_max_members=20)).reason == "too_large"


def test_an_encrypted_archive_says_so(refuse: Refuse, read: Read) -> None:
    def locked(data: bytes, name: bytes) -> bytes:
        """Set the encryption flag of a member in its header and in the directory."""
        made = bytearray(data)
        for signature, flags, name_at in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
            at = made.find(signature)
            while made[at + name_at : at + name_at + len(name)] != name:
                at = made.find(signature, at + 1)
            made[at + flags] |= 1
        return bytes(made)

    assert refuse(locked(samples.zipped({"a.txt": "words"}), b"a.txt"), "a.zip").reason == "password_protected"
    parsed = read(locked(samples.zipped({"a.txt": "words", "b.txt": "open words"}), b"a.txt"), "a.zip")
    assert texts(parsed) == ["b.txt", "open words"]
    assert parsed.notes[0].startswith("a.txt: Protected by a password.")


def test_empty_and_broken_archives(refuse: Refuse) -> None:
    assert refuse(samples.zipped({}), "a.zip").reason == "empty"
    assert refuse(samples.zipped({"a.bin": bytes(range(256)) * 9}), "a.zip").reason == "no_text"
    whole = samples.zipped({"a.txt": "words " * 1000})
    assert refuse(whole[: len(whole) // 2], "a.zip").reason == "malformed"


def test_a_damaged_member_does_not_spoil_the_rest(read: Read) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("bad.txt", "the damaged words")
        archive.writestr("good.txt", "the good words")
    parsed = read(out.getvalue().replace(b"the damaged words", b"xxx damaged words"), "a.zip")
    assert texts(parsed) == ["good.txt", "the good words"]
    assert parsed.notes[0].startswith("bad.txt: Damaged in the archive")
