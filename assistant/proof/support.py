"""Whether a quotation supports a sentence: what is said must be in it, by words, figures, names, and yes or no.

Rules come first and cannot be outvoted: a figure, date or name that the quotation lacks, and a no for a yes, make a
sentence unsupported, however alike the two sound (embeddings of "approved" and "not approved" are nearly the same).
Then nearly all words that carry content must be there, or a word that means the same: by the embedding model where it
knows the language, else by the words alone. A sentence that says more than its quotation is not supported by it.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import structlog

from assistant.wording.korean_words import unnamed_korean
from assistant.wording.polarity import contradicts
from assistant.wording.quantities import measures, unnamed_measure
from assistant.wording.support_words import LEADING, NUMBER_WORDS, SAME, SLIGHT, UNIT_WORDS, YES_OR_NO
from core_api.infra.errors import Unavailable
from retrieval.analyzer import analyze, language, word_terms
from retrieval.embedding import Embedder
from retrieval.stopwords import ENGLISH

log = structlog.get_logger()

# Fitted on the half `fit` of evals/support.jsonl, English and Korean; checked on the other (docs/assistant.md).
ENOUGH_WORDS = 0.85
_ENOUGH_WORDS_KOREAN = 0.6
_SAME_WORD = 0.5  # cosine of two single words that may stand for each other
_SAME_NAME = 0.7
_SAME_MEANING = 0.6  # cosine of the sentence and the quotation
_MOST_REPLACED = 0.5  # share of the words that others may stand for
_CACHED = 4_000

_WORD = re.compile(r"[^\W_]+(?:[-'’.&][^\W_]+)*")
_CODE = re.compile(r"(?=[\w.-]*\d)(?=[\w.-]*[A-Za-z])[A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}://|www\.)[^\s<>\"')\]]+|[\w.+-]+@[\w-]+\.[\w.-]+", re.IGNORECASE)
_HANGUL = re.compile(r"[가-힣]")
_HANGUL_TAIL = re.compile(r"[가-힣]+$")
_DATE_WORDS = re.compile(
    r"^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]*$|^[ap]\.?m$", re.IGNORECASE
)


class Lack(StrEnum):
    """Why a sentence is not supported."""

    NUMBER = "number"
    DATE = "date"
    NAME = "name"
    POLARITY = "polarity"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of holding a sentence to a quotation."""

    lack: Lack | None = None

    @property
    def supported(self) -> bool:
        """Whether nothing is lacking."""
        return self.lack is None


def judge(sentence: str, quote: str, *, context: str = "", embedder: Embedder | None = None) -> Verdict:
    """Whether `quote` supports `sentence`. `context` are the title and heading that it stands under: names, words and
    figures may come from there, but not everything. Without an embedder that knows the language, words decide."""
    source = f"{context}\n{quote}" if context else quote
    words = _content(sentence)
    there = _vocabulary(source)
    missing = [word for word in words if not word_is_there(word, there)]
    if _same_text(sentence, quote):
        return Verdict()
    if (measure := unnamed_measure(measures(sentence), measures(source))) is not None:
        return Verdict(Lack(measure))
    if unnamed_name(sentence, source):
        return Verdict(Lack.NAME)
    if contradicts(sentence, quote):
        return Verdict(Lack.POLARITY)
    korean = unnamed_korean(sentence, source) if _HANGUL.search(sentence) else None
    if korean is not None:
        enough = korean.share >= _ENOUGH_WORDS_KOREAN and not korean.unnamed
        return Verdict(None if enough else Lack.WORDS)
    if context and words and not any(word_is_there(word, _vocabulary(quote)) for word in words):
        return Verdict(Lack.WORDS)
    if not missing:
        return Verdict()
    if embedder is not None and embedder.covers(language(sentence)):
        same = _means_the_same(sentence, quote, words, missing, embedder)
        if same is not None:
            return Verdict(None if same else Lack.WORDS)
    enough = 1 - len(missing) / len(words) >= ENOUGH_WORDS
    return Verdict(None if enough and not _swapped(sentence, source) else Lack.WORDS)


def only_slight(sentence: str, question: str = "") -> bool:
    """Whether a sentence states nothing: a lead-in of common words and those of the question, a bare yes or no."""
    if any(character.isdigit() for character in sentence) or _ADDRESS.search(sentence):
        return False
    words = _content(sentence)
    korean = _HANGUL.search(sentence) is not None
    if not sentence.endswith((":", "：")) and (korean or words):
        return sentence.strip(" .!。") in YES_OR_NO
    asked = _vocabulary(question)
    return all(set(word_terms(word)) <= LEADING or word_is_there(word, asked) for word in words)


