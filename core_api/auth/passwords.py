"""Passwords: Argon2id hashes, and a check against those that are guessed first."""

import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core_api.infra.errors import Invalid
from core_api.infra.machine import available_cores

MIN_CHARS, MAX_CHARS = 10, 200

# argon2-cffi's defaults: RFC 9106, second recommended option (64 MiB, 3 passes).
_hasher = PasswordHasher()
# Each hash takes 64 MiB for a moment: no more at once than there are cores to compute them.
_at_once = threading.BoundedSemaphore(max(2, available_cores()))
# zxcvbn's time grows with the square of the length, and its estimate of the guesses only grows.
_ESTIMATED_CHARS = 72
# zxcvbn: 3 is "safely unguessable", 10^8 guesses or more.
_MIN_SCORE = 3
_estimating = threading.Lock()


class WeakPassword(Invalid):
    """A password that would be guessed."""

    code, title = "weak_password", "The password is too weak"


def hash_password(password: str) -> str:
    """The hash to keep, in PHC format."""
    with _at_once:
        return _hasher.hash(_normal(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one; takes the same time where there is none to compare with."""
    with _at_once:
        try:
            return _hasher.verify(password_hash or _dummy(), _normal(password)) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def needs_rehash(password_hash: str) -> bool:
    """Whether it was hashed with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def check_strength(password: str, *known: str | None, field: str = "new_password") -> None:
    """Refuse a password that is common or easily guessed by somebody who knows `known` (name, address).

    Raises WeakPassword, which names `field`.
    """
    problem = _problem(
        _normal(password), [word for text in known if text for word in (text, *text.replace("@", " ").split())]
    )
    if problem is not None:
        raise WeakPassword(problem, field=field)


def _dummy() -> str:
    """Of no password, at the same cost: what is compared where there is no account."""
    cost = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v=19${cost}$bm8gcGFzc3dvcmQgaXMgdGhpcw${'A' * 43}"


def _normal(password: str) -> str:
    """The same for the same keys: some systems compose Hangul and accents, others do not."""
    return unicodedata.normalize("NFKC", password)


def _problem(password: str, known: list[str]) -> str | None:
    if len(password) < MIN_CHARS:
        return f"The password needs at least {MIN_CHARS} characters."
    # Loaded when first needed: its word lists take a while.
    from zxcvbn import zxcvbn

    with _estimating:  # it keeps the known words in a module's table
        estimate = zxcvbn(password[:_ESTIMATED_CHARS], known, max_length=_ESTIMATED_CHARS)
    if estimate["score"] >= _MIN_SCORE:
        return None
    why = estimate["feedback"]["warning"] or "It is easily guessed"
    return f"Choose another password. {why.rstrip('.')}. Several uncommon words in a row are good."
