"""Hangul as it is typed: syllables taken to their letters (jamo)."""

import unicodedata

_FIRST, _LAST = 0xAC00, 0xD7A3
# The letters of a keyboard, as they stand at the beginning of a syllable (and vowels in its middle).
_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
# Two strokes of the keyboard that make one letter.
_PAIRS = {
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ", "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ",
    "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ", "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ",
    "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ",
}  # fmt: skip


def strokes(text: str) -> str:
    """The text in small letters with its Hangul as keyboard strokes: "회의" -> "ㅎㅗㅣㅇㅡㅣ". A half-typed word is a
    prefix of the whole one, also where the next syllable's beginning still hangs on the last one ("횡" for "회의")."""
    if text.isascii():
        return text.lower()
    return "".join(_strokes_of(character) for character in unicodedata.normalize("NFC", text).casefold())


def initials(text: str) -> str:
    """The text in small letters with each syllable of Hangul as its first letter: "회의록" -> "ㅎㅇㄹ"."""
    return "".join(
        _INITIALS[(ord(character) - _FIRST) // 588] if _FIRST <= ord(character) <= _LAST else character
        for character in unicodedata.normalize("NFC", text).casefold()
    )


def has_bare_initial(text: str) -> bool:
    """Whether there are consonants that stand by themselves, as whoever types initials only writes them."""
    return any("ㄱ" <= character <= "ㅎ" for character in text)


def _strokes_of(character: str) -> str:
    code = ord(character)
    if not _FIRST <= code <= _LAST:
        return _PAIRS.get(character, character)
    initial, rest = divmod(code - _FIRST, 588)
    vowel, final = divmod(rest, 28)
    letters = (_INITIALS[initial], _VOWELS[vowel], _FINALS[final])
    return "".join(_PAIRS.get(letter, letter) for letter in letters)
