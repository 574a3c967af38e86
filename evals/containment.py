"""Whether a text contains an answer, as the official scripts of SQuAD and KorQuAD compare."""

import re
import string
import unicodedata

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_HANGUL = re.compile(r"[가-힣]")
_KORQUAD_SIGNS = re.compile(r"['\"《》<>〈〉()‘’“”「」『』]")
_JOINED = re.compile(r"['’]s\b|[-‐-―/]")


def contains_answer(shown: str, gold: str) -> bool:
    """Whether a sentence contains a gold answer, both normalised.

    English as in SQuAD's official script (lower case, no punctuation, no articles, single spaces), whole words only;
    "Tyndale's" contains "Tyndale", and "16–20" contains "20". Korean as in KorQuAD's (quotation signs and punctuation
    gone), without spaces, since particles stick to words.
    """
    if _HANGUL.search(gold):
        wanted = _normal_korean(gold)
        return bool(wanted) and wanted in _normal_korean(shown)
    # In Korean text a particle follows a number or a name in Latin letters without a space.
    if _HANGUL.search(shown):
        return bool(_normal_english(gold)) and _normal_korean(gold) in _normal_korean(shown)
    return _has_words(shown, gold) or _has_words(_JOINED.sub(" ", shown), _JOINED.sub(" ", gold))


def _has_words(shown: str, gold: str) -> bool:
    wanted = _normal_english(gold)
    return bool(wanted) and f" {wanted} " in f" {_normal_english(shown)} "


def _normal_english(text: str) -> str:
    text = "".join(character for character in text.lower() if character not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", text).split())


def _normal_korean(text: str) -> str:
    text = _KORQUAD_SIGNS.sub(" ", unicodedata.normalize("NFC", text)).lower()
    text = "".join(character for character in text if character not in string.punctuation)
    return "".join(text.split())
