"""The smallest parts that a passage is made of: sentences, list items, table rows, lines of code, with their sizes."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.text import ExtractedText, TextBlock
from ingest.types import BlockKind
from retrieval.analyzer import language
from retrieval.embedding.base import Embedder
from retrieval.sentences import sentence_spans

# A WordPiece vocabulary counts a word that it does not know, however long, as one token; a passage must still have an
# end. Prose has 4 to 6 characters a token.
_CHARS_PER_TOKEN = 12
# A model that does not know a script takes it to pieces (all-MiniLM cuts Hangul to single jamo): its tokens say nothing
# of how much is said. Such a text counts at most a token for so many characters, or its passages would be scraps: with
# 192 tokens, up to 570 characters of Korean instead of 100 (KorQuAD paragraphs by their best passage: MRR@10 0.954
# instead of 0.938).
_FOREIGN_CHARS_PER_TOKEN = 3
_LINE = re.compile(r"\S[^\n]*")
_WORD = re.compile(r"\S+")
_CLAUSE_END = re.compile(r"[,;:，、；：)\]]$")


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of the text that is not cut if it fits; `size` in tokens, without special tokens."""

    start: int
    end: int
    size: int


class Tokens:
    """Sizes as the embedding model counts them, without its special tokens."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.special = embedder.count_tokens([""])[0]

    def sizes(self, texts: Sequence[str]) -> list[int]:
        """The size of each part of a passage, all in one call of the tokenizer; bounded in languages that the model
        does not know."""
        return [self._bounded(text, count) for text, count in zip(texts, self._counts(texts), strict=True)]

    def _counts(self, texts: Sequence[str]) -> list[int]:
        return [count - self.special for count in self._embedder.count_tokens(texts)] if texts else []

    def _bounded(self, text: str, count: int) -> int:
        most = math.ceil(len(text) / _FOREIGN_CHARS_PER_TOKEN)
        if count > most and not self._embedder.covers(language(text)):
            return most
        return max(count, len(text) // _CHARS_PER_TOKEN)

    def size(self, text: str) -> int:
        """The size of one text that stands in front of passages of any language: never bounded."""
        return max(self._counts([text])[0], len(text) // _CHARS_PER_TOKEN) if text else 0

    def clip(self, text: str, limit: int) -> str:
        """The longest beginning of a text that has at most `limit` tokens, cut between words where there are any."""
        if self.size(text) <= limit:
            return text
        low, high = 0, len(text)
        while low < high - 1:
            middle = (low + high) // 2
            if self.size(text[:middle]) <= limit - 1:
                low = middle
            else:
                high = middle
        blank = text.rfind(" ", low // 2, low + 1)
        return text[: blank if blank > 0 else low].rstrip() + "…"


def pieces_of(extracted: ExtractedText, tokens: Tokens) -> list[list[Piece]]:
    """The pieces of each block, in order; a block has at least one. Sizes are counted in one batch."""
    spans = [list(_spans(extracted.text, block)) for block in extracted.blocks]
    flat = [extracted.text[start:end] for block in spans for start, end in block]
    sizes = iter(tokens.sizes(flat))
    return [[Piece(start, end, next(sizes)) for start, end in block] for block in spans]


def _spans(text: str, block: TextBlock) -> Iterator[tuple[int, int]]:
    content = text[block.start : block.end]
    if block.kind is BlockKind.HEADING:
        yield block.start, block.end
    elif block.kind in (BlockKind.TABLE, BlockKind.CODE):
        # Rows and lines stay whole; what looks like the end of a sentence inside them is none.
        for line in _LINE.finditer(content):
            yield block.start + line.start(), block.start + line.end()
    else:
        for start, end in sentence_spans(content) or [(0, len(content))]:
            yield block.start + start, block.start + end


def cut_to_size(text: str, pieces: Sequence[Piece], limit: int, tokens: Tokens) -> list[Piece]:
    """The same pieces, those above the limit cut between words, after a clause where there is one, and inside a word
    only where the word alone is above the limit."""
    if all(piece.size <= limit for piece in pieces):
        return list(pieces)
    result: list[Piece] = []
    for piece in pieces:
        result += [piece] if piece.size <= limit else _cut(text, piece, limit, tokens)
    return result


def _cut(text: str, piece: Piece, limit: int, tokens: Tokens) -> list[Piece]:
    spans = [match.span() for match in _WORD.finditer(text, piece.start, piece.end)]
    sizes = tokens.sizes([text[start:end] for start, end in spans])
    words: list[Piece] = []
    for (start, end), size in zip(spans, sizes, strict=True):
        words += [Piece(start, end, size)] if size <= limit else _cut_word(text, start, end, limit, tokens)
    result: list[Piece] = []
    line: list[Piece] = []
    used = 0
    for word in words:
        if line and used + word.size > limit:
            keep = _clause(text, line)
            result.append(_merged(line[:keep]))
            line = line[keep:]
            used = sum(kept.size for kept in line)
        line.append(word)
        used += word.size
    result.append(_merged(line))
    return result


def _clause(text: str, words: Sequence[Piece]) -> int:
    """How many words to keep in a full line: up to the last clause that ends in its second half, else all."""
    for count in range(len(words), len(words) // 2, -1):
        if _CLAUSE_END.search(text[words[count - 1].start : words[count - 1].end]):
            return count
    return len(words)


def _cut_word(text: str, start: int, end: int, limit: int, tokens: Tokens) -> list[Piece]:
    """Cut a text without spaces into parts of at most the limit; characters are tried in powers of two."""
    spans = [(at, min(at + limit, end)) for at in range(start, end, limit)]
    result: list[Piece] = []
    for (a, b), size in zip(spans, tokens.sizes([text[a:b] for a, b in spans]), strict=True):
        if size <= limit or b - a == 1:
            result.append(Piece(a, b, size))
        else:
            result += _cut_word(text, a, b, max(1, (b - a) // 2), tokens)
    return result


def _merged(words: Sequence[Piece]) -> Piece:
    return Piece(words[0].start, words[-1].end, sum(word.size for word in words))
