"""The sentences of the passages found, each with what stands around it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.types import Evidence
from assistant.wording.display import is_item, item_number, plain
from assistant.wording.untrusted import speaks_to_assistant
from retrieval.analyzer import analyze
from retrieval.sentences import sentence_spans
from retrieval.types import Hit

# A list is kept whole up to this size, and a "sentence" longer than this (a dump, a table without rows) is not shown.
MOST_ITEMS = 8
MOST_CHARS = 700
_FEWEST_CHARS = 12
_HEADING_WORDS = 12
_DEPENDENT = re.compile(
    r"\s*(?:it|its|they|their|them|this|these|those|that|he|his|she|her|such|there|both|however|therefore|thus|also|but|and|"
    r"so|then|in addition|as a result|for this reason|instead|otherwise|the latter|the former)\b"
    r"|\s*(?:이는|이에|이를|이런|이러한|이와|이후|그는|그의|그가|그녀|그들|그러나|그리고|그래서|따라서|하지만|또한|또|이것|그것|여기|때문에|즉|반면|한편)",
    re.IGNORECASE,
)
_CODE_SIGNS = re.compile(r"[{}<>=;$\\]|=>|::|\(\)")
_END = re.compile(r"[.!?。！？…][\"'”’)\]»』」》*_]*(?:\[\d{1,3}\])*$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence or a whole list that may answer. `rank` is its passage's (0 best), `position` its place there.

    `terms` are its search terms; `context` those of its title, headings and lead, `lead_terms` of the lead alone;
    `lead` is the text to put in front of it when it is embedded ("" for none); `dependent` begins with "It", "However";
    `fragment` is an item that is no sentence, or a list without its beginning; `list_items` counts the items of a whole
    list, 0 for a sentence.
    """

    evidence: Evidence
    rank: int
    position: int
    text: str
    terms: tuple[str, ...]
    context: frozenset[str]
    lead: str
    lead_terms: frozenset[str]
    dependent: bool
    fragment: bool
    list_items: int


def candidates(hits: Sequence[Hit]) -> list[Candidate]:
    """The candidates of all passages, best passage first. Passages that overlap give each sentence once. What speaks to
    the assistant instead of the reader is no candidate."""
    found: list[Candidate] = []
    taken: dict[str, list[tuple[int, int]]] = {}
    for rank, hit in enumerate(hits):
        spans = taken.setdefault(hit.source.id, [])
        for candidate in _of_passage(hit, rank):
            start, end = candidate.evidence.start, candidate.evidence.end
            if any(start < other_end and other_start < end for other_start, other_end in spans):
                continue
            if speaks_to_assistant(hit.text, start - hit.start, end - hit.start):
                continue
            found.append(candidate)
        spans.append((hit.start, hit.end))
    return found


def _of_passage(hit: Hit, rank: int) -> list[Candidate]:
    spans = sentence_spans(hit.text)
    where = frozenset(analyze(f"{hit.source.title} {hit.heading}"))
    section = hit.heading.rsplit(" > ", 1)[-1].strip()
    made: list[Candidate] = []
    lead = ""  # the question, heading or lead-in that the next sentences belong to
    in_list = False
    for position, (start, end) in enumerate(spans):
        raw = hit.text[start:end]
        text = plain(raw)
        item = _is_item_at(hit, spans, position)
        led = position > 0 and hit.text[: spans[position - 1][1]].endswith(":")
        if item and not in_list and not led and (whole := _list_at(hit, spans, position)) is not None:
            stop, count = whole
            made.append(_candidate(hit, rank, position, (start, stop), where, lead or section, list_items=count))
        if text.endswith(":") and not item and (whole := _list_at(hit, spans, position + 1)) is not None:
            stop, count = whole
            made.append(_candidate(hit, rank, position, (start, stop), where, lead or section, list_items=count))
        in_list = item or (in_list and "\n" not in hit.text[spans[position - 1][1] : start])
        if _leads(hit, spans, position, text, section):
            lead = text
        elif _is_prose(raw, text):
            made.append(_candidate(hit, rank, position, (start, end), where, lead or section, in_list=in_list))
    return made


def _candidate(
    hit: Hit,
    rank: int,
    position: int,
    span: tuple[int, int],
    where: frozenset[str],
    lead: str,
    *,
    list_items: int = 0,
    in_list: bool = False,
) -> Candidate:
    start, end = span
    text = plain(hit.text[start:end])
    return Candidate(
        evidence=Evidence(hit, hit.start + start, hit.start + end),
        rank=rank,
        position=position,
        text=text,
        terms=tuple(analyze(text)),
        context=where | frozenset(analyze(lead)),
        lead=lead,
        lead_terms=frozenset(analyze(lead)),
        dependent=not list_items and not in_list and _DEPENDENT.match(text) is not None,
        fragment=(in_list and not _END.search(text)) or (list_items > 0 and _begins_late(hit.text[start:end])),
        list_items=list_items,
    )


def _is_item_at(hit: Hit, spans: Sequence[tuple[int, int]], position: int) -> bool:
    """Whether a sentence is an item of a list: marked as one, on a line of its own."""
    start, end = spans[position]
    own_line = not position or "\n" in hit.text[spans[position - 1][1] : start]
    return own_line and is_item(hit.text[start:end])


def _begins_late(text: str) -> bool:
    """Whether a list lacks its beginning: its first number is not 1 (the passage begins in the middle of it)."""
    number = item_number(text)
    return number is not None and number > 1


def _list_at(hit: Hit, spans: Sequence[tuple[int, int]], position: int) -> tuple[int, int] | None:
    """The end of the list that begins with the sentence at `position`, and its number of items; None for no list."""
    count, end, begin = 0, 0, spans[position - 1][0] if position else 0
    for index in range(position, len(spans)):
        start, stop = spans[index]
        item = _is_item_at(hit, spans, index)
        # A second sentence of an item follows on its line.
        continues = count > 0 and "\n" not in hit.text[end:start]
        if not (item or continues) or stop - begin > MOST_CHARS or (item and count == MOST_ITEMS):
            break
        count += item
        end = stop
    return (end, count) if count > 1 else None


def _leads(hit: Hit, spans: Sequence[tuple[int, int]], position: int, text: str, section: str) -> bool:
    """Whether the sentence is a heading, a question or a lead-in: it says what the next ones are about, no more."""
    start, end = spans[position]
    raw = hit.text[start:end]
    if raw.startswith("#") or (section and text == section) or text.endswith(("?", ":")):
        return True
    if len(spans) == 1 or is_item(raw) or _END.search(text) or len(text.split()) > _HEADING_WORDS:
        return False
    # A short line without a full stop that stands alone.
    alone = (position + 1 == len(spans) or "\n" in hit.text[end : spans[position + 1][0]]) and (
        not position or "\n" in hit.text[spans[position - 1][1] : start]
    )
    return alone and not re.search(r"[:;|,]", text)


def _is_prose(raw: str, text: str) -> bool:
    """Whether it says something: no code, no bare title or label, not too long to show."""
    if not _FEWEST_CHARS <= len(text) <= MOST_CHARS and not (_END.search(text) and len(text) >= 6):
        return False
    if len(text) > MOST_CHARS or raw.startswith(("<", ":::")) or len(_CODE_SIGNS.findall(raw)) > 3 + len(raw) // 60:
        return False
    return bool(_END.search(text)) or is_item(raw) or len(text.split()) >= 4 or " | " in raw
