"""Random secrets, of which only hashes are kept."""

import hashlib
import secrets


def new_secret(prefix: str = "") -> str:
    """256 random bits as URL-safe text, behind a prefix that tells scanners and people what it is."""
    return prefix + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """SHA-256 in hexadecimal. The secrets are random: a plain hash of one cannot be reversed by guessing."""
    return hashlib.sha256(secret.encode()).hexdigest()
