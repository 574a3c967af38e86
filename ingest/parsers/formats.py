"""Which format a file is: by its content where that is certain, then by its name, then by its declared media type."""

import zipfile
from pathlib import Path

from ingest.parsers.encoding import decode, looks_binary
from ingest.types import ParseFailed

_HEAD = 16 * 1024
_BY_EXTENSION = {
    **dict.fromkeys(
        ("txt", "text", "log", "conf", "ini", "cfg", "properties", "srt", "vtt", "tex", "org", "adoc"), "txt"
    ),
    **dict.fromkeys(
        ("py", "js", "ts", "java", "c", "h", "cpp", "go", "rs", "sh", "sql", "yaml", "yml", "toml"), "code"
    ),
    **dict.fromkeys(("md", "markdown", "mdown", "mkd", "mdx"), "md"),
    **dict.fromkeys(("rst", "rest"), "rst"),
    **dict.fromkeys(("html", "htm", "xhtml"), "html"),
    **dict.fromkeys(("xml", "rss", "atom", "xsd", "svg", "opml"), "xml"),
    **dict.fromkeys(("csv",), "csv"),
    **dict.fromkeys(("tsv", "tab"), "tsv"),
    **dict.fromkeys(("json", "jsonl", "ndjson", "geojson"), "json"),
    **dict.fromkeys(("docx", "docm", "dotx"), "docx"),
    **dict.fromkeys(("pptx", "pptm", "ppsx", "potx"), "pptx"),
    **dict.fromkeys(("xlsx", "xlsm", "xltx"), "xlsx"),
    **dict.fromkeys(("png", "jpg", "jpeg", "tif", "tiff", "bmp", "gif", "webp"), "image"),
    **{name: name for name in ("doc", "odt", "rtf", "ppt", "xls", "epub", "eml", "msg", "pdf", "zip")},
}
_BY_MEDIA_TYPE = {
    "text/plain": "txt",
    "text/markdown": "md",
    "text/x-rst": "rst",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/xml": "xml",
    "application/xml": "xml",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/json": "json",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "message/rfc822": "eml",
}
_TEXTUAL = {"txt", "code", "md", "rst", "html", "xml", "csv", "tsv", "json", "eml"}
_MAGIC = (
    (b"{\\rtf", "rtf"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"GIF8", "image"),
)
_ENCRYPTED_OFFICE = "The file is protected by a password. Remove the password in Office and upload it again."
_SUPPORTED = (
    "Supported are text, Markdown, reStructuredText, HTML, XML, CSV, TSV, JSON, Word, OpenDocument, RTF, PowerPoint, "
    "Excel, EPUB, e-mail (eml, msg), PDF, pictures and ZIP."
)


def extension(name: str) -> str:
    """The last extension in lower case without the dot."""
    return name.rsplit(".", 1)[-1].lower() if "." in name else ""


def detect(path: Path, name: str, media_type: str | None) -> str:
    """The format's name, a key of `ingest.parsers.PARSERS`. Raises `ParseFailed`: `empty`, `unsupported`,
    `malformed`, or `password_protected` where the container itself says so."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.strip(b"\x00 \t\r\n\xef\xbb\xbf\xfe\xff"):
        raise ParseFailed("empty", "The file is empty.")
    named = _BY_EXTENSION.get(extension(name), "")
    found = _by_content(path, head, named)
    if found:
        return found
    if named and named not in _TEXTUAL:
        if looks_binary(head):
            raise ParseFailed(
                "malformed",
                f"The file is named .{extension(name)} but is damaged or of another kind. Save it anew and retry.",
            )
        named = ""  # text under a binary format's name
    if looks_binary(head):
        if named:
            raise ParseFailed("unsupported", f"The file is named .{extension(name)} but holds no text. {_SUPPORTED}")
        kind = f".{extension(name)} files are" if extension(name) else "This kind of file is"
        raise ParseFailed("unsupported", f"{kind} not supported. {_SUPPORTED}")
    if named:
        return named
    declared = _BY_MEDIA_TYPE.get((media_type or "").split(";")[0].strip().lower(), "")
    return declared if declared and declared != "txt" else _text_format(decode(head))


def _by_content(path: Path, head: bytes, named: str) -> str | None:
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _zip_format(path, named)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole_format(path)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "image"
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def _zip_format(path: Path, named: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mimetype = archive.read("mimetype")[:200] if "mimetype" in names else b""
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError) as error:
        kind = f".{named}" if named else "ZIP"
        raise ParseFailed(
            "malformed", f"The {kind} file is damaged or cut off and cannot be opened. Make it again and retry."
        ) from error
    if b"epub" in mimetype:
        return "epub"
    if b"opendocument.text" in mimetype:
        return "odt"
    if b"opendocument" in mimetype:
        raise ParseFailed("unsupported", "OpenDocument sheets and slides are not supported. Save as .xlsx or .pptx.")
    for folder, name in (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx")):
        if "[Content_Types].xml" in names and any(member.startswith(folder) for member in names):
            return name
    if named in ("docx", "xlsx", "pptx", "odt", "epub"):
        return named
    return "zip"


def _ole_format(path: Path) -> str:
    import olefile

    try:
        with olefile.OleFileIO(str(path)) as ole:
            streams = {"/".join(entry) for entry in ole.listdir()}
    except (OSError, ValueError, IndexError) as error:
        raise ParseFailed("malformed", "The file is damaged or cut off and cannot be opened.") from error
    if "EncryptedPackage" in streams:
        raise ParseFailed("password_protected", _ENCRYPTED_OFFICE)
    found = next(
        (
            name
            for stream, name in (
                ("WordDocument", "doc"),
                ("Workbook", "xls"),
                ("Book", "xls"),
                ("PowerPoint Document", "ppt"),
                ("__properties_version1.0", "msg"),
            )
            if stream in streams
        ),
        None,
    )
    if found is None:
        raise ParseFailed("unsupported", f"This kind of file is not supported. {_SUPPORTED}")
    if found in ("doc", "ppt", "xls") and _is_encrypted(path):
        raise ParseFailed("password_protected", _ENCRYPTED_OFFICE)
    return found


def _is_encrypted(path: Path) -> bool:
    import msoffcrypto

    with path.open("rb") as file:
        try:
            return bool(msoffcrypto.OfficeFile(file).is_encrypted())
        except Exception:  # noqa: BLE001 - what is wrong with the file, its own parser says better
            return False


def _text_format(head: str) -> str:
    """The format of a text without a telling name."""
    start = head.lstrip()[:500].lower()
    if start.startswith("<?xml"):
        return "html" if "<html" in start else "xml"
    if start.startswith(("<!doctype html", "<html")):
        return "html"
    if start.startswith(("{", "[")):
        import json

        try:
            json.JSONDecoder().raw_decode(head.lstrip())
        except json.JSONDecodeError as error:
            return "json" if error.pos > len(head) - 300 > 0 else "txt"
        return "json"
    if _looks_like_mail(head):
        return "eml"
    return "txt"


def _looks_like_mail(head: str) -> bool:
    names = set()
    for line in head.splitlines()[:60]:
        if not line.strip():
            break
        name, colon, _ = line.partition(":")
        if colon and name.replace("-", "").isalnum():
            names.add(name.lower())
    return len(names & {"from", "to", "subject", "date", "received", "message-id", "mime-version"}) >= 3
