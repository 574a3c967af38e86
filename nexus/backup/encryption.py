"""Encryption of a stream by a passphrase; whatever is changed, cut off, put in or put in another order is found.

The key comes from the passphrase by scrypt (RFC 7914). The stream is cut into chunks, each encrypted with AES-256-GCM;
the nonce of a chunk holds its number and whether it is the last one (the STREAM construction: Hoang, Reyhanitabar,
Rogaway and Vizar, 2015, https://eprint.iacr.org/2015/189). The header is bound to the key by an HMAC, which also tells
a wrong passphrase from a damaged file, and to every chunk.

    magic (8) | log2 of scrypt's n (1) | salt (16) | nonce prefix (7) | HMAC-SHA-256 of these (32)
    chunks of 64 KiB (the last one may be shorter), each followed by its tag (16)
"""

import hashlib
import hmac
import io
import os
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from nexus.backup.contents import BackupDamaged, WrongPassphrase

MAGIC = b"NEXUSBK\x01"
_COST = 17  # 128 MiB and half a second for each guess
_LEAST_COST, _MOST_COST = 10, 18
_SALT, _PREFIX, _MAC, _TAG = 16, 7, 32, 16
_HEAD = len(MAGIC) + 1 + _SALT + _PREFIX
CHUNK = 64 * 1024


class EncryptingWriter(io.RawIOBase):
    """Encrypts what is written, onto another stream; complete only after `finish`."""

    def __init__(self, target: BinaryIO, passphrase: str, *, cost: int = _COST) -> None:
        self._target = target
        self._head = MAGIC + bytes([cost]) + os.urandom(_SALT + _PREFIX)
        key, mac_key = _keys(passphrase, self._head)
        self._cipher = AESGCM(key)
        self._number = 0
        self._waiting = bytearray()
        target.write(self._head + hmac.digest(mac_key, self._head, hashlib.sha256))

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        """Encrypt some more."""
        self._waiting += data
        # The last chunk is marked, so one is held back until more comes.
        while len(self._waiting) > CHUNK:
            self._put(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk."""
        self._put(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._head, self._number, last), chunk, self._head))
        self._number += 1


class DecryptingReader(io.RawIOBase):
    """Reads what an EncryptingWriter has written. Gives nothing that has not been checked.

    Raises WrongPassphrase at once, and BackupDamaged when it comes to what was changed.
    """

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        self._source = source
        head = source.read(_HEAD + _MAC)
        if len(head) < _HEAD + _MAC or not head.startswith(MAGIC):
            raise BackupDamaged("This is no encrypted backup, or its beginning is missing.")
        if not _LEAST_COST <= head[len(MAGIC)] <= _MOST_COST:
            raise BackupDamaged("The beginning of the backup is damaged.")
        self._head, mac = head[:_HEAD], head[_HEAD:]
        key, mac_key = _keys(passphrase, self._head)
        if not hmac.compare_digest(mac, hmac.digest(mac_key, self._head, hashlib.sha256)):
            raise WrongPassphrase("The passphrase is not the one that the backup was encrypted with.")
        self._cipher = AESGCM(key)
        self._number = 0
        self._next = source.read(CHUNK + _TAG)
        self._plain = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Decrypt some more; 0 at the end."""
        while not self._plain and not self._ended:
            self._plain = memoryview(self._chunk())
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _chunk(self) -> bytes:
        chunk, self._next = self._next, self._source.read(CHUNK + _TAG)
        self._ended = not self._next
        try:
            plain = self._cipher.decrypt(_nonce(self._head, self._number, self._ended), chunk, self._head)
        except InvalidTag as error:
            raise BackupDamaged(
                "The backup is damaged: it was changed or cut off after it had been written. Use another one."
            ) from error
        self._number += 1
        return plain


def _keys(passphrase: str, head: bytes) -> tuple[bytes, bytes]:
    """The key that encrypts, and the one that binds the header to it."""
    salt = head[len(MAGIC) + 1 : len(MAGIC) + 1 + _SALT]
    made = Scrypt(salt=salt, length=64, n=2 ** head[len(MAGIC)], r=8, p=1).derive(passphrase.encode())
    return made[:32], made[32:]


def _nonce(head: bytes, number: int, last: bool) -> bytes:
    return head[-_PREFIX:] + number.to_bytes(4, "big") + bytes([last])
