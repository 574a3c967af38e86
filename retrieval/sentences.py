"""Where sentences begin and end, in English and Korean, with list items, headings and table rows kept whole.

Rules over one regular expression of candidates: no model to download, the same answer everywhere, a few MB/s. Offsets
are characters of the text given, so that a sentence can be quoted and proven.
"""

import re
from collections.abc import Iterator
from itertools import pairwise


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A line without the blanks around it.
_LINE = re.compile(r"\S(?:[^\n]*\S)?")

# What may stand between a full stop and the blank that ends the sentence: quotes, brackets, reference marks like [3];
# all of it (possessive), so that no sentence begins with a quote that closes the one before.
_CLOSERS = r"(?:[\"'”’)\]}»』」》〉›*_]|\[\d{1,3}\])*+"
_KOREAN_ENDINGS = "다요죠까음함임됨오라자네지네군"
_KOREAN_LABELS = "가나다라마바사아자차카타파하"
_CANDIDATE = re.compile(
    rf"[.!?…]+{_CLOSERS}(?=\s)"
    rf"|[。！？]+{_CLOSERS}"
    rf"|(?:(?<=[{_KOREAN_ENDINGS}])\.|(?<=[가-힣])[!?])+{_CLOSERS}(?=[가-힣A-Z0-9(\[<「『“‘\"'])"
)
_STOP = re.compile(r"[.!?…。！？]+")
_QUOTE = re.compile(r"[\"'”’»』」》〉›]")
# Korean quotes a whole sentence and goes on with a particle: "...했다."라고 말했다.
_QUOTE_PARTICLE = re.compile(
    r"\s?(?:이?라[고는며던]|이라는|하[고며는]|[고는며은을를의와과]\s|[고는며은을를의와과]$|면서)"
)
_TOKEN = re.compile(r"[^\s\"'“‘(\[{<«「『/—–]*$")
_NEXT = re.compile(r"[\s\"'“‘”’(\[{<«「『《〈*_]*([^\W_]+)?")
_DOTTED = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")
_DATE = re.compile(r"\d{4}\.\s?\d{1,2}\.\s?\d{1,2}$")
_LIST_NUMBER = re.compile(r"[(]?(?:\d{1,3}|[A-Za-z가-힣]|[ivxIVX]{1,5})")

_TITLES = _words(
    "mr mrs ms dr prof rev hon gen col maj capt lt sgt cmdr adm gov sen rep pres fr msgr messrs mme mlle st mt ft "
    "vs e.g i.e eg ie cf viz resp approx incl excl ca esp v"
)
_BEFORE_NUMBER = _words(
    "no nos fig figs sec sect art arts ch chap vol vols pp p par para eq eqs tab app ref refs ver op cl reg nr jan "
    "feb mar apr jun jul aug sep sept oct nov dec c b d r fl"
)
_MAY_END = _words(
    "etc al inc ltd co corp bros jr sr esq dept univ assn ave blvd rd est ph.d m.d b.a m.a llc plc a.m p.m u.s u.k "
    "u.n d.c e.u"
)
_STARTERS = _words(
    "the a an in on at it its he she his her they their we our you your i this that these those there here but and "
    "or so yet however when while if as after before for from by with to not no both some many most other others "
    "another such since although though because during under according despite what who why how where which once "
    "until unless each every all any few several one two three first second third also then thus therefore instead "
    "please see note let do does did is are was were can could will would should may must my today now later "
    "moreover furthermore meanwhile only even early late within without over between through"
)

_HEADING = re.compile(r"#{1,6}\s")
_TABLE_ROW = re.compile(r"\||.*(?:\t|\s\|\s)")
_ITEM = re.compile(
    r"(?:[-*+•·◦▪‣○●■□▶※–—]|\(?\d{1,3}[.)]|\(?[A-Za-z][.)]|\(?[가-힣][.)]|[①-⑳]|[ivxIVX]{2,5}[.)]|>|제\s?\d+\s?[조항장절])"
    r"(?:\s|$)|\||#{1,6}\s|```|~~~|:::|---|==="
)
_KEY_VALUE = re.compile(r"[^\s:][^:.]{0,40}:\s")
_FIRST_WORD = re.compile(r"\S+")
# A paragraph is taken for hard-wrapped when its lines are at least this long (Hangul is twice as wide as Latin), and
# a line belongs to the next one when the next word would not have fitted on it, give or take a ragged margin.
_WRAP_WIDTH = 40
_WRAP_WIDTH_WIDE = 24
_WRAP_RAGGED = 0.85


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """The sentences of `text` as (start, end) character offsets, in order.

    Spans do not overlap and together hold every character that is not white space; none begins or ends with white
    space. A list item, heading or table row ends with its line; lines that were only wrapped are one sentence.
    """
    spans: list[tuple[int, int]] = []
    for start, end in _segments(text):
        _split(text, start, end, spans)
    return spans


