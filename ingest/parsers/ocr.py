"""Recognising text in pictures with tesseract, for as many pages as the limits allow.

tesseract is called directly: pytesseract wraps the same command line, imports pandas for it (50 MB in the child), and
starts it where our limits would not reach.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from ingest.parsers import programs
from ingest.parsers.source import Source
from ingest.types import Block, BlockKind, Parsed, ParseFailed

if TYPE_CHECKING:
    from PIL.Image import Image

_LANGUAGES = ("eng", "kor")
_MAX_PIXELS = 40_000_000
_MIN_SIDE = 24
_TIME_SHARE = 0.8  # of the time limit, after which further pages are left unread rather than the whole file lost
_KEEP_SPACES = ("-c", "preserve_interword_spaces=1")  # without it every Hangul syllable is a word


def available() -> bool:
    """Whether pictures can be read here."""
    return programs.find_tesseract() is not None


def may_read(source: Source) -> bool:
    """Whether the limits allow one more page."""
    return source.budget.ocr_pages < source.limits.ocr_max_pages and source.budget.remaining_seconds(_TIME_SHARE) > 2


def read_image(source: Source, image: Image, page: int | None = None) -> list[Block]:
    """The paragraphs that tesseract sees in a picture."""
    tesseract = programs.find_tesseract()
    if tesseract is None:
        raise programs.needs("tesseract", "Scanned", "tesseract-ocr tesseract-ocr-kor")
    source.budget.ocr_pages += 1
    path = source.scratch / "page.png"
    image.convert("L").save(path)
    args = [tesseract, str(path), "stdout", "-l", _languages(tesseract, source), "--dpi", "200", *_KEEP_SPACES]
    text = programs.run(source, args).decode("utf-8", "replace")
    return list(_paragraphs(text, page))


def parse_image(source: Source) -> Parsed:
    """Parse a picture file (PNG, JPEG, TIFF with its pages, BMP, GIF, WebP)."""
    from PIL import Image, ImageOps, ImageSequence

    if not source.limits.ocr:
        raise ParseFailed("no_text", "The picture was not read: text recognition is switched off (NEXUS_OCR).")
    if not available():
        raise programs.needs("tesseract", "Picture", "tesseract-ocr tesseract-ocr-kor")
    Image.MAX_IMAGE_PIXELS = None  # bounded below, with an error that a person understands
    blocks: list[Block] = []
    notes: list[str] = []
    try:
        with Image.open(source.path) as picture:
            if picture.width * picture.height > _MAX_PIXELS * 4:
                raise ParseFailed(
                    "too_large", f"The picture has {picture.width} x {picture.height} pixels. Scale it down."
                )
            frames = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
            for number, frame in enumerate(ImageSequence.Iterator(picture), start=1):
                if number > frames:
                    break
                if not may_read(source):
                    notes.append(
                        f"{frames - number + 1} pages were not read: the limit of text recognition was reached."
                    )
                    break
                upright = ImageOps.exif_transpose(frame.copy())
                blocks += read_image(source, _sized(upright), page=number if frames > 1 else None)
    except (OSError, SyntaxError, ValueError) as error:
        raise ParseFailed("malformed", f"The picture is damaged or cut off: {error}.") from error
    return Parsed(tuple(blocks), parser="tesseract", notes=tuple(notes))


def _sized(image: Image) -> Image:
    """Small text is enlarged, since tesseract wants letters 20 pixels and more high; huge pictures are reduced."""
    pixels = image.width * image.height
    if min(image.size) < _MIN_SIDE:
        raise ParseFailed("no_text", "The picture is too small to hold text.")
    if pixels > _MAX_PIXELS:
        image.thumbnail((int(image.width * (_MAX_PIXELS / pixels) ** 0.5), image.height))
    elif image.width < 1000:
        factor = min(3.0, 1600 / image.width)
        image = image.resize((int(image.width * factor), int(image.height * factor)))
    return image


def _languages(tesseract: str, source: Source) -> str:
    known = _installed(tesseract, source)
    return "+".join(language for language in _LANGUAGES if language in known) or "eng"


@lru_cache(maxsize=1)
def _installed_cache(output: bytes) -> frozenset[str]:
    return frozenset(output.decode("utf-8", "replace").split())


def _installed(tesseract: str, source: Source) -> frozenset[str]:
    return _installed_cache(programs.run(source, [tesseract, "--list-langs"]))


def _paragraphs(text: str, page: int | None) -> Iterator[Block]:
    for paragraph in re.split(r"\n\s*\n", text.replace("\f", "\n\n")):
        lines = [line.strip() for line in paragraph.splitlines() if any(char.isalnum() for char in line)]
        if lines:
            yield Block(BlockKind.PARAGRAPH, " ".join(lines) if len(lines) > 1 else lines[0], page=page)
