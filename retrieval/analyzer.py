"""Text to search terms: the same for what is indexed and for what is asked.

Words are found in the text as it stands, so that every term knows its place (highlights need it), and each word is
normalised by itself (NFKC, lower case, accents of Latin letters dropped):

- English and other Latin words: stop words dropped, then Snowball's English stemmer (Porter2).
- Identifiers, addresses, paths and numbers (`NEXUS_DATA_DIR`, `v1.5.9`, `outboxEvent`, `a/b.md`): the whole, so that
  it is found exactly, and its parts. What hyphens join is also one word (`IL-6` is `IL6`, `e-mail` is `email`), a
  version is found with and without its v, and a date is one however it is written (`2026.11.3`, `2026-11-03`).
- Hangul: the particle is taken off ("여의도에서" -> "여의도"), then overlapping bigrams, which need no dictionary
  and match inside compounds; a number keeps its unit ("1989년" -> "1989", "1989년"); interrogatives are
  dropped as stop words. What a particle is written to stays whole ("ERR_42가" -> "err_42", "err", "42").
  Measured on KorQuAD (questions of 70 articles over 961 paragraphs, MRR@10): bigrams of whole words 0.950, with the
  words themselves added 0.938, bigrams without particles 0.954, with units 0.958.
- Han and Kana: overlapping bigrams.
"""

import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import Stemmer  # type: ignore[import-not-found]

from retrieval.stopwords import ENGLISH, FUNCTION_WORDS, KOREAN, KOREAN_PARTICLES

# Raised with every change of what `analyze` gives, so that indexes made before are rebuilt.
VERSION = 3

_CACHED_WORDS = 100_000
_LONGEST_CACHED = 64
_MAX_TERM_CHARS = 64