def _segments(text: str) -> Iterator[tuple[int, int]]:
    """Runs of lines that read on: paragraphs, or single headings, items and rows."""
    group: list[tuple[int, int]] = []
    for match in _LINE.finditer(text):
        if group and text.count("\n", group[-1][1], match.start()) > 1:
            yield from _joined(text, group)
            group = []
        group.append(match.span())
    if group:
        yield from _joined(text, group)


def _joined(text: str, lines: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join the lines of one block where the break is only a wrap."""
    if len(lines) == 1:
        yield lines[0]
        return
    width = max(end - start for start, end in lines)
    start = lines[0][0]
    for previous, line in pairwise(lines):
        if not _reads_on(text, previous, line, width):
            yield start, previous[1]
            start = line[0]
    yield start, lines[-1][1]


def _reads_on(text: str, previous: tuple[int, int], line: tuple[int, int], width: int) -> bool:
    if _ITEM.match(text, *line) or _HEADING.match(text, *previous):
        return False
    if _TABLE_ROW.match(text, *previous) or _TABLE_ROW.match(text, *line):
        return False
    last, first = text[previous[1] - 1], text[line[0]]
    if last in ".!?。！？":  # The sentence rules decide; an abbreviation may end a line.
        return True
    if _KEY_VALUE.match(text, *previous) and _KEY_VALUE.match(text, *line):
        return False
    if first.islower() or last in ",;":
        return True
    if last == ":":
        return False
    wide = "가" <= last <= "힣" or "가" <= first <= "힣"
    if width < (_WRAP_WIDTH_WIDE if wide else _WRAP_WIDTH):
        return False
    word = _FIRST_WORD.match(text, *line)
    assert word is not None
    return (previous[1] - previous[0]) + 1 + len(word.group()) > width * _WRAP_RAGGED


def _split(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> None:
    """Append the sentences of text[start:end], a run of lines that read on."""
    begin = start
    for match in _CANDIDATE.finditer(text, start, end):
        stop = match.end()
        if stop >= end:
            break
        if match.start() < begin or not _ends_sentence(text, begin, match.start(), stop, end):
            continue
        spans.append((begin, stop))
        begin = stop
        while begin < end and text[begin].isspace():
            begin += 1
    if begin < end:
        spans.append((begin, end))


def _ends_sentence(text: str, begin: int, mark: int, stop: int, end: int) -> bool:
    """Whether the stop at text[mark:stop] ends the sentence that began at `begin`."""
    stop_marks = _STOP.match(text, mark, stop)
    assert stop_marks is not None
    quoted = _QUOTE.search(text, stop_marks.end(), stop) is not None
    if quoted and _QUOTE_PARTICLE.match(text, stop, end):
        return False
    following = _NEXT.match(text, stop, end)
    word = following.group(1) if following else None
    if word is None:
        # Only signs follow ("... — ", "...)"): they belong to this sentence unless it is a new bracket.
        return text[stop:end].lstrip()[:1] in ("(", "[", "“", '"', "-", "—", "*")
    if word[0].islower():
        return False
    marks = stop_marks.group()
    before = text[mark - 1] if mark > begin else ""
    if "가" <= before <= "힣":
        label = mark - begin == 1 and marks == "." and before in _KOREAN_LABELS
        return not label and (len(marks) == 1 or before in _KOREAN_ENDINGS or marks[0] in "!?。！？")
    if marks != "." or quoted:
        # "!" and "?", an ellipsis, or a stop inside quotes, before a word that could begin a sentence.
        return True
    return _full_stop(text, begin, mark, word)


def _full_stop(text: str, begin: int, mark: int, word: str) -> bool:
    """Whether one Latin full stop at `mark`, before `word`, ends a sentence: abbreviations, initials, numbers."""
    token_match = _TOKEN.search(text, max(begin, mark - 40), mark)
    token = token_match.group() if token_match else ""
    if mark - len(token) <= begin + 1 and _LIST_NUMBER.fullmatch(token):
        return False  # "3. Send the form": the number of a list item
    lower = token.lower()
    starter = word.lower() in _STARTERS
    if token.isdigit():
        # Dates as Korean writes them: 2019. 3. 1.
        in_date = len(token) <= 4 and word.isdigit() and len(word) <= 2
        return not (in_date or ("가" <= word[0] <= "힣" and _DATE.search(text, max(begin, mark - 14), mark)))
    if lower in _TITLES:
        return False
    if lower in _BEFORE_NUMBER:
        return not (word[0].isdigit() or (token[0].isupper() and not starter))
    if lower == "etc":
        return True
    if lower in _MAY_END or _DOTTED.fullmatch(token):
        return starter
    if len(token) == 1 and token.isalpha() and token.isupper():
        return starter  # "J. Smith", but "Appendix A. The"
    return True
