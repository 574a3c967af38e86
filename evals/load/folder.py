"""A folder to import: as big as one likes, most of it pictures inside documents, as folders of companies are."""

import base64
import io
import os
import random
import zipfile
from pathlib import Path

from evals.bench.corpus import paragraph, write_corpus

_PICTURE_BYTES = 3_500_000
_SENTENCES_PER_PAGE = 6
_PAGES, _LOG_LINES, _TABLE_ROWS = 300, 6_000, 4_000


def make_folder(folder: Path, megabytes: int, seed: int = 23) -> int:
    """Fill a folder; gives the number of files. Some 2.5 MB of it are texts (pages, a log, a table), the rest are Word
    and HTML documents of a page each with a big picture inside."""
    chance = random.Random(seed)  # noqa: S311 - the same texts every time are what is wanted
    write_corpus(folder / "pages", _PAGES, seed)
    (folder / "server.log").write_text(
        "\n".join(f"2026-11-{1 + n % 28:02} INFO {paragraph(chance, 1)}" for n in range(_LOG_LINES)), encoding="utf-8"
    )
    (folder / "table.csv").write_text(
        "number,name,remark\n" + "\n".join(f"{n},item {n},{paragraph(chance, 1)}" for n in range(_TABLE_ROWS)),
        encoding="utf-8",
    )
    files, size = _PAGES + 2, 0
    while size < megabytes * 2**20:
        words = [paragraph(chance, _SENTENCES_PER_PAGE) for _ in range(3)]
        if files % 4:
            content, suffix = _word(words), "docx"
        else:
            content, suffix = _html(words), "html"
        (folder / f"document-{files:04}.{suffix}").write_bytes(content)
        files, size = files + 1, size + len(content)
    return files


def make_small_files(folder: Path, count: int, seed: int = 29) -> int:
    """Fill a folder with so many pages of a sentence or two each, a thousand to a folder; gives the number of files."""
    chance = random.Random(seed)  # noqa: S311 - the same texts every time are what is wanted
    for number in range(count):
        place = folder / f"{number // 1000:03}"
        place.mkdir(exist_ok=True)
        (place / f"{number:06}.md").write_text(f"# Note {number}\n\n{paragraph(chance, 1)}\n", encoding="utf-8")
    return count


def _word(paragraphs: list[str]) -> bytes:
    from docx import Document

    document = Document()
    document.add_heading(paragraphs[0][:60])
    for text in paragraphs:
        document.add_paragraph(text)
    output = io.BytesIO()
    document.save(output)
    # A part that nobody shows is as heavy as a picture.
    with zipfile.ZipFile(output, "a") as archive:
        archive.writestr("word/media/picture.png", os.urandom(_PICTURE_BYTES))
    return output.getvalue()


def _html(paragraphs: list[str]) -> bytes:
    picture = base64.b64encode(os.urandom(_PICTURE_BYTES)).decode()
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    image = f'<img src="data:image/png;base64,{picture}">'
    return f"<html><body><h1>{paragraphs[0][:60]}</h1>{body}{image}</body></html>".encode()
