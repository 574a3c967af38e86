"""Parsers: a file in, blocks of text with headings, pages and tables out.

`parse` runs in the sandbox's child process (`ingest.sandbox`). Heavy libraries are imported by the format that needs
them, so that plain text, Markdown and CSV stay cheap.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from ingest.parsers.cleaning import one_line, tidy
from ingest.parsers.formats import detect
from ingest.parsers.limits import Limits
from ingest.parsers.metadata import bounded
from ingest.parsers.source import Budget, Source
from ingest.types import Parsed, ParseFailed

PARSERS: dict[str, str] = {  # format -> module:function
    "txt": "plain:parse",
    "code": "plain:parse_code",
    "md": "markdown:parse",
    "rst": "office:parse_rst",
    "html": "html:parse",
    "xml": "structured:parse_xml",
    "json": "structured:parse_json",
    "csv": "delimited:parse",
    "tsv": "delimited:parse",
    "docx": "office:parse_docx",
    "pptx": "office:parse_pptx",
    "doc": "office:parse_doc",
    "ppt": "office:parse_ppt",
    "rtf": "office:parse_rtf",
    "odt": "office:parse_odt",
    "epub": "office:parse_epub",
    "xlsx": "spreadsheet:parse_xlsx",
    "xls": "spreadsheet:parse_xls",
    "eml": "mail:parse_eml",
    "msg": "mail:parse_msg",
    "pdf": "pdf:parse",
    "image": "ocr:parse_image",
    "zip": "archive:parse",
}
_ZIPPED = {"docx", "pptx", "xlsx", "odt", "epub"}


def parse(path: Path, filename: str, media_type: str | None, limits: Limits) -> Parsed:
    """The blocks of the file at `path`. `filename` is what the user calls it; `media_type` what the client declared.

    Raises `ParseFailed` with a reason for everything that is the file's fault.
    """
    with tempfile.TemporaryDirectory(prefix="nexus-parse-") as scratch:
        return _parse(path, filename, media_type, Budget(limits), Path(scratch), depth=0)


def _parse(path: Path, filename: str, media_type: str | None, budget: Budget, scratch: Path, depth: int) -> Parsed:
    limits = budget.limits

    def parse_part(data: bytes, name: str, declared: str | None) -> Parsed:
        if depth >= limits.archive_max_depth:
            raise ParseFailed("too_large", f"Nested more than {limits.archive_max_depth} deep. Upload it by itself.")
        with tempfile.TemporaryDirectory(dir=scratch) as inner:
            part = Path(inner) / "part"
            part.write_bytes(data)
            return _parse(part, name, declared, budget, Path(inner), depth + 1)

    found = detect(path, filename, media_type)
    source = Source(path, filename, media_type, limits, budget, scratch, depth, parse_part)
    if found in _ZIPPED:
        from ingest.parsers.archive import check

        check(path, source)
    module, function = PARSERS[found].split(":")
    parser: Callable[[Source], Parsed] = getattr(import_module(f"ingest.parsers.{module}"), function)
    try:
        parsed = parser(source)
    except (ParseFailed, MemoryError):
        raise
    except Exception as error:  # whatever a library raises over a stranger's file is that file's failure
        raise ParseFailed(
            "malformed",
            f"The file is damaged or not what its name says ({found}: {_said(error)}). Save it anew and retry.",
        ) from error
    blocks = tuple(tidy(parsed.blocks))
    if not blocks:
        raise ParseFailed("no_text", "The file holds no text that could be read.")
    _check_output(sum(len(block.text) for block in blocks), limits)
    title = one_line(parsed.title)[:500] if parsed.title else None
    return bounded(replace(parsed, blocks=blocks, title=title or None))


def _check_output(chars: int, limits: Limits) -> None:
    if chars > limits.output_chars:
        raise ParseFailed(
            "too_large",
            f"The file holds {chars:,} characters of text; at most {limits.output_chars:,} are indexed of one file. "
            "Split it, or raise NEXUS_PARSE_OUTPUT_CHARS.",
        )


def _said(error: Exception) -> str:
    text = one_line(str(error))[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
