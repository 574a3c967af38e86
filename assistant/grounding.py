"""Holds a language model to its sources: each sentence that it writes is looked up in the passages that it names.

A sentence that no passage supports is dropped, and never reaches the reader, not even while the answer streams.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.citations import Citation, cite
from assistant.context import Passages
from assistant.types import Confidence, Evidence, Part
from retrieval.analyzer import analyze, language
from retrieval.embedding import Embedder
from retrieval.sentences import sentence_spans
from retrieval.types import Hit

NOT_FOUND = "NOT_FOUND"

_MARKER = re.compile(r"\s*[\[【](\d{1,3}(?:\s*,\s*\d{1,3})*)[\]】]")
# "A fact. [2] Next" -> "A fact [2]. Next": the marker belongs to the sentence before it.
_LATE_MARKER = re.compile(r"([.!?。]+)((?:\s*[\[【]\d{1,3}(?:\s*,\s*\d{1,3})*[\]】])+)")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# A sentence is supported when a passage's sentence has most of its terms, or means the same and has some of them.
_ENOUGH_TERMS = 0.6
_SOME_TERMS = 0.3
_SAME_MEANING = 0.6
_SURELY_SAME_MEANING = 0.78
_LONGER_IS_BETTER = 0.15  # two sentences are quoted instead of one when they cover this much more


@dataclass(frozen=True, slots=True)
class _Support:
    evidence: Evidence
    terms: float  # share of the sentence's terms that the evidence has


class Grounder:
    """Takes a model's text as it comes and gives the parts of it that hold, with their citations."""

    def __init__(self, passages: Passages, embedder: Embedder) -> None:
        self._passages = passages
        self._embedder = embedder
        self._pending = ""
        self._supported = 0
        self._strength = 0.0
        self.parts: list[Part] = []
        self.citations: list[Citation] = []
        self.dropped: list[str] = []

    def feed(self, text: str) -> Iterator[Part]:
        """The sentences that `text` completes and that hold."""
        self._pending += text
        yield from self._take(keep_last=True)

    def finish(self) -> Iterator[Part]:
        """What is left."""
        yield from self._take(keep_last=False)

    def restart(self) -> None:
        """Forget what is not complete: the model went on to search instead of finishing its sentence."""
        self._pending = ""

    @property
    def confidence(self) -> Confidence:
        """How much of what the model wrote holds, and how closely."""
        if not self._supported:
            return Confidence.NONE
        closeness = self._strength / self._supported
        if self.dropped:
            return Confidence.LOW if len(self.dropped) >= self._supported else Confidence.MEDIUM
        return Confidence.HIGH if closeness >= _ENOUGH_TERMS else Confidence.MEDIUM

    def _take(self, *, keep_last: bool) -> Iterator[Part]:
        text = _LATE_MARKER.sub(lambda match: match.group(2) + match.group(1), self._pending)
        spans = sentence_spans(text)
        if keep_last:
            if len(spans) < 2:
                return
            self._pending = text[spans[-2][1] :]  # with the line break before it
            spans = spans[:-1]
        else:
            self._pending = ""
        previous = 0
        for start, end in spans:
            part = self._hold(text[start:end], broken="\n" in text[previous:start])
            previous = end
            if part is not None:
                self.parts.append(part)
                yield part

    def _hold(self, sentence: str, *, broken: bool) -> Part | None:
        words = _MARKER.sub("", sentence).strip()
        if not words or NOT_FOUND in words:
            return None
        separator = ("\n" if broken else " ") if self.parts else ""
        terms = frozenset(analyze(words))
        if not terms or (words.endswith(":") and not _NUMBER.search(words)):
            # Says nothing by itself ("Here is how:"); it is no fact that would need support.
            return Part(separator + words)
        named = [int(number) for group in _MARKER.findall(sentence) for number in group.split(",")]
        hits = self._passages.hits
        cited = [hits[number - 1] for number in dict.fromkeys(named) if 1 <= number <= len(hits)]
        found = [support for hit in cited if (support := self._support(words, terms, [hit]))]
        if not found and (best := self._support(words, terms, hits)):
            found = [best]
        if not found:
            self.dropped.append(words)
            return None
        self._supported += 1
        self._strength += max(support.terms for support in found)
        markers = tuple(dict.fromkeys(self._marker(support.evidence) for support in found))
        return Part(separator + words + " " + "".join(f"[{marker}]" for marker in markers), markers)

    def _marker(self, evidence: Evidence) -> int:
        for citation in self.citations:
            same = citation.chunk_id == evidence.hit.chunk_id
            if same and (citation.start, citation.end) == (evidence.start, evidence.end):
                return citation.marker
        self.citations.append(cite(evidence, len(self.citations) + 1))
        return len(self.citations)

    def _support(self, words: str, terms: frozenset[str], hits: Sequence[Hit]) -> _Support | None:
        """The span of these passages that supports the sentence best, None where none does."""
        windows: list[_Support] = []
        numbers = set(_NUMBER.findall(words))
        for hit in hits:
            if not numbers <= set(_NUMBER.findall(f"{hit.source.title} {hit.heading} {hit.text}")):
                continue
            spans = sentence_spans(hit.text)
            singles = [self._window(hit, start, end, terms) for start, end in spans]
            windows.extend(singles)
            for (start, _), (_, end), one, other in zip(spans, spans[1:], singles, singles[1:], strict=False):
                double = self._window(hit, start, end, terms)
                if double.terms >= max(one.terms, other.terms) + _LONGER_IS_BETTER:
                    windows.append(double)
        if not windows:
            return None
        best = max(windows, key=lambda window: window.terms)
        if best.terms >= _ENOUGH_TERMS:
            return best
        return self._same_meaning(words, [window for window in windows if window.terms > 0])

    def _window(self, hit: Hit, start: int, end: int, terms: frozenset[str]) -> _Support:
        share = len(terms & set(analyze(hit.text[start:end]))) / len(terms)
        return _Support(Evidence(hit, hit.start + start, hit.start + end), share)

    def _same_meaning(self, words: str, windows: Sequence[_Support]) -> _Support | None:
        closest = sorted(windows, key=lambda window: -window.terms)[:12]
        if not closest or not self._embedder.covers(language(words)):
            return None
        vectors = self._embedder.embed_queries([words, *(window.evidence.quote for window in closest)])
        cosines = vectors[1:] @ vectors[0]
        index = int(np.argmax(cosines))
        best, cosine = closest[index], float(cosines[index])
        means_it = cosine >= _SURELY_SAME_MEANING or (cosine >= _SAME_MEANING and best.terms >= _SOME_TERMS)
        return best if means_it else None
