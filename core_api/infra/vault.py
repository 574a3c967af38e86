"""Encryption of the secrets that are needed again (authenticator secrets, signing keys, mail that waits)."""

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core_api.infra.errors import NexusError
from core_api.infra.settings import Settings


class SecretKeyUnusable(NexusError):
    """The key that encrypts secrets is malformed, or not the one that they were encrypted with."""

    status, code, title = 500, "secret_key_unusable", "The secret key does not fit"


class Vault:
    """Encrypts with the first of its keys, decrypts with any: put a new key in front to change it."""

    def __init__(self, keys: list[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise SecretKeyUnusable(
                "A key in NEXUS_SECRET_KEYS is not 32 bytes in URL-safe Base64. Make one with `nexus secret-key`."
            ) from error

    @classmethod
    def open(cls, settings: Settings) -> "Vault":
        """The vault of the settings; without keys there, of the key in the data directory, made when missing."""
        keys = [key.get_secret_value() for key in settings.secret_keys]
        return cls(keys or [_key_in(settings.data_dir / "secret.key")])

    def encrypt(self, text: str) -> bytes:
        """The text, readable with this vault only."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, data: bytes) -> str:
        """What `encrypt` was given. Raises SecretKeyUnusable when another key was used."""
        try:
            return self._fernet.decrypt(data).decode()
        except InvalidToken as error:
            raise SecretKeyUnusable(
                "Secrets in the database were encrypted with another key. Put the old one (NEXUS_SECRET_KEYS, or "
                "secret.key of the data directory) back."
            ) from error


def new_key() -> str:
    """A key for NEXUS_SECRET_KEYS."""
    return Fernet.generate_key().decode()


def _key_in(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_text(new_key() + "\n", encoding="ascii")
        try:
            os.link(temporary, path)  # fails where another process was quicker: its key is the one
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        return path.read_text(encoding="ascii").strip()
