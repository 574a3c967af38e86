"""Bytes to text: byte-order marks first, then what the file declares, then UTF-8, then what the bytes look like.

Order and reasons: a BOM is never wrong; a declaration (XML prolog, HTML meta, MIME charset) is right unless the bytes
do not fit it; text that decodes as UTF-8 and is not ASCII is UTF-8 in practice; of the rest, charset-normalizer chooses
between the code pages that this product meets (Western, Korean, Japanese, Chinese), with cp1252 as the last resort
because it is what Windows programs write and it loses nothing that a reader would miss.
"""

import codecs
import re

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SUPERSETS = {  # what the web platform decodes these labels as (WHATWG Encoding Standard)
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
}
_CANDIDATES = ["cp949", "cp1252", "cp932", "gb18030", "big5", "cp1250", "cp1251", "euc_jp"]
_DECLARED = re.compile(
    rb"""(?:<\?xml[^>]*?encoding\s*=\s*|<meta[^>]*?charset\s*=\s*)["']?\s*([A-Za-z0-9_.:\-]+)""", re.I
)
_SAMPLE = 64 * 1024


def declared_in_markup(data: bytes) -> str | None:
    """The encoding that an XML prolog or an HTML meta element names, as written."""
    head = data[:4096]
    match = _DECLARED.search(head) or _DECLARED.search(head.replace(b"\x00", b""))
    return match.group(1).decode("ascii") if match else None


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of `data`; never fails. `declared` is what the container says the encoding is."""
    for bom, name in _BOMS:
        if data.startswith(bom):
            return data.decode(name, errors="replace")
    wide = _wide_without_bom(data)
    if wide:
        return data.decode(wide, errors="replace")
    for name in _declared_first(declared):
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            continue
    if _nearly_utf8(data):
        return data.decode("utf-8", errors="replace")
    return _guess(data)


def looks_binary(data: bytes) -> bool:
    """Whether the beginning of a file is no text in any encoding known here."""
    head = data[:8192]
    if not head or any(head.startswith(bom) for bom, _ in _BOMS) or _wide_without_bom(head):
        return False
    control = sum(1 for byte in head if byte < 32 and byte not in (9, 10, 12, 13, 27))
    return control > max(3, len(head) // 20)


def _declared_first(declared: str | None) -> list[str]:
    names = []
    if declared:
        try:
            name = codecs.lookup(declared.strip().strip("\"'")).name
        except LookupError:
            name = "utf-8"
        if not name.startswith(("utf-16", "utf-32")):  # bytes that a byte-wise prolog was read from are not UTF-16
            names.append(_SUPERSETS.get(name, name))
    if "utf-8" not in names:
        # Valid UTF-8 with a wrong Western declaration is the commonest mistake: such text is almost never cp1252.
        names.insert(0 if names and names[0] in ("cp1252", "ascii") else len(names), "utf-8")
    return names


def _wide_without_bom(data: bytes) -> str | None:
    """UTF-16/32 without a mark, seen by where the zero bytes of ASCII characters stand."""
    head = data[:4096]
    if len(head) < 4 or 0 not in head:
        return None
    size = len(head) // 4
    zeros = [sum(1 for byte in head[offset::4] if byte == 0) / max(size, 1) for offset in range(4)]
    if len(data) % 4 == 0 and min(zeros[2], zeros[3]) > 0.9 and zeros[0] < 0.5:
        return "utf-32-le"
    if len(data) % 4 == 0 and min(zeros[0], zeros[1]) > 0.9 and zeros[3] < 0.5:
        return "utf-32-be"
    even, odd = (zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2
    for name, many, few in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if many > 0.1 and few < many / 3 and _reads_as_text(head, name):
            return name
    return None


def _reads_as_text(head: bytes, name: str) -> bool:
    text = head[: len(head) // 2 * 2].decode(name, errors="replace")
    odd = sum(1 for char in text if char == "\ufffd" or (ord(char) < 32 and char not in "\t\n\r\f"))
    return odd <= len(text) // 50


def _nearly_utf8(data: bytes) -> bool:
    """UTF-8 with a few broken bytes (a cut-off file, one bad paste) is still UTF-8."""
    text = data[:_SAMPLE].decode("utf-8", errors="replace")
    multibyte = sum(1 for char in text if ord(char) > 127 and char != "\ufffd")
    return multibyte > 0 and text.count("\ufffd") * 10 < multibyte


def _guess(data: bytes) -> str:
    korean = _korean(data)
    if korean is not None:
        return korean
    from charset_normalizer import from_bytes

    # Western text in a few accented words reads nearly as well in the Central European page; the common one wins.
    matches = from_bytes(data[:_SAMPLE], cp_isolation=_CANDIDATES)
    scores = {match.encoding: match.coherence - match.chaos + 0.1 * (match.encoding == "cp1252") for match in matches}
    best = max(scores, key=lambda name: scores[name], default="cp1252")
    return data.decode(best, errors="replace")


def _korean(data: bytes) -> str | None:
    """cp949 where its bytes give mostly Hangul syllables; statistics alone mistake short Korean texts for Chinese."""
    try:
        text = data.decode("cp949")
    except UnicodeDecodeError:
        return None
    wide = [char for char in text if ord(char) > 127]
    hangul = sum(1 for char in wide if "\uac00" <= char <= "\ud7a3")
    # Western accents are single bytes between ASCII letters; as cp949 they would swallow the following letter.
    swallowed = len(re.findall(rb"[A-Za-z][\x81-\xfe][A-Za-z]", data))
    return text if wide and hangul / len(wide) > 0.6 and swallowed * 4 < hangul else None