def word_is_there(word: str, there: frozenset[str]) -> bool:
    """Whether a word, or one of its group, is among the terms."""
    return all(term in there or SAME.get(term, "") in there for term in word_terms(word)) or (
        set(word_terms(word)) <= SLIGHT
    )


def unnamed_name(sentence: str, source: str) -> bool:
    """Whether the sentence has a name, code, abbreviation or address that the source has not."""
    known = _names_known(source)
    for match in _ADDRESS.finditer(sentence):
        if match.group().rstrip(".,;:!?") not in source:
            return True
    for match in _CODE.finditer(sentence):
        if not match.group()[0].isdigit() and _folded(match.group()) not in known:
            return True
    matches = list(_WORD.finditer(sentence))
    for index, match in enumerate(matches):
        word = _bare(_HANGUL_TAIL.sub("", match.group()))
        if not word[:1].isupper() or word.lower() in ENGLISH or _DATE_WORDS.match(word) or _HANGUL.search(word):
            continue
        if _begins_sentence(sentence, match.start()):
            following = matches[index + 1].group() if index + 1 < len(matches) else ""
            beside = matches[index + 1].start() - match.end() == 1 if following else False
            if not (beside and following[:1].isupper() and following.lower() not in ENGLISH) and not word.isupper():
                continue  # any word is capitalised here; it must be there like others
        if _folded(word) not in known and not set(word_terms(word)) <= known and word.lower() not in UNIT_WORDS:
            return True
    return False


def _swapped(sentence: str, source: str) -> bool:
    """Whether the first word is not in the source, and may be a name in the place of another: "Lee" for "Kim"."""
    first = _WORD.search(sentence)
    return first is not None and not word_is_there(first.group(), _vocabulary(source)) and not _HANGUL.search(sentence)


def _means_the_same(
    sentence: str, quote: str, words: Sequence[str], missing: Sequence[str], embedder: Embedder
) -> bool | None:
    """Whether other words of the quotation stand for each that is missing; None where the model cannot be asked."""
    if len(missing) > max(1, _MOST_REPLACED * len(words)):
        return False
    spoken = _vocabulary(sentence)
    left = [word for word in _content(quote) if not word_is_there(word, spoken)]
    first = _WORD.search(sentence)
    begins = first.group() if first is not None and first.group() in missing else ""
    if begins and any(word[0].isupper() for word in left):
        return False  # a name may have been put in the place of another
    if not left:
        return len(missing) <= 1 and len(missing) / len(words) <= 1 - ENOUGH_WORDS
    texts = [sentence, quote, *missing, *left]
    try:
        vectors = embedder.embed_queries(texts)
    except Unavailable as error:
        log.warning("support_without_embedding", error=str(error))
        return None
    if float(vectors[0] @ vectors[1]) < _SAME_MEANING:
        return False
    count = len(missing)
    cosines = vectors[2 : 2 + count] @ vectors[2 + count :].T
    # A first word that is not there may be a name, capital or not: it must be the very same thing.
    least = [_SAME_NAME if word == begins else _SAME_WORD for word in missing]
    return bool((cosines.max(axis=1) >= least).all())


def _same_text(sentence: str, quote: str) -> bool:
    squeezed = " ".join(sentence.split()).rstrip(".。")
    return bool(squeezed) and squeezed == " ".join(quote.split()).rstrip(".。")


def _content(text: str) -> list[str]:
    """The words of `text` that carry content, but for figures, dates and addresses, which have rules of their own."""
    found: list[str] = []
    for match in _WORD.finditer(_ADDRESS.sub(" ", text)):
        word = _bare(match.group())
        if any(character.isdigit() for character in word) or _DATE_WORDS.match(word) or word.lower() in UNIT_WORDS:
            continue
        if word_terms(word) and word.lower() not in NUMBER_WORDS:
            found.append(word)
    return found


@lru_cache(maxsize=_CACHED)
def _vocabulary(text: str) -> frozenset[str]:
    terms = frozenset(analyze(text))
    return terms | {SAME[term] for term in terms if term in SAME}


@lru_cache(maxsize=_CACHED)
def _names_known(text: str) -> frozenset[str]:
    words = {_folded(match.group()) for match in _WORD.finditer(text)} | {
        _folded(match.group()) for match in _CODE.finditer(text)
    }
    return frozenset(words | {part for word in words for part in re.split(r"[-'.&]", word)} | set(analyze(text)))


def _bare(word: str) -> str:
    return re.sub(r"['’]s?$", "", word)


def _folded(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", _bare(word).replace("’", "'").casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _begins_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip("\"'“‘(*_ ")
    return not before or before[-1] in ".!?:\n-•"
