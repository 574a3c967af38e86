"""Hides secrets and personal data from a model that runs elsewhere, and puts them back into what it writes.

A placeholder such as `{EMAIL_1}` stands for the same value wherever a masker meets it. Text that looks like a
placeholder by itself is masked as well, so that masking and unmasking always gives back what went in.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

_PLACEHOLDER = re.compile(r"\{[A-Z]{2,12}_\d{1,6}\}")
# The beginning of a placeholder at the end of a piece of text.
_BEGUN = re.compile(r"\{(?:[A-Z]{1,12}(?:_\d{0,6})?)?\Z")


def _luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    digits = [int(char) for char in text if char.isdecimal()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _iban(text: str) -> bool:
    """ISO 13616: the check digits, modulo 97."""
    compact = re.sub(r"\s", "", text)
    moved = compact[4:] + compact[:4]
    return 15 <= len(compact) <= 34 and int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def _resident_number(text: str) -> bool:
    """A birthday, and the check digit; numbers given out since October 2020 have none, so a hyphen is enough there."""
    digits = [int(char) for char in text if char.isdecimal()]
    century = 1900 if digits[6] in (1, 2, 5, 6) else 2000
    try:
        date(century + digits[0] * 10 + digits[1], digits[2] * 10 + digits[3], digits[4] * 10 + digits[5])
    except ValueError:
        return False
    weights = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
    check = (11 - sum(w * d for w, d in zip(weights, digits, strict=False)) % 11) % 10
    # A foreigner's number adds two.
    return "-" in text or check == digits[12] or (digits[6] >= 5 and (check + 2) % 10 == digits[12])


def _phone(text: str) -> bool:
    return 9 <= sum(char.isdecimal() for char in text) <= 15


def _random(text: str) -> bool:
    return all(re.search(kind, text) for kind in ("[a-z]", "[A-Z]", "[0-9]"))


def _no_word(text: str) -> bool:
    """Unlike what else follows in a sentence: "the password is required."."""
    bare = text.rstrip(".,:!?)")
    return not bare.isalpha() or bare not in (bare.lower(), bare.capitalize())


# What stands before a secret that is said or set.
_NAMED = (
    r"(?i)(?:password|passwd|passphrase|pwd|secret|access[_ -]?token|auth[_ -]?token|api[_ -]?key"
    r"|비밀번호|패스워드|암호)[\"']?\s{0,3}"
)

# (kind, pattern, check); the group `value`, where there is one, is what is hidden. All of bounded length.
_RULES: tuple[tuple[str, re.Pattern[str], Callable[[str], bool] | None], ...] = (
    ("TEXT", _PLACEHOLDER, None),
    (
        "KEY",
        re.compile(
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]{0,20000}?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)"
        ),
        None,
    ),
    ("PASSWORD", re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@]{0,100}:(?P<value>[^\s/@]{1,200})@"), None),
    (
        "TOKEN",
        re.compile(
            r"(?<![A-Za-z0-9])(?:sk-[A-Za-z0-9_-]{16,200}|(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|nx[a-z]_|hf_|pypi-)"
            r"[A-Za-z0-9_-]{10,300}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}"
            r"|eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{4,4000}(?:\.[A-Za-z0-9_-]{0,1000})?)"
        ),
        None,
    ),
    ("TOKEN", re.compile(r"\b[Bb]earer\s+(?P<value>[A-Za-z0-9._~+/=-]{16,2000})"), None),
    ("SECRET", re.compile(_NAMED + r"(?:[:=]|=>)\s{0,3}[\"']?(?P<value>[^\s\"',;<>{}]{4,200})"), None),
    ("SECRET", re.compile(_NAMED + r"(?:is\b|는|은)\s{0,3}[\"']?(?P<value>[^\s\"',;<>{}]{4,200})"), _no_word),
    ("TOKEN", re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{40,2000}={0,2}(?![A-Za-z0-9+/_=-])"), _random),
    ("EMAIL", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z가-힣]{2,24}(?![\w-])"), None),
    (
        "IBAN",
        re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])"),
        _iban,
    ),
    ("RRN", re.compile(r"(?<![\d-])[0-9]{6}-?[1-8][0-9]{6}(?![\d-])"), _resident_number),
    ("CARD", re.compile(r"(?<![\d-])[0-9](?:[ -]?[0-9]){12,18}(?![\d-])"), _luhn),
    (
        "PHONE",
        re.compile(
            r"(?<![\w.-])(?:\+[0-9]{1,3}[ .-]?(?:\(0?\)[ .-]?)?(?:\(?[0-9]{1,4}\)?[ .-]?){2,5}[0-9]{2,4}"
            r"|0(?:1[016789]|2|[3-6][1-5]|70|50[0-9])[ .)-]{1,2}[0-9]{3,4}[ .-][0-9]{4}|01[016789][0-9]{7,8}"
            r"|\(?[2-9][0-9]{2}\)?[ .-][0-9]{3}[.-][0-9]{4})(?![\w-])"
        ),
        _phone,
    ),
)


class Masker:
    """The placeholders of one run. Used by one thread at a time."""

    def __init__(self) -> None:
        self._placeholders: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def mask(self, text: str) -> str:
        """The text with placeholders in the place of what is to be hidden."""
        pieces, end = [], 0
        for start, stop, kind in _spans(text):
            pieces += [text[end:start], self._placeholder(kind, text[start:stop])]
            end = stop
        return "".join([*pieces, text[end:]])

    def unmask(self, text: str) -> str:
        """The text with the values in the place of this masker's placeholders."""
        return _PLACEHOLDER.sub(lambda match: self._values.get(match.group(), match.group()), text)

    def mask_all(self, value: Any) -> Any:
        """`mask` for every string in a JSON value."""
        return _each(value, self.mask)

    def unmask_all(self, value: Any) -> Any:
        """`unmask` for every string in a JSON value."""
        return _each(value, self.unmask)

    def _placeholder(self, kind: str, value: str) -> str:
        if value not in self._placeholders:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            placeholder = f"{{{kind}_{self._counts[kind]}}}"
            self._placeholders[value], self._values[placeholder] = placeholder, value
        return self._placeholders[value]


class Unmasking:
    """`unmask` for text that comes in pieces: a placeholder that is cut in two waits for its other half."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be said now."""
        text = self._held + text
        begun = _BEGUN.search(text)
        at = begun.start() if begun else len(text)
        self._held = text[at:]
        return self._masker.unmask(text[:at])

    def finish(self) -> str:
        """What was held back: no more comes."""
        text, self._held = self._held, ""
        return text


def _spans(text: str) -> Iterator[tuple[int, int, str]]:
    """What to hide, in order; where two overlap, all of both, under the first one's kind."""
    found: list[tuple[int, int, str]] = []
    for kind, pattern, check in _RULES:
        group = "value" if "value" in pattern.groupindex else 0
        found += [
            (*match.span(group), kind) for match in pattern.finditer(text) if check is None or check(match[group])
        ]
    found.sort(key=lambda span: (span[0], -span[1]))
    merged: list[tuple[int, int, str]] = []
    for start, stop, kind in found:
        if merged and start < merged[-1][1]:
            first, last, name = merged[-1]
            merged[-1] = (first, max(last, stop), name)
        else:
            merged.append((start, stop, kind))
    yield from merged


def _each(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case list():
            return [_each(item, change) for item in value]
        case dict():
            return {name: _each(item, change) for name, item in value.items()}
    return value
