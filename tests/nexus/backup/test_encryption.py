"""The encryption of backups: what comes back is what was written, and whatever happened to it is found."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus.backup.contents import BackupDamaged, WrongPassphrase
from nexus.backup.encryption import CHUNK, DecryptingReader, EncryptingWriter

PASSPHRASE = "correct horse battery staple"
CHEAP = 10  # scrypt costs a millisecond
DATA = bytes(range(256)) * (2 * CHUNK // 256) + b"the end"


def encrypt(data: bytes, piece: int = 10_000) -> bytes:
    target = io.BytesIO()
    writer = EncryptingWriter(target, PASSPHRASE, cost=CHEAP)
    for start in range(0, len(data), piece):
        writer.write(data[start : start + piece])
    writer.finish()
    return target.getvalue()


def decrypt(data: bytes, passphrase: str = PASSPHRASE) -> bytes:
    with io.BufferedReader(DecryptingReader(io.BytesIO(data), passphrase)) as reader:
        return reader.read()


SEALED = encrypt(DATA)


@settings(deadline=None)
@given(st.binary(max_size=3 * CHUNK), st.integers(1, 2 * CHUNK))
def test_what_comes_back_is_what_was_written(data: bytes, piece: int) -> None:
    assert decrypt(encrypt(data, piece)) == data


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
def test_chunks_end_where_they_should(size: int) -> None:
    assert decrypt(encrypt(DATA[:size])) == DATA[:size]


@settings(deadline=None, max_examples=100)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_any_byte_that_was_changed_is_found(position: int, change: int) -> None:
    changed = bytearray(SEALED)
    changed[position] ^= change
    with pytest.raises((BackupDamaged, WrongPassphrase)):
        decrypt(bytes(changed))


@settings(deadline=None, max_examples=100)
@given(st.integers(0, len(SEALED) - 1))
def test_any_end_that_was_cut_off_is_found(length: int) -> None:
    with pytest.raises(BackupDamaged):
        decrypt(SEALED[:length])


def test_chunks_that_are_missing_doubled_added_or_in_another_order_are_found() -> None:
    step = CHUNK + 16
    start = len(SEALED) - len(DATA) - 3 * 16
    head, first, second, last = SEALED[:start], SEALED[start:][:step], SEALED[start + step :][:step], SEALED[-23:]
    assert head + first + second + last == SEALED
    for wrong in (
        head + first + second,
        head + second + first + last,
        head + first + last,
        head + first + first + second + last,
        SEALED + last,
        SEALED + b"\0",
        encrypt(DATA)[:start] + SEALED[start:],
    ):
        with pytest.raises((BackupDamaged, WrongPassphrase)):
            decrypt(wrong)


def test_another_passphrase_is_told_from_damage() -> None:
    with pytest.raises(WrongPassphrase, match="is not the one"):
        decrypt(SEALED, "incorrect horse")


def test_the_same_twice_looks_different() -> None:
    assert encrypt(DATA) != SEALED
