"""Cuts an extracted text into the passages that are embedded and found.

LlamaIndex's SentenceSplitter packs whole paragraphs, then whole sentences, into passages of at most `chunk_tokens`
tokens of the embedding model itself, title and heading path included, so that the model never cuts a passage without a
word. Sections (ingest.sections) keep a passage from running across headings. There is no overlap: title and headings
already give a passage its context, each character is quoted from one place only, and an edit changes the hashes of the
passages that hold it and of no others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ingest.pieces import Piece, Tokens, cut_to_size, pieces_of
from ingest.sections import Group, group_sections
from ingest.text import ExtractedText, TextBlock
from retrieval.analyzer import language
from retrieval.embedding.base import Embedder
from retrieval.passages import content_sha256, embedded_text

if TYPE_CHECKING:
    from llama_index.core.node_parser import SentenceSplitter

CHUNKING_VERSION = "2"
CHUNK_TOKENS = 192
"""Size of a passage in tokens, with title, headings and the model's special tokens; see docs/decisions for the
comparison of 128, 192 and 256."""

_PREFIX_SHARE = 3  # title and heading path take at most a third of a passage


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk to be: `text == extracted.text[start:end]`; `embedded` is what the model sees, `tokens` its size and
    `content_sha256` its hash; `page` starts at 1."""

    start: int
    end: int
    text: str
    heading: str
    page: int | None
    language: str
    embedded: str
    tokens: int
    content_sha256: str


@dataclass(frozen=True, slots=True)
class _Draft:
    start: int
    end: int
    title: str
    heading: str


