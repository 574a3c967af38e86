"""Holds a language model to its sources: each sentence that it writes is looked up in the passages that it names.

A sentence that no passage supports (assistant.proof.support) is left out, and never reaches the reader, not even while
the answer streams; or, where an admin has set so, it is shown with a mark that says that it has no source.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from assistant.citations import Citation, cite
from assistant.context import Passages
from assistant.proof.support import Verdict, judge, only_slight
from assistant.types import Evidence, Part
from assistant.wording.safe_text import safe_text
from assistant.wording.untrusted import instruction_spans, speaks_to_assistant
from retrieval.analyzer import analyze, language
from retrieval.embedding import Embedder
from retrieval.sentences import sentence_spans
from retrieval.types import Hit

NOT_FOUND = "NOT_FOUND"
# Behind a sentence that is shown although nothing supports it.
UNSUPPORTED = {"en": "(no source says this)", "ko": "(근거가 되는 자료 없음)"}

_MARKER = re.compile(r"\s*[\[【［](\d{1,3}(?:\s*,\s*\d{1,3})*)[\]】］]")
# "A fact. [2] Next" -> "A fact [2]. Next": the marker belongs to the sentence before it.
_LATE_MARKER = re.compile(r"([.!?。]+)((?:\s*[\[【]\d{1,3}(?:\s*,\s*\d{1,3})*[\]】])+)")
# Windows of a passage that are looked at closely, those with most of the sentence's words first.
_LOOKED_AT = 4
_LONGER_IS_BETTER = 0.15  # two sentences are quoted instead of one when they cover this much more
_OBEYED = 0.5


@dataclass(frozen=True, slots=True)
class _Window:
    evidence: Evidence
    terms: frozenset[str]


class Grounder:
    """Takes a model's text as it comes and gives the parts of it that hold, with their citations.

    `question` is what was asked: its words may stand in a lead-in ("About parental leave:"). `unsupported` says what
    becomes of sentences that nothing supports; `dropped` are those, `shown_unsupported` the ones that were shown.
    """

    def __init__(
        self,
        passages: Passages,
        embedder: Embedder | None,
        *,
        question: str = "",
        unsupported: Literal["drop", "show"] = "drop",
    ) -> None:
        self._passages = passages
        self._embedder = embedder
        self._question = question
        self._show = unsupported == "show"
        self._pending = ""
        self._leads: list[Part] = []  # wait for a sentence that holds
        self._windows: dict[str, list[_Window]] = {}
        self.parts: list[Part] = []
        self.citations: list[Citation] = []
        self.dropped: list[str] = []
        self.shown_unsupported: list[str] = []

    def feed(self, text: str) -> Iterator[Part]:
        """The sentences that `text` completes and that hold."""
        self._pending += text
        yield from self._take(keep_last=True)

    def finish(self) -> Iterator[Part]:
        """What is left."""
        yield from self._take(keep_last=False)
        self._leads.clear()

    def restart(self) -> None:
        """Forget what is not complete: the model went on to search instead of finishing its sentence."""
        self._pending = ""
        self._leads.clear()

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
            broken = "\n" in text[previous:start]
            previous = end
            for part in self._hold(text[start:end], broken=broken):
                self.parts.append(part)
                yield part

    def _hold(self, sentence: str, *, broken: bool) -> list[Part]:
        """The parts to show now: the sentence, if it holds, behind the lead-ins that waited for it."""
        words = safe_text(_MARKER.sub("", sentence)).strip()
        if not words or NOT_FOUND in words:
            return []
        separator = ("\n" if broken else " ") if self.parts or self._leads else ""
        if only_slight(words, self._question):
            # Says nothing by itself ("Here is how:"): shown before something that holds, or not at all.
            self._leads.append(Part(separator + words))
            return []
        named = [int(number) for group in _MARKER.findall(sentence) for number in group.split(",")]
        hits = self._passages.hits
        cited = [hits[number - 1] for number in dict.fromkeys(named) if 1 <= number <= len(hits)]
        found = self._support(words, cited) if cited else None
        found = found or self._support(words, hits, only_best=True)
        if found is None:
            return self._unsupported(words, separator)
        markers = tuple(dict.fromkeys(self._marker(evidence) for evidence in found))
        shown = Part(separator + words + " " + "".join(f"[{marker}]" for marker in markers), markers)
        parts, self._leads = [*self._leads, shown], []
        return parts

    def _unsupported(self, words: str, separator: str) -> list[Part]:
        self.dropped.append(words)
        if not self._show or self._obeys(words):
            return []
        self.shown_unsupported.append(words)
        key = "ko" if language(words) == "ko" else "en"
        return [Part(f"{separator if self.parts else ''}{words} {UNSUPPORTED[key]}", supported=False)]

    def _obeys(self, words: str) -> bool:
        """Whether the sentence repeats what a document tells the assistant to do or say: that is never shown."""
        terms = set(analyze(words))
        told = {
            term
            for hit in self._passages.hits
            for start, end in instruction_spans(hit.text)
            for term in analyze(hit.text[start:end])
        }
        return bool(terms) and len(terms & told) >= _OBEYED * len(terms)

    def _marker(self, evidence: Evidence) -> int:
        for citation in self.citations:
            same = citation.chunk_id == evidence.hit.chunk_id
            if same and (citation.start, citation.end) == (evidence.start, evidence.end):
                return citation.marker
        self.citations.append(cite(evidence, len(self.citations) + 1))
        return len(self.citations)

    def _support(self, words: str, hits: Sequence[Hit], *, only_best: bool = False) -> tuple[Evidence, ...] | None:
        """What in these passages supports the sentence: of each that does, one span, or one of each together."""
        terms = frozenset(analyze(words))
        ranked = [self._ranked(hit, terms) for hit in hits]
        if only_best:
            merged = sorted((window for windows in ranked for window in windows), key=lambda w: -len(w.terms & terms))
            ranked = [merged[:_LOOKED_AT]]
        single = [found for windows in ranked if (found := self._first_that_supports(words, windows))]
        if single:
            return tuple(single)
        if only_best or len(hits) < 2:
            return None
        together = tuple(windows[0].evidence for windows in ranked if windows)
        if len(together) < 2:
            return None
        return together if self._judge(words, together).supported else None

    def _first_that_supports(self, words: str, windows: Sequence[_Window]) -> Evidence | None:
        return next((one.evidence for one in windows if self._judge(words, (one.evidence,)).supported), None)

    def _judge(self, words: str, evidence: Sequence[Evidence]) -> Verdict:
        places = dict.fromkeys(f"{one.hit.source.title}\n{one.hit.heading}" for one in evidence)
        context = "\n".join(place for place in places if not instruction_spans(place))
        quote = "\n".join(one.quote for one in evidence)
        return judge(words, quote, context=context, embedder=self._embedder)

    def _ranked(self, hit: Hit, terms: frozenset[str]) -> list[_Window]:
        """The windows of a passage that share most with the sentence; two sentences only where they share more."""
        windows = self._windows_of(hit)
        shared = sorted(windows, key=lambda window: (-len(window.terms & terms), len(window.terms)))
        best = [window for window in shared if window.terms & terms or not terms]
        longer = _pairs(best, windows, terms)
        return [*best[: _LOOKED_AT - len(longer)], *longer]

    def _windows_of(self, hit: Hit) -> list[_Window]:
        """The sentences of a passage, but for those that speak to the assistant."""
        if hit.chunk_id not in self._windows:
            self._windows[hit.chunk_id] = [
                _Window(Evidence(hit, hit.start + start, hit.start + end), frozenset(analyze(hit.text[start:end])))
                for start, end in sentence_spans(hit.text)
                if not speaks_to_assistant(hit.text, start, end)
            ]
        return self._windows[hit.chunk_id]


def _pairs(best: Sequence[_Window], windows: Sequence[_Window], terms: frozenset[str]) -> list[_Window]:
    """The best pair of neighbouring sentences, where it has more of the terms than either."""
    if not best or not terms:
        return []
    pairs = []
    for one, other in pairwise(windows):
        both = _Window(Evidence(one.evidence.hit, one.evidence.start, other.evidence.end), one.terms | other.terms)
        least = max(len(one.terms & terms), len(other.terms & terms)) + _LONGER_IS_BETTER * len(terms)
        if len(both.terms & terms) >= least:
            pairs.append(both)
    return sorted(pairs, key=lambda window: -len(window.terms & terms))[:1]