# Marks that \w leaves out but that belong to words: accents, Hebrew points, Arabic vowels, Indic and Thai signs.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff\u0e00-\u0eff"
_LETTER = rf"[\w{_MARKS}]"
_WORD = re.compile(
    rf"[A-Za-z](?:\+\+|\#)(?!\w)"  # C++, C#, F#
    rf"|{_LETTER}+(?:(?:[.\-:@/'’&]|,(?=\d{{3}}(?!\d))){_LETTER}+)*"
)
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_APOSTROPHE_TAIL = re.compile(r"(?:n['’]t|['’](?:s|re|ve|ll|d|m))(?![a-z])", re.IGNORECASE)
_JOINING = "._-:@/'’&,"
_JOINERS = re.compile(rf"[{re.escape(_JOINING)}]+")
_LAST_NUMBER = re.compile(r"(?:^|[\-:/&])(\d+(?:\.\d+)?)$")
_DATE = re.compile(r"(\d{4})([-./])(\d{1,2})\2(\d{1,2})")
_VERSION_NUMBER = re.compile(r"v\d+(?:\.\d+)+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
_HANGUL = "\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f"
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
_KANA = "\u3040-\u30ff\u31f0-\u31ff"
_CJK = re.compile(rf"[{_HANGUL}{_HAN}{_KANA}]")
_SEGMENT = re.compile(rf"[{_HANGUL}]+|[{_HAN}{_KANA}]+|[^{_HANGUL}{_HAN}{_KANA}]+")
_HANGUL_RUN = re.compile(rf"[{_HANGUL}]+")

# Particles (josa) and the commonest endings of nouns, longest first: taken off once, and again for stacked ones
# ("서울에서는": 는, then 에서). At least two syllables of the word must stay.
_PARTICLES = tuple(sorted(KOREAN_PARTICLES, key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a text, text[start:end], and the terms that it is searched by (none for a stop word)."""

    start: int
    end: int
    terms: tuple[str, ...]


_local = threading.local()


def _stemmer() -> Stemmer.Stemmer:
    # Snowball's objects keep the word under work in themselves: one for each thread.
    stemmer: Stemmer.Stemmer | None = getattr(_local, "stemmer", None)
    if stemmer is None:
        stemmer = _local.stemmer = Stemmer.Stemmer("english")
    return stemmer


def tokens(text: str, sharing: Set[str] | None = None) -> Iterator[Token]:
    """The words of `text` with their places and terms, in order. With `sharing`, what stands between two blanks and has
    none of these terms is left out, which is much faster."""
    end = 0
    for piece in text.split():
        start = text.index(piece, end)
        end = start + len(piece)
        if sharing is None or not sharing.isdisjoint(_PIECES.terms_of(piece).split()):
            for match in _WORD.finditer(piece):
                yield Token(start + match.start(), start + match.end(), word_terms(match.group()))


def analyze(text: str) -> list[str]:
    """The search terms of `text`, in order and with repetitions; stop words leave nothing."""
    return analyzed(text).split()


def analyzed(text: str) -> str:
    """What `analyze` gives, with blanks between, as the index is given it."""
    return _PIECES.joined(text)


class _Pieces(dict[str, str]):
    """The terms of what stands between blanks, which no word crosses. Most pieces have been met before, and looking one
    up takes a tenth of the time that the patterns take: an index is built three times as fast."""

    def __init__(self, find_terms: Callable[[str], Iterable[str]]) -> None:
        self._find_terms = find_terms

    def joined(self, text: str) -> str:
        """The terms of a text, with blanks between."""
        pieces = text.split()
        # Most texts have none that is not worth remembering, and their pieces are looked up without another call.
        short = max(map(len, pieces), default=0) <= _LONGEST_CACHED
        terms = map(self.__getitem__ if short else self.terms_of, pieces)
        return " ".join([of_piece for of_piece in terms if of_piece])

    def terms_of(self, piece: str) -> str:
        """The terms of a piece, with blanks between. A text without blanks (Japanese) is not worth remembering."""
        return self[piece] if len(piece) <= _LONGEST_CACHED else self._made(piece)

    def __missing__(self, piece: str) -> str:
        if len(self) >= _CACHED_WORDS:
            self.clear()
        made = self[piece] = self._made(piece)
        return made

    def _made(self, piece: str) -> str:
        return " ".join(self._find_terms(piece))


@lru_cache(maxsize=_CACHED_WORDS)
def word_terms(word: str) -> tuple[str, ...]:
    """The terms of one word, as `tokens` cuts them."""
    if not word.isascii():
        word = unicodedata.normalize("NFKC", word)
        if _CJK.search(word):
            return tuple(_mixed_terms(word))
        word = _fold(word)
    return _latin_terms(word)


_EXACT = re.compile(rf"[a-z](?:\+\+|\#)(?!\w)|[{_HANGUL}{_HAN}{_KANA}]|(?:(?![_{_HANGUL}{_HAN}{_KANA}]){_LETTER})+")


def exact_terms(text: str) -> list[str]:
    """What a quotation is compared by: every word as the reader sees it, in order, stop words too, but for case and
    accents; of Hangul, Han and Kana every character, since their words grow particles and lose their blanks."""
    return in_exact_terms(text).split()


def in_exact_terms(text: str) -> str:
    """What `exact_terms` gives, with blanks between, as the index is given it."""
    return _EXACT_PIECES.joined(text)


def _exact_terms_of(piece: str) -> Iterator[str]:
    if not piece.isascii():
        piece = unicodedata.normalize("NFKC", piece)
    for term in _EXACT.findall(piece.lower()):
        yield _bounded(term if term.isascii() else _fold(term))


_PIECES = _Pieces(lambda piece: chain.from_iterable(map(word_terms, _WORD.findall(piece))))
_EXACT_PIECES = _Pieces(_exact_terms_of)


def _fold(word: str) -> str:
    """The word without the accents of its Latin letters; other scripts keep their marks."""
    decomposed = unicodedata.normalize("NFD", word)
    if not any("a" <= character <= "z" for character in decomposed.lower()):
        return word
    kept = "".join(character for character in decomposed if not unicodedata.combining(character))
    return unicodedata.normalize("NFC", kept)


def _latin_terms(word: str) -> tuple[str, ...]:
    if word.isalpha() and word.islower():  # by far the commonest case
        return _plain(word)
    word = _THOUSANDS.sub("", _APOSTROPHE_TAIL.sub("", word)).strip("_")
    parts = [piece for part in _JOINERS.split(word) for piece in _CAMEL.split(part) if piece]
    if len(parts) <= 1:
        return _plain(word.lower())
    whole = word.lower().replace("’", "'")
    terms = [term for part in parts for term in _plain(part.lower())]
    terms.extend(_wholes(whole))
    return tuple(terms)


def _wholes(word: str) -> Iterator[str]:
    """The terms that stand for all of a word of several parts."""
    if date := _DATE.fullmatch(word):
        year, _, month, day = date.groups()
        yield f"{year}-{month:0>2}-{day:0>2}"
    elif _VERSION_NUMBER.fullmatch(word):
        yield from (_bounded(word), _bounded(word[1:]))
    elif "'" not in word:
        yield from _plain(word if _JOINERS.sub("", word) != word.replace("-", "") else word.replace("-", ""))


def _plain(word: str) -> tuple[str, ...]:
    if not word or word in ENGLISH:
        return ()
    if word.isascii() and word.isalpha():
        return (_bounded(_stemmer().stemWord(word)),)
    return (_bounded(word),)


def _bounded(term: str) -> str:
    return term[:_MAX_TERM_CHARS]


def _mixed_terms(word: str) -> Iterator[str]:
    """Terms of a word that has Hangul, Han or Kana, perhaps with Latin letters or digits beside ("1989년", "GPU를",
    "ERR_42가", "kim@example.com에게")."""
    before = ""
    for segment in _SEGMENT.findall(word):
        if not _CJK.match(segment):
            inner = segment.strip(_JOINING)
            yield from _latin_terms(_fold(inner))
            # What a hyphen or a slash parts from it ("GPU-서버") is a word of its own.
            before = _THOUSANDS.sub("", inner) if segment.endswith(inner) else ""
            continue
        if not _HANGUL_RUN.match(segment):
            yield from _bigrams(segment)
        elif number := _LAST_NUMBER.search(before):
            yield _bounded(number[1] + segment[0])
            yield from _hangul_terms(segment[1:])
        elif not before or segment not in _PARTICLES:
            yield from _hangul_terms(segment)
        before = segment


def _bigrams(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for index in range(len(run) - 1):
        yield run[index : index + 2]


def _hangul_terms(run: str) -> Iterator[str]:
    stem = without_particle(run)
    if stem not in KOREAN:
        yield from _bigrams(stem)


def without_particle(word: str) -> str:
    """A Hangul word without its particles, as far as their spelling tells: "서울에서는" -> "서울"."""
    for _ in range(2):
        for particle in _PARTICLES:
            if word.endswith(particle) and len(word) - len(particle) >= 2:
                word = word[: -len(particle)]
                break
        else:
            break
    return word


_SCRIPTS = (
    ("ko", re.compile(rf"[{_HANGUL}]")),
    ("kana", re.compile(rf"[{_KANA}]")),
    ("han", re.compile(rf"[{_HAN}]")),
    ("latin", re.compile(r"[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a]")),
    ("ru", re.compile(r"[\u0400-\u052f]")),
    ("el", re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff\u0750-\u077f]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("bn", re.compile(r"[\u0980-\u09ff]")),
    ("ta", re.compile(r"[\u0b80-\u0bff]")),
    ("te", re.compile(r"[\u0c00-\u0c7f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("ka", re.compile(r"[\u10a0-\u10ff]")),
    ("hy", re.compile(r"[\u0530-\u058f]")),
)
_SAMPLE_CHARS = 2_000
# A syllable of Hangul, a Han character or a Kana says about as much as two or three Latin letters.
_DENSITY = {"ko": 2.5, "kana": 2.5, "han": 2.5}


def language(text: str) -> str:
    """The language of `text`: an ISO 639-1 code, or "und" where it has no letters.

    By script, which is what decides whether an embedding model can read it; among languages in Latin letters, by
    function words, "en" when in doubt. A Korean question with English names in it is Korean.
    """
    sample = text[:_SAMPLE_CHARS]
    if sample.isascii():
        return _latin_language(sample) if any(character.isalpha() for character in sample) else "und"
    weights = {name: len(pattern.findall(sample)) * _DENSITY.get(name, 1.0) for name, pattern in _SCRIPTS}
    total = sum(weights.values())
    if not total:
        return "und"
    # Kana is never used outside Japanese, and Japanese mixes it with Han.
    if weights["kana"] and weights["kana"] + weights["han"] > 0.3 * total:
        return "ja"
    for name in ("ko", "han"):
        if weights[name] > 0.3 * total:
            return "zh" if name == "han" else name
    best = max(weights, key=lambda name: weights[name])
    return _latin_language(sample) if best == "latin" else best


def _latin_language(sample: str) -> str:
    words = re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", sample).lower())
    votes = {code: sum(word in known for word in words) for code, known in FUNCTION_WORDS.items()}
    english = sum(word in ENGLISH for word in words)
    best = max(votes, key=lambda code: votes[code])
    return best if votes[best] >= 2 and votes[best] > english else "en"


def is_cjk(term: str) -> bool:
    """Whether a term is of Hangul, Han or Kana: a bigram, not a word."""
    return bool(_CJK.search(term))
