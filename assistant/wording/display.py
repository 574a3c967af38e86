"""A quotation as a person reads it: without the signs of the markup that it was written in.

Only for display: offsets, hashes and quotes are always of the text as extracted.
"""

import re

_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\](?:\([^)\s]*(?:\s+\"[^\"]*\")?\)|\[[^\]]*\]|\{[^}]*\})")
_REFERENCE = re.compile(r"\[(?:\^?\d{1,3}|note \d+|citation needed|출처 필요)\]", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{:[^}]*\}", re.DOTALL)
# Tags of formatting only: in a text about HTML, "<button>" is a word.
_TAG = re.compile(
    r"</?(?:em|strong|b|i|u|s|br|hr|p|div|span|sup|sub|small|mark|font|center|details|summary)\b[^<>]{0,300}>"
    r"|<(?:a|img)\s[^<>]{1,500}>|(?<=\S)</a>|<!--.*?-->",
    re.DOTALL | re.IGNORECASE,
)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^<>\s]+)>")
_STRONG = re.compile(r"(?<![\w*])(\*\*\*|\*\*|\*)(?=\S)(.+?)(?<=\S)\1(?!\w)", re.DOTALL)
_UNDERLINED = re.compile(r"(?<!\w)(__|_)(?=\S)(.+?)(?<=\S)\1(?!\w)", re.DOTALL)
_STRUCK = re.compile(r"~~(.+?)~~", re.DOTALL)
_CODE = re.compile(r"`+([^`]+)`+")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!>~|])")
# Escaped signs are no markup: they are put out of the way, into Unicode's private area, while markup is taken out.
_HIDDEN = 0xE000
# Where markup beside a number was.
_MARKUP = chr(_HIDDEN + 128)
_BETWEEN_NUMBERS = re.compile(rf"(?<=\d){_MARKUP}+(?=\d)")
_SHOWN_AGAIN = {_HIDDEN + code: code for code in range(128)}
_LEADING = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|\[[ xX]\]\s+)+")
_BULLET = re.compile(r"^\s*(?:[-*+•·◦▪‣○●■□▶※–—]\s+|\(?\d{1,3}[.)]\s+|\(?[A-Za-z가-힣][.)]\s+|[①-⑳]\s*)")
_ROW_RULE = re.compile(r"\|?[\s:|\-]{3,}\|?")


def plain(text: str) -> str:
    """One line of plain words: links as their text, no emphasis, heading or quotation signs, single spaces.

    Bracketed numbers are taken out: they would read as citation markers.
    """
    text = _ESCAPE.sub(lambda match: chr(_HIDDEN + ord(match.group(1))), text)
    for pattern in (_IMAGE, _TEMPLATE, _AUTOLINK, _TAG, _REFERENCE, _LINK, _CODE):
        text = pattern.sub(_unmarked, text)
    for pattern in (_STRONG, _UNDERLINED, _STRONG, _UNDERLINED):
        text = pattern.sub(r"\2", text)
    text = _STRUCK.sub(_unmarked, text)
    text = _LEADING.sub("", text)
    text = _table_row(text)
    text = _BETWEEN_NUMBERS.sub(" ", text).replace(_MARKUP, "")
    text = " ".join(text.split())
    return re.sub(r"\s+([.,;:!?)])(?!\d)", r"\1", text).translate(_SHOWN_AGAIN)


def _unmarked(match: re.Match[str]) -> str:
    """What is in the first group of some markup, if it has one. Numbers beside it stay numbers of their own: 10<sup>6
    is not 106."""
    inner = match.group(1) if match.re.groups else ""
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    first, last = inner[:1] or after, inner[-1:] or before
    lead = _MARKUP if before.isdigit() or first.isdigit() else ""
    return f"{lead}{inner}{_MARKUP}" if last.isdigit() or after.isdigit() else f"{lead}{inner}"


def without_bullet(text: str) -> str:
    """The text without the bullet or number in front of it."""
    return _BULLET.sub("", text)


def is_item(text: str) -> bool:
    """Whether the text is written as an item of a list."""
    return _BULLET.match(text) is not None


def item_number(text: str) -> int | None:
    """The number of a numbered item, None for a bullet."""
    match = re.match(r"\s*\(?(\d{1,3})[.)]\s", text)
    return int(match.group(1)) if match else None


def _table_row(text: str) -> str:
    stripped = text.strip()
    if not (stripped.startswith("|") or " | " in stripped):
        return text
    if _ROW_RULE.fullmatch(stripped):
        return ""
    return ", ".join(cell.strip() for cell in stripped.strip("|").split("|") if cell.strip())
