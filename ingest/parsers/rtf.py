"""The code pages of rich text, which pandoc reads as if they were all Western.

`\\'c8\\'de` is two bytes of the document's code page. They become `\\uN` escapes, whose meaning pandoc knows, before it
reads the file. (RTF specification 1.9.1: `\\ansicpg`, `\\fcharset`, and `\\uc`, the number of bytes that follow a `\\u`
for old readers and are skipped.)
"""

import re

_CHARSETS = {128: "cp932", 129: "cp949", 134: "gb18030", 136: "cp950", 204: "cp1251", 238: "cp1250"}
_BYTES = re.compile(rb"\\uc(\d+)|(\\u-?\d+ ?)((?:\\'[0-9a-fA-F]{2})*)|((?:\\'[0-9a-fA-F]{2})+)")
_DEFAULT_SKIP = 1


def with_unicode_escapes(data: bytes) -> bytes:
    """The document with the bytes of its code page as Unicode escapes; unchanged where pandoc reads it rightly."""
    page = _code_page(data)
    if page is None:
        return data
    skip = _DEFAULT_SKIP

    def convert(match: re.Match[bytes]) -> bytes:
        nonlocal skip
        if match.group(1):
            skip = int(match.group(1))
            return match.group(0)
        if match.group(2):  # the first bytes after \u are for old readers
            fallback = match.group(3)[: 4 * skip]
            return match.group(2) + fallback + _escape(match.group(3)[4 * skip :], page)
        return _escape(match.group(4), page)

    return _BYTES.sub(convert, data)


def _code_page(data: bytes) -> str | None:
    declared = re.search(rb"\\ansicpg(\d+)", data[:4096])
    if declared and declared.group(1) not in (b"1252", b"0", b"65001"):
        name = f"cp{declared.group(1).decode()}"
        return {"cp936": "gb18030"}.get(name, name) if _is_known(name) else None
    charsets = {int(number) for number in re.findall(rb"\\fcharset(\d+)", data)}
    pages = {_CHARSETS[charset] for charset in charsets if charset in _CHARSETS}
    return pages.pop() if len(pages) == 1 else None


def _is_known(name: str) -> bool:
    try:
        b"".decode(name)
    except LookupError:
        return False
    return True


def _escape(escaped: bytes, page: str) -> bytes:
    if not escaped:
        return b""
    units = bytes.fromhex(escaped.replace(b"\\'", b"").decode()).decode(page, errors="replace").encode("utf-16-le")
    codes = [int.from_bytes(units[i : i + 2], "little", signed=True) for i in range(0, len(units), 2)]
    return b"{\\uc1" + b"".join(b"\\u%d?" % code for code in codes) + b"}"
