"""Shows why a passage was found: the places of the query's words in it, and the part that holds most of them."""

from bisect import bisect_left
from collections.abc import Collection

from retrieval import analyzer

EXCERPT_CHARS = 280
_MAX_HIGHLIGHTS = 100


def highlights(text: str, query_terms: Collection[str]) -> tuple[tuple[int, int], ...]:
    """(start, end) of the words of `text` that share a term with the query, in order and without overlap.

    Stems match ("requested" for "request"), and so do Korean words with other particles. A Korean word of three or more
    syllables needs half of its bigrams in the query, or accidental bigrams would light up everywhere.
    """
    wanted = frozenset(query_terms)
    found: list[tuple[int, int]] = []
    if not wanted:
        return ()
    for token in analyzer.tokens(text, wanted):
        matched = sum(term in wanted for term in token.terms)
        if matched and (matched * 2 >= len(token.terms) or not analyzer.is_cjk(token.terms[0])):
            found.append((token.start, token.end))
            if len(found) == _MAX_HIGHLIGHTS:
                break
    return tuple(found)


def excerpt(text: str, spans: tuple[tuple[int, int], ...], width: int = EXCERPT_CHARS) -> tuple[int, int]:
    """(start, end) of the part of `text`, at most `width` characters, that holds the most highlighted words.

    It begins and ends between words, at the beginning of a sentence where one is near.
    """
    if len(text) <= width:
        return 0, len(text)
    start = 0
    if spans:
        starts = [begin for begin, _ in spans]
        ends = [end for _, end in spans]
        # From each match on: how many matches end within the width. The earliest of the best.
        counts = [bisect_left(ends, begin + width + 1) - index for index, begin in enumerate(starts)]
        first = counts.index(max(counts))
        last = first + counts[first] - 1
        room = width - (ends[max(last, first)] - starts[first])
        start = max(0, starts[first] - max(0, room) // 2)
    start = _boundary(text, min(start, len(text) - width))
    end = min(len(text), start + width)
    if end < len(text) and not text[end].isspace():
        space = text.rfind(" ", start + width // 2, end)
        end = space if space > 0 else end
    return start, end


def _boundary(text: str, start: int) -> int:
    """The beginning of a sentence up to 40 characters before `start`, else of the word that it falls into."""
    if start <= 0:
        return 0
    for mark in (". ", "? ", "! ", "\n"):
        place = text.rfind(mark, max(0, start - 40), start + 1)
        if place >= 0:
            return place + len(mark)
    space = text.rfind(" ", max(0, start - 40), start)
    return space + 1 if space >= 0 else start
