"""The two sides of a question that compares: "the difference between X and Y", "X vs Y", "X와 Y의 차이"."""

import re

from retrieval.analyzer import analyze, language

_KO_AND = r"(?:와|과|이랑|랑|하고)"
_KO_DIFFERS = r"(?:어떻게|무엇이|뭐가|어떤 점이|어디가)\s*(?:다른|달라|다릅|다르)"
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:differences?|distinctions?|comparison) between (?P<one>.+?) and (?P<other>.+)$",
        r"^(?:please |can you |could you )*compare (?P<one>.+?) (?:and|with|to|against) (?P<other>.+)$",
        r"^(?:(?:what is|what's|what about|how about|explain) )?(?P<one>.+?) (?:vs\.?|versus) (?P<other>.+)$",
        r"^how (?:does|do|did|is|are|was|were) (?P<one>.+?) (?:differ|different) from (?P<other>.+)$",
        r"^how (?:do|did|are|were) (?P<one>.+?) and (?P<other>.+?) (?:differ|different|compare)\b",
        r"^what (?:distinguishes|sets) (?P<one>.+?) (?:apart )?from (?P<other>.+)$",
        rf"^(?P<one>.+?){_KO_AND} (?P<other>.+?)(?:의|은|는|이|가|을|를)?\s*(?:차이|다른 ?점|비교|구별|구분).{{0,14}}$",
        rf"^(?P<one>.+?){_KO_AND} (?P<other>.+?)(?:은|는|이|가) {_KO_DIFFERS}",
        rf"^(?P<one>.+?)(?:은|는|이|가) (?P<other>.+?){_KO_AND} {_KO_DIFFERS}",
    )
)
# What is compared, and where: "... and sick leave in the first year".
_WHERE = re.compile(
    r"(?<=\w) (?:in|for|at|when|under|during|regarding|with regard to|according to)\b.*$", re.IGNORECASE
)
_AROUND = re.compile(r"^(?:the|an?|our)\s+|[\s\"'“”‘’「」『』.?!,]+$|^[\s\"'“”‘’「」『』]+", re.IGNORECASE)
# What is compared is named, in few words: a longer text is a question or a clause that happens to have these words.
_MOST_CHARS, _MOST_WORDS, _MOST_WORDS_KOREAN = 100, 6, 3
_NO_NAME = re.compile(
    r"\b(?:how|what|which|who|when|where|why|did|does|do)\b|[을를의에로과와] |무엇|언제", re.IGNORECASE
)


def sides_of(text: str) -> tuple[str, str] | None:
    """What is compared with what; None where the wording compares nothing, or a thing with itself."""
    text = " ".join(text.split()).rstrip("?!. ")
    for pattern in _PATTERNS:
        if match := pattern.search(text):
            one, other = (_bare(_WHERE.sub("", match.group(side))) for side in ("one", "other"))
            terms = frozenset(analyze(one)), frozenset(analyze(other))
            # Each has something of its own to be found by.
            return (one, other) if _names(one) and _names(other) and all(terms) and terms[0] != terms[1] else None
    return None


def _names(side: str) -> bool:
    most = _MOST_WORDS_KOREAN if language(side) == "ko" else _MOST_WORDS
    return len(side) <= _MOST_CHARS and len(side.split()) <= most and _NO_NAME.search(side) is None


def _bare(side: str) -> str:
    previous = ""
    while previous != side:
        previous, side = side, _AROUND.sub("", side)
    return side
