"""From chosen evidence to the words that are shown: a short text with a marker behind every quotation."""

import re
from collections.abc import Iterator

from assistant.types import Evidence, Part, Selection
from assistant.wording.display import is_item, item_number, plain, without_bullet
from assistant.wording.safe_text import safe_text
from assistant.wording.untrusted import visible
from retrieval.sentences import sentence_spans

NOT_FOUND = {
    "en": "I could not find this in the sources you may read.",
    "ko": "읽을 수 있는 자료에서 답을 찾지 못했습니다.",
}
NEAREST = {"en": " The nearest sources are listed below.", "ko": " 가장 가까운 자료를 아래에 보여 드립니다."}


_BLANK_LINE = re.compile(r"\n\s*\n")
# What would be read as the mark of a citation: only ours are. Between two numbers a space stays in its place.
_MARK = r"\s?[\[【［]\s*\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\s*[\]】］]"
_FORGED = re.compile(rf"(?:{_MARK})+")
_FORGED_BETWEEN_NUMBERS = re.compile(rf"(?<=\d)(?:{_MARK})+(?=\d)")


def answer_parts(selection: Selection) -> Iterator[Part]:
    """The answer piece by piece: the n-th piece shows the n-th evidence and carries the marker [n]; the note comes
    last."""
    previous: Evidence | None = None
    for marker, evidence in enumerate(selection.evidence, start=1):
        text = shown(evidence.quote)
        separator = ""
        if previous is not None:
            together = previous.hit.source.id == evidence.hit.source.id and "\n" not in text
            separator = " " if together and not _is_list(previous.quote) else "\n\n"
        yield Part(f"{separator}{text} [{marker}]", (marker,))
        previous = evidence
    if selection.note:
        yield Part(f"\n\n{selection.note}")


def not_found(language: str, *, nearest: bool) -> str:
    """The sentence that says that there is no answer, in the asker's language."""
    key = "ko" if language == "ko" else "en"
    return NOT_FOUND[key] + (NEAREST[key] if nearest else "")


def shown(quote: str) -> str:
    """A quotation for display: plain words, a list as a list; nothing that could be followed, fetched or run."""
    return _FORGED.sub("", _FORGED_BETWEEN_NUMBERS.sub(" ", safe_text(_words(visible(quote)))))


def _words(quote: str) -> str:
    if not _is_list(quote):
        turns = (plain(turn) for turn in _BLANK_LINE.split(without_bullet(plain(quote)) if is_item(quote) else quote))
        return "\n\n".join(turn for turn in turns if turn)
    spans = [quote[start:end] for start, end in sentence_spans(quote)]
    lines: list[str] = []
    for span in spans:
        words = plain(without_bullet(span))
        if not words:
            continue
        if is_item(span):
            number = item_number(span)
            lines.append(f"{number}. {words}" if number is not None else f"- {words}")
        elif lines:
            lines[-1] += f" {words}"
        else:
            lines.append(words)
    return "\n".join(lines)


def _is_list(quote: str) -> bool:
    return sum(is_item(quote[start:end]) for start, end in sentence_spans(quote)) > 1
