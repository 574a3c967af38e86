"""Hangul as it is typed: syllables taken to their letters (jamo)."""

import unicodedata
from functools import lru_cache

_FIRST, _LAST = 0xAC00, 0xD7A3
# The letters of a keyboard, as they stand at the beginning of a syllable (and vowels in its middle).
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
# Two strokes of the keyboard that make one letter.
_CONSONANT_PAIRS = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ",
    "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
_PAIRS = _CONSONANT_PAIRS | {
    "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ",
}  # fmt: skip
_APART = str.maketrans(_CONSONANT_PAIRS)


def folded(text: str) -> str:
    """The text in small letters, each syllable of Hangul one character: as texts are compared."""
    return unicodedata.normalize("NFC", text).lower()


def as_initials(text: str) -> str:
    """A text with consonants that stand by themselves as what they stand for: "ㄳ", which a keyboard makes of "ㄱ" and
    "ㅅ", is two beginnings of syllables."""
    return text.translate(_APART)


def strokes(text: str) -> str:
    """The text in small letters with its Hangul as keyboard strokes: "회의" -> "ㅎㅗㅣㅇㅡㅣ". A half-typed word is a
    prefix of the whole one, also where the next syllable's beginning still hangs on the last one ("횡" for "회의")."""
    return text.lower() if text.isascii() else "".join(map(strokes_of, folded(text)))


@lru_cache(maxsize=20_000)
def strokes_of(character: str) -> str:
    """The strokes of a character."""
    code = ord(character)
    if not _FIRST <= code <= _LAST:
        return _PAIRS.get(character, character)
    initial, rest = divmod(code - _FIRST, 588)
    vowel, final = divmod(rest, 28)
    letters = (_INITIALS[initial], _VOWELS[vowel], _FINALS[final])
    return "".join(_PAIRS.get(letter, letter) for letter in letters)


def initial_of(character: str) -> str:
    """The first letter of a syllable of Hangul; any other character itself."""
    code = ord(character)
    return _INITIALS[(code - _FIRST) // 588] if _FIRST <= code <= _LAST else character


def is_bare_initial(character: str) -> bool:
    """Whether it is a consonant that stands by itself, as whoever types initials only writes them."""
    return "ㄱ" <= character <= "ㅎ"


def prefix_end(typed: str, text: str, start: int) -> int | None:
    """Where `typed` ends in `text`, which has it from `start` on; None where it has not. Both are folded.

    A consonant by itself stands for any syllable that it begins, and the last syllable typed is perhaps not complete.
    """
    end = start + len(typed)
    if text.startswith(typed, start):
        return end
    if typed.isascii() or end > len(text):
        return None
    for letter, there in zip(typed[:-1], text[start:], strict=False):
        if letter != there and letter != initial_of(there):
            return None
    last, there = typed[-1], text[end - 1]
    if last == initial_of(there) or strokes_of(there).startswith(strokes_of(last)):
        return end
    # What was typed last may be the beginning of the next syllable: "횡" for "회의".
    if _FIRST <= ord(last) <= _LAST and strokes(text[end - 1 : end + 1]).startswith(strokes_of(last)):
        return end + 1
    return None
