"""Rich text in UTF-8, the one form of characters beyond ASCII that pandoc reads rightly.

pandoc takes every code page for the Western one, loses the character that follows a `\\uN?`, and knows no surrogates.
So the bytes of the document's code page (`\\'c8\\'de`) and its Unicode escapes are written out as characters before it
sees them. (RTF specification 1.9.1: `\\ansicpg` and `\\fcharset` name the code page; `\\uc` is how many characters
after a `\\u` are for old readers.)
"""

import re

_CHARSETS = {128: "cp932", 129: "cp949", 134: "gb18030", 136: "cp950", 204: "cp1251", 238: "cp1250"}
_TOKEN = re.compile(rb"\\([\\{}])|([{}])|\\uc(\d+) ?|\\u(-?\d+) ?|((?:\\'[0-9a-fA-F]{2})+)")
_FALLBACK = re.compile(rb"\\'[0-9a-fA-F]{2}|[^\\{}\r\n]")
_MAX_SKIP = 8


def as_utf8(data: bytes) -> bytes:
    """The document with its characters written out in UTF-8."""
    page = _code_page(data)
    out: list[str] = []
    skips = [1]
    position = high = 0
    while match := _TOKEN.search(data, position):
        out.append(data[position : match.start()].decode(page, errors="replace"))
        position = match.end()
        _, brace, skip, code, escaped = match.groups()
        if skip is not None:
            skips[-1] = min(int(skip), _MAX_SKIP)
        elif code is not None:
            for _ in range(skips[-1]):
                fallback = _FALLBACK.match(data, position)
                position = fallback.end() if fallback else position
            unit = int(code) % 0x10000
            if 0xD800 <= unit < 0xDC00:  # the first half of a character beyond 16 bits
                high = unit
                continue
            if 0xDC00 <= unit < 0xE000:
                unit = 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00) if high else ord("\ufffd")
            high = 0
            out.append(_written(chr(unit)))
        elif escaped is not None:
            out.append(_written(bytes.fromhex(escaped.replace(b"\\'", b"").decode()).decode(page, errors="replace")))
        else:
            out.append(match.group(0).decode("ascii"))
            if brace == b"{":
                skips.append(skips[-1])
            elif brace == b"}" and len(skips) > 1:
                skips.pop()
    out.append(data[position:].decode(page, errors="replace"))
    return "".join(out).encode("utf-8", "replace")


def _code_page(data: bytes) -> str:
    declared = re.search(rb"\\ansicpg(\d+)", data[:4096])
    number = declared.group(1).decode() if declared else "1252"
    if number not in ("1252", "0"):
        name = {"936": "gb18030", "65001": "utf-8"}.get(number, f"cp{number}")
        return name if _is_known(name) else "cp1252"
    charsets = {int(number) for number in re.findall(rb"\\fcharset(\d+)", data)}
    pages = {_CHARSETS[charset] for charset in charsets if charset in _CHARSETS}
    return pages.pop() if len(pages) == 1 else "cp1252"


def _is_known(name: str) -> bool:
    try:
        b"".decode(name)
    except LookupError:
        return False
    return True


def _written(text: str) -> str:
    """Text as it stands in the document, in braces so that it ends a control word before it."""
    return "{" + re.sub(r"([\\{}])", r"\\\1", text) + "}"