class Chunker:
    """Cuts texts to passages for one embedding model. Not thread-safe; cheap to make."""

    def __init__(self, embedder: Embedder, chunk_tokens: int = CHUNK_TOKENS) -> None:
        self._embedder = embedder
        self._limit = min(chunk_tokens, embedder.max_tokens)
        if self._limit < 48:
            raise ValueError(f"passages of {self._limit} tokens are too small to cut a text into")
        self._prefix_limit = self._limit // _PREFIX_SHARE
        self._splitters: dict[int, SentenceSplitter] = {}
        # Per text: what the splitter may ask about a string, its size and the pieces that it falls into.
        self._sizes: dict[str, int] = {}
        self._parts: dict[str, list[str]] = {}

    def chunk(self, title: str, extracted: ExtractedText) -> list[Passage]:
        """The passages of a text, in order and without overlap. Headings that stand in the heading path of the passage
        after them are left out of its span; nothing else but white space is."""
        tokens = Tokens(self._embedder)
        room = self._limit - tokens.special
        pieces = pieces_of(extracted, tokens)
        # No prefix is longer than its limit, so a piece of this size fits under every heading.
        pieces = [cut_to_size(extracted.text, block, room - self._prefix_limit, tokens) for block in pieces]
        sizes = [sum(piece.size for piece in block) for block in pieces]
        short_title = tokens.clip(" ".join(title.split()), self._prefix_limit // 2)

        drafts: list[_Draft] = []
        for group in group_sections(extracted, sizes, title, room):
            heading, kept = self._heading(group, short_title, tokens)
            first = group.first_block(kept)
            used = tokens.size(embedded_text(short_title, heading, ""))
            spans = self._spans(extracted, first, group.last, pieces, room - used)
            drafts += [_Draft(start, end, short_title, heading) for start, end in spans]
        return self._finish(extracted, drafts)

    def _heading(self, group: Group, title: str, tokens: Tokens) -> tuple[str, int]:
        """The heading path in front of a group's passages, bounded, and how many of its headings it shows whole,
        counted from the last."""
        limit = self._prefix_limit - tokens.size(title)
        names = [name for name, _ in group.path]
        for dropped in range(len(names)):
            path = " > ".join(names[dropped:])
            if len(path) <= 1000 and tokens.size(path) <= limit:
                return path, len(names) - dropped
        return (tokens.clip(names[-1][:1000], limit), 0) if names else ("", 0)

    def _spans(
        self, extracted: ExtractedText, first: int, last: int, pieces: Sequence[Sequence[Piece]], room: int
    ) -> list[tuple[int, int]]:
        text, blocks = extracted.text, extracted.blocks
        start, end = pieces[first][0].start, blocks[last].end
        self._sizes.clear()
        self._parts.clear()
        whole = self._learn(text, [self._learn_block(text, block) for block in pieces[first : last + 1]], start, end)
        spans: list[tuple[int, int]] = []
        cursor = start
        for chunk in self._splitter(room).split_text(whole):
            # The splitter joins neighbouring pieces and strips white space, so a chunk begins at the next character.
            while text[cursor].isspace():
                cursor += 1
            if not text.startswith(chunk, cursor):
                raise RuntimeError("the splitter changed the text; its spans cannot be kept")
            spans.append((cursor, cursor + len(chunk)))
            cursor += len(chunk)
        return spans

    def _learn_block(self, text: str, block: Sequence[Piece]) -> Piece:
        """Note a block's sentences; gives the block as one piece."""
        start, end = block[0].start, block[-1].end
        self._learn(text, block, start, end)
        return Piece(start, end, sum(piece.size for piece in block))

    def _learn(self, text: str, inner: Sequence[Piece], start: int, end: int) -> str:
        """Note a string's size and its parts, each running up to the next one's start, so that they join exactly."""
        whole = text[start:end]
        bounds = [start, *(part.start for part in inner[1:]), end]
        parts = [text[a:b] for a, b in pairwise(bounds)]
        for part, piece in zip(parts, inner, strict=True):
            self._sizes[part] = piece.size
            # A block is known without the white space that now stands behind it.
            stripped = text[piece.start : piece.end]
            if stripped != part and stripped in self._parts:
                *front, back = self._parts[stripped]
                self._parts[part] = [*front, back + part[len(stripped) :]]
        self._sizes[whole] = sum(piece.size for piece in inner)
        if len(parts) > 1:
            self._parts[whole] = parts
        return whole

    def _splitter(self, room: int) -> "SentenceSplitter":
        if room not in self._splitters:
            from llama_index.core.node_parser import SentenceSplitter

            self._splitters[room] = SentenceSplitter(
                chunk_size=room,
                chunk_overlap=0,
                paragraph_separator="\x00",  # never in a text: paragraphs come from the blocks
                chunking_tokenizer_fn=lambda text: self._parts.get(text, [text]),
                tokenizer=lambda text: range(self._size(text)),
            )
        return self._splitters[room]

    def _size(self, text: str) -> int:
        size = self._sizes.get(text)
        return Tokens(self._embedder).sizes([text])[0] if size is None else size

    def _finish(self, extracted: ExtractedText, drafts: Sequence[_Draft]) -> list[Passage]:
        """Check the passages as the model counts them (sizes of parts need not add up in every vocabulary) and halve
        what is still too large. What is in a language that the model does not know stays as it is: its vector means
        little, and is made of parts (retrieval.passages.embed_whole)."""
        texts = [embedded_text(draft.title, draft.heading, extracted.text[draft.start : draft.end]) for draft in drafts]
        passages: list[Passage] = []
        block = 0
        for draft, embedded, count in zip(drafts, texts, self._embedder.count_tokens(texts), strict=True):
            too_large = count > self._limit and draft.end - draft.start > 1
            if too_large and self._embedder.covers(language(extracted.text[draft.start : draft.end])):
                passages += self._finish(extracted, _halves(extracted.text, draft))
                continue
            while extracted.blocks[block].end <= draft.start:
                block += 1
            passages.append(_passage(extracted, draft, embedded, count, extracted.blocks[block]))
        return passages


def _passage(extracted: ExtractedText, draft: _Draft, embedded: str, tokens: int, block: TextBlock) -> Passage:
    text = extracted.text[draft.start : draft.end]
    return Passage(
        draft.start,
        draft.end,
        text,
        draft.heading,
        block.page,
        language(text),
        embedded,
        tokens,
        content_sha256(embedded),
    )


def _halves(text: str, draft: _Draft) -> list[_Draft]:
    middle = (draft.start + draft.end) // 2
    blank = text.rfind(" ", draft.start + 1, middle)
    cut = blank if blank > draft.start else middle
    halves = []
    for start, end in ((draft.start, cut), (cut, draft.end)):
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if start < end:
            halves.append(_Draft(start, end, draft.title, draft.heading))
    return halves
