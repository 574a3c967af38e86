"""Word processor, presentation and book formats.

docx and pptx go to unstructured as they are. odt, rtf, epub and rst become HTML by pandoc (unstructured does the same
by way of pypandoc, without a time limit and, for odt, through a lossy second format) and then go to unstructured's HTML
partitioner; doc and ppt become docx and pptx by LibreOffice first.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path

from ingest.parsers import elements, programs
from ingest.parsers.encoding import decode
from ingest.parsers.html import parse_text
from ingest.parsers.metadata import listed
from ingest.parsers.rtf import as_utf8
from ingest.parsers.source import Source
from ingest.types import Block, BlockKind, Parsed, ParseFailed

_SUBTITLE = "\ufdd1"  # a code point that no text holds
_TEMPLATE = (
    "<html><head><title>$title$</title></head><body>"
    f"$if(subtitle)$<h1>{_SUBTITLE}$subtitle$</h1>$endif$$body$</body></html>"
)


def parse_docx(source: Source) -> Parsed:
    """Parse a Word document."""
    return _docx(source.path)


def parse_pptx(source: Source) -> Parsed:
    """Parse a presentation; a page is a slide, and notes follow their slide."""
    return _pptx(source.path)


def parse_doc(source: Source) -> Parsed:
    """Parse a Word 97-2003 document."""
    return _docx(_convert(source, "docx", "Word 97-2003 (.doc)", "libreoffice-writer"))


def parse_ppt(source: Source) -> Parsed:
    """Parse a PowerPoint 97-2003 presentation."""
    return _pptx(_convert(source, "pptx", "PowerPoint 97-2003 (.ppt)", "libreoffice-impress"))


def parse_rtf(source: Source) -> Parsed:
    """Parse rich text."""
    return _pandoc(source, "rtf", "Rich text (.rtf)", as_utf8(source.read()))


def parse_odt(source: Source) -> Parsed:
    """Parse an OpenDocument text."""
    parsed = _pandoc(source, "odt", "OpenDocument (.odt)")
    properties = _part(source.path, "meta.xml")
    return replace(parsed, title=parsed.title or _title(properties), tags=_keywords(properties, "meta:keyword"))


def parse_epub(source: Source) -> Parsed:
    """Parse an EPUB book."""
    return _pandoc(source, "epub", "EPUB")


def parse_rst(source: Source) -> Parsed:
    """Parse reStructuredText of any encoding."""
    return _pandoc(source, "rst", "reStructuredText (.rst)", decode(source.read()).encode("utf-8", "replace"))


def _docx(path: Path) -> Parsed:
    elements.load()
    from unstructured.partition.docx import partition_docx

    found = partition_docx(filename=str(path), languages=[""])
    blocks = tuple(elements.blocks_of(found, pages=True))
    return _with_properties(Parsed(blocks, parser="unstructured"), path)


def _pptx(path: Path) -> Parsed:
    elements.load()
    from unstructured.partition.pptx import partition_pptx

    found = partition_pptx(filename=str(path), languages=[""], include_slide_notes=True)
    # A title placeholder has depth 0; deeper "titles" are text boxes whose short text unstructured takes for one.
    blocks = [
        replace(block, kind=BlockKind.PARAGRAPH) if block.kind is BlockKind.HEADING and block.level > 1 else block
        for block in elements.blocks_of(found, pages=True)
    ]
    # The shapes come in the order of drawing, where a slide's title may be last.
    blocks.sort(key=lambda block: (block.page or 0, block.kind is not BlockKind.HEADING))
    first = next((block.text for block in blocks if block.kind is BlockKind.HEADING and block.page == 1), None)
    return _with_properties(Parsed(tuple(blocks), title=first, parser="unstructured"), path)


def _pandoc(source: Source, reader: str, what: str, data: bytes | None = None) -> Parsed:
    """Parse by way of pandoc; `data` replaces what is in the file."""
    pandoc = programs.find_pandoc()
    if pandoc is None:
        raise programs.needs("pandoc", what, "pandoc")
    template = source.scratch / "page.html"
    template.write_text(_TEMPLATE)
    memory = f"-M{max(256, source.limits.memory_bytes // 2**20 // 2)}m"
    args = [
        pandoc,
        "+RTS",
        memory,
        "-RTS",
        "--sandbox",
        f"--template={template}",
        "--wrap=none",
        "-f",
        reader,
        "-t",
        "html",
    ]
    html = programs.run(source, args if data is not None else [*args, str(source.path.resolve())], stdin=data)
    parsed = parse_text(html.decode("utf-8", "replace"))
    return Parsed(tuple(_nested(parsed.blocks)), title=parsed.title, parser=f"pandoc:{reader}")


def _nested(blocks: Sequence[Block]) -> Iterator[Block]:
    """pandoc takes a lone section under the title for a subtitle, and its sections rise; here they sink again."""
    under = bool(blocks) and blocks[0].text.startswith(_SUBTITLE)
    for block in blocks:
        text = block.text.removeprefix(_SUBTITLE)
        sunk = under and block.kind is BlockKind.HEADING and text == block.text
        yield replace(block, text=text, level=block.level + sunk)


def _convert(source: Source, target: str, what: str, package: str) -> Path:
    office = programs.find_office()
    if office is None:
        raise programs.needs("LibreOffice", what, package)
    profile, out = source.scratch / "office-profile", source.scratch / "office-out"
    out.mkdir(exist_ok=True)
    original = source.scratch / f"original.{target[:-1]}"
    original.write_bytes(source.read())
    args = [
        office,
        f"-env:UserInstallation={profile.resolve().as_uri()}",
        *("--headless", "--invisible", "--norestore", "--nolockcheck", "--nodefault", "--nologo"),
        *("--convert-to", target, "--outdir", str(out), str(original)),
    ]
    for attempt in (1, 2):  # a fresh profile may make LibreOffice end with 81, "start me again"
        try:
            programs.run(source, args)
        except ParseFailed as error:
            if error.reason == "timeout" or attempt == 2:
                raise
        converted = out / f"original.{target}"
        if converted.exists():
            return converted
    raise ParseFailed("malformed", f"LibreOffice could not read this {what} file. Open it in Office and save it anew.")


def _with_properties(parsed: Parsed, path: Path) -> Parsed:
    """The same with what the document's core properties say, in place of its own title."""
    properties = _part(path, "docProps/core.xml")
    return replace(
        parsed,
        title=_title(properties) or parsed.title,
        tags=_keywords(properties, "cp:keywords"),
        category=next(iter(_properties(properties, "cp:category")), None),
    )


def _part(path: Path, name: str) -> str:
    """The beginning of a part of the document; empty where it has none."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as part:
            return part.read(100_000).decode("utf-8", "replace")
    except (KeyError, zipfile.BadZipFile):
        return ""


def _properties(xml: str, element: str) -> list[str]:
    """The texts of all elements of a name in a document's properties."""
    return [unescape(found).strip() for found in re.findall(rf"<{element}[^>]*>([^<]+)</{element}>", xml)]


def _keywords(properties: str, element: str) -> tuple[str, ...]:
    return tuple(tag for keywords in _properties(properties, element) for tag in listed(keywords))


def _title(properties: str) -> str | None:
    """The title in a document's properties, unless it is one that programs write by themselves."""
    title = next(iter(_properties(properties, "dc:title")), "")
    ignored = ("", "word document", "powerpoint presentation", "presentation", "document", "untitled", "제목 없음")
    return None if title.lower() in ignored else title
